"""Graphs from elsewhere: quantized, measured, compared and judged with rows of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import skops.io
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from toolkit.bundle import open_bundle
from toolkit.cli import main

RNG = np.random.default_rng(8)
X = RNG.normal(size=(300, 6)).astype(np.float32)
WEIGHTS = RNG.normal(size=(6, 40)).astype(np.float32), RNG.normal(size=(40, 3)).astype(np.float32)


def network(w1, w2, batch="N", names=("rows", "logits")):
    """Return a two-layer network [N, 6] -> [N, 3] as another exporter may write it."""
    nodes = [
        helper.make_node("MatMul", [names[0], "w1"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("MatMul", ["active", "w2"], [names[1]]),
    ]
    graph = helper.make_graph(
        nodes,
        "main_graph",
        [helper.make_tensor_value_info(names[0], TensorProto.FLOAT, [batch, 6])],
        [helper.make_tensor_value_info(names[1], TensorProto.FLOAT, [batch, 3])],
        [numpy_helper.from_array(w1, "w1"), numpy_helper.from_array(w2, "w2")],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.onnx").write_bytes(network(*WEIGHTS))
    np.savez("rows.npz", X=X)
    return tmp_path


def said(capsys):
    done = capsys.readouterr()
    return done.out, done.err.strip().splitlines()[-1] if done.err.strip() else ""


def test_a_file_is_quantized_and_measured_as_it_is(here, capsys):
    content = Path("net.onnx").read_bytes()
    arguments = ["net.onnx", "--data", "rows.npz", "-q"]
    assert main(["quantize", *arguments, "--method", "uint8-pack", "--method", "float16"]) == 0
    bundle = open_bundle("models/net")
    assert (bundle.path / "model.onnx").read_bytes() == content
    assert bundle.is_own_reference
    assert bundle.variants["uint8-pack"].path.is_file()
    capsys.readouterr()
    assert main(["bench", *arguments, "--json"]) == 0  # the directory is taken, with its variants
    report = json.loads(capsys.readouterr().out)
    assert report["reference"] == "model.onnx as given"
    rows = {row["method"]: row for row in report["variants"]}
    assert list(rows) == ["float32", "uint8-pack", "float16"]
    assert rows["float32"]["difference"]["max_abs"] < 1e-5
    assert 0 < rows["uint8-pack"]["difference"]["nmse"] < 1e-3
    assert "scikit-learn" not in json.dumps([r["verdict"] for r in rows.values()])
    page = (bundle.path / "report.md").read_text(encoding="utf-8")
    assert "the reference is the file itself" in page
    assert main(["verify", "models/net"]) == 0
    assert main(["inspect", "models/net"]) == 0


def test_targets_give_scores(here, capsys):
    Path("net.onnx").write_bytes(network(*WEIGHTS, names=("rows", "variable")))
    np.savez("rows.npz", X=X, y=np.maximum(X @ WEIGHTS[0], 0) @ WEIGHTS[1])
    assert main(["bench", "net.onnx", "--data", "rows.npz", "-q", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["task"] == "regressor"
    assert report["variants"][0]["metrics"]["r2"] > 0.999


def test_several_inputs_come_by_their_names(here, capsys):
    nodes = [
        helper.make_node("MatMul", ["a", "w"], ["h"]),
        helper.make_node("Add", ["h", "b"], ["y"]),
    ]
    given = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", width])
        for n, width in (("a", 6), ("b", 40))
    ]
    graph = helper.make_graph(
        nodes, "two", given, [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 40])],
        [numpy_helper.from_array(WEIGHTS[0], "w")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    Path("net.onnx").write_bytes(model.SerializeToString())
    np.savez("two.npz", a=X, b=RNG.normal(size=(len(X), 40)))
    arguments = ["net.onnx", "--data", "two.npz", "-q"]
    assert main(["quantize", *arguments, "--method", "uint8-pack"]) == 0
    assert main(["bench", *arguments]) == 0
    assert main(["compare", "models/net/model.uint8-pack.pack", *arguments]) == 0


REFUSED = {
    "one-dimension": (
        helper.make_model(
            helper.make_graph(
                [helper.make_node("Abs", ["x"], ["y"])],
                "g",
                [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N"])],
                [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N"])],
            ),
            opset_imports=[helper.make_opsetid("", 17)],
            ir_version=8,
        ).SerializeToString(),
        ["--data", "rows.npz"],
        3,
        "has the shape ['N']",
    ),
    "no-data": (network(*WEIGHTS), [], 2, "give rows that it is for with --data"),
    "one-row": (network(*WEIGHTS, batch=1), ["--data", "rows.npz"], 3, "has the shape [1, 6]"),
    "no-graph": (b"\x08\x08 nothing", ["--data", "rows.npz"], 2, "net.onnx"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("command", ["quantize", "bench"])
def test_what_cannot_be_taken(here, capsys, case, command):
    content, arguments, code, text = REFUSED[case]
    Path("net.onnx").write_bytes(content)
    assert main([command, "net.onnx", *arguments, "-q"]) == code
    assert text in said(capsys)[1]
    assert not Path("models").exists()


def test_rows_of_another_width(here, capsys):
    np.savez("rows.npz", X=X[:, :4])
    assert main(["quantize", "net.onnx", "--data", "rows.npz", "-q"]) == 2
    assert "has 4 columns, the model takes 6" in said(capsys)[1]


def test_options_of_files_are_none_of_directories(here, capsys, california_bundle):
    assert main(["quantize", str(california_bundle), "--data", "rows.npz"]) == 2
    assert said(capsys)[1].startswith("error: --data: ")
    assert main(["bench", str(california_bundle), "-o", "x"]) == 2
    assert "is a model directory" in said(capsys)[1]
    assert main(["bench", "a.onnx", "b.onnx", "-o", "x"]) == 2
    assert "several models" in said(capsys)[1]


# --- compare --------------------------------------------------------------------------------------


def test_compare_tells_how_far_and_where(here, capsys):
    changed = WEIGHTS[1].copy()
    changed[:, 1] += 0.25
    Path("other.onnx").write_bytes(network(WEIGHTS[0], changed, names=("x", "out")))
    arguments = ["compare", "net.onnx", "other.onnx", "--data", "rows.npz", "-q"]
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    apart = np.maximum(X @ WEIGHTS[0], 0) @ (changed - WEIGHTS[1])
    assert found["rows"] == len(X)
    assert found["difference"]["max_abs"] == pytest.approx(np.abs(apart).max(), rel=1e-4)
    worst = found["worst"][0]
    assert (worst["row"], worst["output"]) == (int(np.abs(apart[:, 1]).argmax()), "logits[1]")
    assert found["first"]["bytes"] == len(Path("net.onnx").read_bytes())
    assert set(found["ratios"]) == {"1", "10", "100", "1000"}
    assert main([*arguments, "--budget", "max_abs<=1e-6"]) == 1
    out, error = said(capsys)
    assert "logits[1] is" in out
    assert "max_abs<=1e-06 is broken with" in error


def test_compare_finds_labels_that_differ(here, capsys, classifier_bundle):
    estimator = LogisticRegression().fit(X, X[:, 0] > 0)
    inverted = LogisticRegression().fit(X, X[:, 0] <= 0)
    for name, one in (("a", estimator), ("b", inverted)):
        skops.io.dump(one, f"{name}.skops")
        assert main(["export", f"{name}.skops", "--data", "rows.npz", "-q"]) == 0
    capsys.readouterr()
    arguments = ["models/a", "models/b", "--data", "rows.npz", "-q"]
    assert main(["compare", *arguments, "--budget", "agreement>=0.99"]) == 1
    out, error = said(capsys)
    assert "labels equal" in out
    assert "agreement>=0.99 is broken with 0" in error
    assert main(["compare", "models/a", "models/a/model.onnx", "--data", "rows.npz", "-q"]) == 0
    out, _ = said(capsys)
    assert "labels equal  100 %" in out
    assert "\n  row " not in out


def test_compare_needs_rows_and_the_same_kind_of_model(here, capsys, california_bundle):
    assert main(["compare", "net.onnx", "net.onnx"]) == 2
    assert "--data" in capsys.readouterr().err
    assert main(["compare", "net.onnx", str(california_bundle), "--data", "rows.npz"]) == 2
    assert "X has 6 columns, the model takes 8" in said(capsys)[1]
    assert main(["compare", "net.onnx", "net.onnx", "--data", "rows.npz", "--budget", "r2>=1"]) == 2
    assert "r2" in said(capsys)[1]


# --- prove with a budget --------------------------------------------------------------------------


def test_a_budget_judges_a_quantized_graph(here, capsys):
    estimator = MLPClassifier(hidden_layer_sizes=(32,), max_iter=40).fit(X, X[:, 0] > 0)
    skops.io.dump(estimator, "est.skops")
    assert main(["export", "est.skops", "--data", "rows.npz", "-q"]) == 0
    assert main(["quantize", "models/est", "-q", "--method", "weight-uint8"]) == 0
    Path("models/est/model.weight-uint8.onnx").rename("coarse.onnx")
    capsys.readouterr()
    arguments = ["prove", "coarse.onnx", "est.skops", "--data", "rows.npz", "-q"]
    assert main(arguments) == 1  # by the proof
    capsys.readouterr()
    assert main([*arguments, "--budget", "agreement>=0.9"]) == 0
    assert "budget kept" in capsys.readouterr().out
    assert main([*arguments, "--budget", "agreement>=0.9,nmse<=1e-12", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["proof"]["passed"] is False
    assert len(found["budget"]["broken"]) == 1
    assert found["budget"]["figures"]["nmse"] > 1e-12
