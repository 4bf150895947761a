"""The comparison with other quantizers: its models, what is said of failures, and the page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.script_modules import script_modules

ROOT = Path(__file__).resolve().parents[1]
MODULES = ("estimators", "others", "compare", "page")


@pytest.fixture(scope="module")
def scripts():
    with script_modules("quantizers", MODULES) as modules:
        yield modules


def tiny(scripts, classifier=False):
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPRegressor

    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 20))
    y = X @ rng.normal(size=20)
    if classifier:
        y = (y > 0).astype(int)
        estimator = LogisticRegression().fit(X, y)
    else:
        estimator = MLPRegressor(hidden_layer_sizes=(32,), max_iter=30, random_state=0).fit(X, y)
    return scripts["estimators"].Model("tiny", estimator, X[:150], y[:150], X[150:], y[150:])


@pytest.fixture(scope="module")
def measured(scripts):
    return scripts["compare"].measure(tiny(scripts), ["weight-uint8", "float16"])


def row(figures, name):
    return next(r for r in figures["rows"] if r["name"] == name)


def test_every_contestant_has_a_row(scripts, measured):
    names = [r["name"] for r in measured["rows"]]
    others = list(scripts["others"].OTHERS)
    assert names[: 1 + len(others)] == ["skl2onnx, float32", *others]
    assert names[1 + len(others) :] == [
        "toolkit, float32",
        "toolkit, weight-uint8",
        "toolkit, float16",
    ]


def test_the_baseline_is_one_and_right(measured):
    base = row(measured, "skl2onnx, float32")
    assert base["size"] == 1.0
    assert set(base["time"].values()) == {1.0}
    assert base["nmse"] < 1e-9


def test_quantizers_are_smaller_and_less_exact(measured):
    for name in ("quantize_dynamic", "toolkit, weight-uint8"):
        found = row(measured, name)
        assert found["size"] == pytest.approx(
            row(measured, "skl2onnx, float32")["bytes"] / found["bytes"]
        )
        assert 1e-9 < found["nmse"] < 0.1
        assert found["max_error"] > 0
        assert found["time"].keys() == {"1", "1000"}


def test_what_changes_nothing_is_called_a_no_op(scripts, monkeypatch):
    others = scripts["others"]
    monkeypatch.setitem(
        others.OTHERS, "copy", lambda source, target, X: target.write_bytes(source.read_bytes())
    )
    model = tiny(scripts)
    with pytest.raises(others.Failed, match="no-op: all parameters as they were"):
        others.quantized("copy", others.plain(model.estimator, model.X), model.X)


def test_what_fails_says_so_in_one_line(scripts, monkeypatch):
    others = scripts["others"]

    def fails(source, target, X):
        raise KeyError("first\nsecond")

    monkeypatch.setitem(others.OTHERS, "fails", fails)
    model = tiny(scripts)
    with pytest.raises(others.Failed, match=r"^fails: KeyError: 'first\\nsecond'$"):
        others.quantized("fails", others.plain(model.estimator, model.X), model.X)


def test_a_classifiers_labels_are_compared(scripts):
    found = scripts["compare"].measure(tiny(scripts, classifier=True), ["float32-pack"])
    assert row(found, "skl2onnx, float32")["agreement"] == 1.0
    assert row(found, "toolkit, float32-pack")["agreement"] == 1.0


def test_a_wrong_answer_is_seen(scripts):
    compare = scripts["compare"]
    model = tiny(scripts)
    off = compare.Subject(1, lambda X: model.estimator.predict(X) + 100, lambda X: X, np.float32)
    found = compare._errors(model, off)
    assert found["max_error"] == pytest.approx(100, rel=1e-4)
    assert found["r2_change"] < 0


def test_the_plain_graph_is_skl2onnxs(scripts):
    model = tiny(scripts, classifier=True)
    graph = onnx.load_model_from_string(scripts["others"].plain(model.estimator, model.X))
    assert graph.producer_name == "skl2onnx"
    assert "ZipMap" not in {n.op_type for n in graph.graph.node}


def test_the_page_shows_losers(scripts, measured):
    rows = [*measured["rows"], {"name": "one that fails", "reason": "fails: a|b <c>"}]
    machine = {"platform": "here", "packages": {"onnx": "1", "sympy": None}}
    text = scripts["page"].page(
        {"environment": machine, "models": [{"model": "tiny", "rows": rows}]}
    )
    assert "| one that fails | fails: a\\|b &lt;c> |  |  |  |  |  |  |" in text
    assert "| skl2onnx, float32 | " in text
    assert "here; onnx 1, sympy not installed." in text


def test_the_committed_page_is_made_from_its_figures(scripts):
    figures = json.loads(
        (ROOT / "scripts" / "results" / "quantizers.json").read_text(encoding="utf-8")
    )
    written = (ROOT / "docs" / "quantizers.md").read_text(encoding="utf-8")
    assert scripts["page"].page(figures) == written
    assert [m["model"] for m in figures["models"]] == list(scripts["estimators"].names())
