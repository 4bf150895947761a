"""What a notebook shows of a bundle, a variant and an opened model: one short line."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from toolkit.bundle import open_bundle
from toolkit.errors import InvalidInput
from toolkit.quantizer import quantize
from toolkit.runtime import load


def test_one_line_each(california_bundle, classifier_bundle):
    for folder in (california_bundle, classifier_bundle):
        bundle, model = open_bundle(folder), load(folder)
        shown = [repr(bundle), repr(model), *map(repr, bundle.variants)]
        assert all("\n" not in text for text in shown)
        assert bundle.task in repr(bundle)
        assert "proof passed" in repr(bundle)
        assert all(v.method in repr(v) for v in bundle.variants)
        assert model.outputs[0] in repr(model)
        assert len(repr(bundle)) < 120 + len(str(folder))
    assert "size [N, 1] float32" in repr(model)


def test_variants_are_found_by_their_method(california_bundle):
    bundle = open_bundle(california_bundle)
    assert bundle.variants["float32"].path == bundle.model_path
    assert bundle.variants["float32"] == bundle.variants[0]
    assert bundle.variants["float32"].path.is_file()
    assert (
        "folder"
        not in json.loads((bundle.path / "manifest.json").read_text(encoding="utf-8"))["variants"][
            0
        ]
    )
    with pytest.raises(InvalidInput, match=r"no method 'uint3-pack' was tried; there are float32"):
        bundle.variants["uint3-pack"]


def test_quantize_returns_variants_with_their_files(tmp_path, california_bundle):
    copy = shutil.copytree(california_bundle, tmp_path / "copy")
    variants = quantize(copy, ["uint8-pack", "dynamic-uint8"])
    assert variants["uint8-pack"].path == Path(copy) / "model.uint8-pack.pack"
    assert variants["dynamic-uint8"].path is None
    assert len(load(variants["uint8-pack"].path).predict(np.zeros((2, 8)))) == 2


def test_a_notebook_shows_tables_of_escaped_text(california_bundle):
    bundle = open_bundle(california_bundle)
    evil = replace(bundle, manifest={**bundle.manifest, "name": "<script>alert(1)</script>"})
    for shown in (evil, bundle.variants, load(california_bundle)):
        page = shown._repr_html_()
        assert "<table>" in page
        assert "<script" not in page
        elements = ElementTree.fromstring(page)
        assert len(list(elements.iter("tr"))) >= 2
    assert "&lt;script&gt;" in evil._repr_html_()
    assert "[N, 8]" in load(california_bundle)._repr_html_()


def test_a_failed_proof_shows(california_bundle):
    bundle = open_bundle(california_bundle)
    failed = {**bundle.manifest, "proof": {**bundle.manifest["proof"], "passed": False}}
    assert "proof FAILED" in repr(replace(bundle, manifest=failed))
