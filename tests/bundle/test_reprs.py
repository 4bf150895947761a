"""What a notebook shows of a bundle, a variant and an opened model: one short line."""

from __future__ import annotations

from dataclasses import replace

from toolkit.bundle import open_bundle
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


def test_a_failed_proof_shows(california_bundle):
    bundle = open_bundle(california_bundle)
    failed = {**bundle.manifest, "proof": {**bundle.manifest["proof"], "passed": False}}
    assert "proof FAILED" in repr(replace(bundle, manifest=failed))
