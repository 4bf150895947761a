"""Files for an older onnxruntime, and what an older one says of a newer file."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import KNNImputer
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline

import toolkit
from tests.runtime.test_requires import X, Y, rng
from tests.script_modules import script_modules
from toolkit.errors import CorruptArtifact, InvalidInput, UnsupportedEstimator
from toolkit.runtime import load, session
from toolkit.runtime.describe import describe
from toolkit.runtime.loading import to_onnx
from toolkit.runtime.requires import requires


@pytest.fixture(scope="module")
def older(tmp_path_factory):
    """A forest for onnxruntime 1.18, quantized with every method."""
    forest = RandomForestRegressor(5, max_depth=5, random_state=0).fit(X, Y)
    out = tmp_path_factory.mktemp("older") / "forest"
    bundle = toolkit.export(forest, X, Y, name="forest", out=out, runtime="1.18")
    toolkit.quantize(bundle)
    return out


def test_trees_for_an_older_runtime(older):
    manifest = json.loads((older / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["runtime"] == "1.18"
    assert manifest["proof"]["passed"]
    stated = {n: e["requires"] for n, e in manifest["files"].items() if e["role"] == "variant"}
    assert len(stated) > 2
    assert {n: r["onnxruntime"] for n, r in stated.items()} == dict.fromkeys(stated, "1.18")
    for name, found in stated.items():
        assert found == requires(to_onnx((older / name).read_bytes(), name), name)
        assert found == describe(older / name)["requires"]
    nodes = onnx.load(older / "model.onnx").graph.node
    assert "TreeEnsembleRegressor" in {n.op_type for n in nodes}
    np.testing.assert_allclose(
        load(older).predict(X), load(older / "model.float32-pack.pack").predict(X), rtol=1e-6
    )


def test_a_variant_that_needs_a_newer_runtime_is_not_applicable(tmp_path):
    network = MLPRegressor(hidden_layer_sizes=(48, 48), max_iter=20, random_state=0).fit(X, Y)
    bundle = toolkit.export(network, X, Y, name="m", out=tmp_path / "m", runtime="1.18")
    (variant,) = toolkit.quantize(bundle, ["weight-uint4"])
    assert variant.status == "not-applicable"
    assert variant.reason == "it needs onnxruntime 1.19, and the model was exported for 1.18"


def test_text_for_a_runtime_without_its_operators(tmp_path):
    texts = [f"word{i % 7} more{i % 5}" for i in range(120)]
    model = make_pipeline(TfidfVectorizer(), Ridge()).fit(texts, Y)
    with pytest.raises(UnsupportedEstimator, match=r"for onnxruntime 1\.17 or newer"):
        toolkit.export(model, texts, Y, name="m", out=tmp_path / "m", runtime="1.16")
    assert not (tmp_path / "m").exists()


def test_a_graph_that_the_runtime_has_not_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(toolkit.runtime.requires.FLOAT64_SINCE, "Gemm", (23, 99))
    with pytest.raises(
        UnsupportedEstimator, match=r"needs onnxruntime 1\.23 or newer, .*for 1\.18"
    ):
        toolkit.export(Ridge().fit(X, Y), X, Y, name="m", out=tmp_path / "m", runtime="1.18",
                       input_dtype="float64")  # fmt: skip


@pytest.mark.filterwarnings("ignore")
def test_neighbours_impute_batches_that_miss_nothing(tmp_path):
    """onnxruntime up to 1.24 divides by the rows of TopK: there is always one."""
    holes = np.where(rng.random(X.shape) < 0.2, np.nan, X)
    bundle = toolkit.export(KNNImputer().fit(holes), holes, name="m", out=tmp_path / "m")
    np.testing.assert_allclose(load(bundle).predict(X[:1]), X[:1], rtol=1e-6)
    nodes = list(_all_nodes(onnx.load(bundle.model_path).graph))
    made = {o: n for n in nodes for o in n.output}

    def sources(name):
        return (
            {name} | {s for i in made[name].input for s in sources(i)} if name in made else {name}
        )

    for tensor in (n.input[0] for n in nodes if n.op_type == "TopK"):
        picks = [made[s] for s in sources(tensor) if s in made and made[s].op_type == "GatherND"]
        assert picks
        assert all(made[p.input[1]].op_type == "Concat" for p in picks)


def _all_nodes(graph):
    for one in graph.node:
        yield one
        for attribute in one.attribute:
            if attribute.HasField("g"):
                yield from _all_nodes(attribute.g)


def test_an_older_onnxruntime_says_what_it_lacks(older, monkeypatch):
    def refuse(*_, **__):
        raise RuntimeError("Could not find an implementation")

    monkeypatch.setattr(session.onnxruntime, "InferenceSession", refuse)
    monkeypatch.setattr(session.onnxruntime, "__version__", "1.17.3")
    expected = r"model\.onnx: needs onnxruntime 1\.18 or newer; this is 1\.17\.3; export with"
    with pytest.raises(InvalidInput, match=expected):
        load(older)
    monkeypatch.setattr(session.onnxruntime, "__version__", "1.18.1")
    with pytest.raises(CorruptArtifact, match="cannot open it"):
        load(older)


def test_the_script_tells_files_that_are_not_as_they_say(older):
    files = [older / "model.onnx"]
    with script_modules("", ("requires",)) as modules:
        compare, runs = modules["requires"].compare, modules["requires"].RUNS
        as_said = {"1.17.3": {files[0]: "refused"}, "1.18.1": {files[0]: runs}}
        assert compare(files, as_said) == []
        assert len(compare(files, {"1.17.3": {files[0]: runs}})) == 1
        assert len(compare(files, {"1.19.2": {files[0]: "wrong: deviation 1"}})) == 1
        assert "| forest | model.onnx | 1.18 |" in modules["requires"].page(files, as_said)
