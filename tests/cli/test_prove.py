"""`toolkit prove`: graphs from elsewhere against an estimator's file."""

from __future__ import annotations

import json

import numpy as np
import pytest


@pytest.fixture(scope="module")
def graphs(tmp_path_factory):
    """A logistic regression, skl2onnx's own graphs of it, and one with a wrong coefficient."""
    import onnx
    import skops.io
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression

    folder = tmp_path_factory.mktemp("graphs")
    X = np.random.default_rng(0).normal(size=(120, 3))
    model = LogisticRegression().fit(X, (X.sum(axis=1) > 0).astype(int))
    skops.io.dump(model, folder / "model.skops")
    np.savez(folder / "rows.npz", X=X)
    sample = X[:1].astype(np.float32)
    plain = to_onnx(model, sample, target_opset=18, options={"zipmap": False})
    (folder / "plain.onnx").write_bytes(plain.SerializeToString())
    zipped = to_onnx(model, sample, target_opset=18)
    (folder / "zipped.onnx").write_bytes(zipped.SerializeToString())
    coefficients = next(
        a for n in plain.graph.node for a in n.attribute if a.name == "coefficients"
    )
    coefficients.floats[0] += 0.01
    (folder / "wrong.onnx").write_bytes(onnx.ModelProto.SerializeToString(plain))
    return folder


def arguments(graphs, graph):
    return ["prove", graphs / graph, graphs / "model.skops", "--data", graphs / "rows.npz"]


def test_a_right_graph_is_proved(run, graphs):
    done = run(*arguments(graphs, "plain.onnx"))
    assert done.returncode == 0, done.stderr
    assert "proof passed" in done.stdout


def test_a_wrong_graph_fails(run, graphs):
    done = run(*arguments(graphs, "wrong.onnx"), "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["proof"]["passed"] is False
    assert "differs from scikit-learn" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_zipmap_is_refused_with_the_remedy(run, graphs):
    done = run(*arguments(graphs, "zipped.onnx"))
    assert done.returncode == 2
    assert "zipmap" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_exported_artifact_proves_as_well(run, graphs, tmp_path):
    done = run(
        *("export", graphs / "model.skops", "--data", graphs / "rows.npz", "-o", tmp_path / "out"),
        *("--input-dtype", "float64"),
    )
    assert done.returncode == 0, done.stderr
    assert "float64 inputs" in done.stdout
    done = run("prove", tmp_path / "out" / "model.onnx", *arguments(graphs, "plain.onnx")[2:])
    assert done.returncode == 0, done.stderr
