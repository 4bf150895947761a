"""What is written is held against the schemas that the package ships, which can fail."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files

import jsonschema
import numpy as np
import onnx
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest

import toolkit
from toolkit.bundle import open_bundle
from toolkit.errors import ParityError
from toolkit.exporter.adoption import adopt

X = np.random.default_rng(5).normal(size=(120, 3))


def schema(name):
    text = files("toolkit.bundle").joinpath("schemas", f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text)


def check(folder):
    for name in ("manifest", "report"):
        path = open_bundle(folder).path / f"{name}.json"
        if path.exists():
            document = json.loads(path.read_text(encoding="utf-8"))
            jsonschema.Draft202012Validator(schema(name)).validate(document)


def test_the_schemas_are_schemas():
    for name in ("manifest", "report"):
        jsonschema.Draft202012Validator.check_schema(schema(name))


def test_bundles_of_every_task_and_stage(tmp_path, california_bundle, classifier_bundle):
    for folder in (california_bundle, classifier_bundle):
        copy = shutil.copytree(folder, tmp_path / folder.name)
        check(copy)
        toolkit.quantize(copy, ["uint8-pack", "static-int8", "reduced-set-pack"])
        toolkit.bench(copy, gates=["bytes<=1e9"])
        check(copy)
    for estimator in (IsolationForest(n_estimators=5).fit(X), KMeans(n_clusters=3).fit(X)):
        name = type(estimator).__name__
        check(toolkit.export(estimator, X, name=name, out=tmp_path / name))


def test_budgets_failed_proofs_and_graphs_from_elsewhere(tmp_path, california_bundle):
    copy = shutil.copytree(california_bundle, tmp_path / "copy")
    toolkit.quantize(copy, budget="nmse<=1e-4")
    toolkit.bench(copy)
    check(copy)
    with pytest.raises(ParityError):
        toolkit.quantize(copy, budget="bytes<=3")
    check(copy)
    graph = (copy / "model.onnx").read_bytes()
    rows = np.random.default_rng(6).normal(size=(60, 8))
    adopted = adopt(graph, "model.onnx", rows, name="theirs", out=tmp_path / "theirs")
    toolkit.bench(adopted)
    check(adopted)
    assert onnx.load(adopted.model_path).graph.node


def test_an_unknown_or_lacking_field_is_refused(california_bundle):
    manifest = open_bundle(california_bundle).manifest
    validator = jsonschema.Draft202012Validator(schema("manifest"))
    validator.validate(manifest)
    for broken in (
        manifest | {"unheard": 1},
        {k: v for k, v in manifest.items() if k != "proof"},
        manifest | {"task": "oracle"},
        manifest | {"files": {"model.onnx": {"method": None, "bytes": "251"}}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(broken)


def test_the_committed_bundle(request):
    check(request.config.rootpath / "models" / "california-linear")
