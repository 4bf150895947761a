"""Standardised inputs: the same graph, with features of one size before its first product."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from toolkit.bundle import Rows
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.graphs.standardised import standardised
from toolkit.runtime.session import open_session

RNG = np.random.default_rng(0)


def linear(weights, bias):
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["X", "W", "b"], ["h"]),
            helper.make_node("Relu", ["h"], ["out"]),
        ],
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, len(weights)])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [None, weights.shape[1]])],
        [
            numpy_helper.from_array(weights.astype(np.float32), "W"),
            numpy_helper.from_array(bias.astype(np.float32), "b"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def calibration(rows):
    return Calibration({"X": rows.astype(np.float32)}, Rows({}, {}, None))


def run(model, rows):
    return open_session(model.SerializeToString(), "test").run(None, {"X": rows})[0]


@pytest.mark.parametrize("seed", range(20))
def test_it_computes_the_same_and_its_weights_are_of_one_size(seed):
    rng = np.random.default_rng(seed)
    sizes, means = 10.0 ** rng.uniform(-3, 4, 5), rng.normal(size=5)
    rows = (rng.normal(size=(200, 5)) + means) * sizes
    model = linear(rng.normal(size=(5, 3)) / sizes[:, None], rng.normal(size=3))
    before = model.SerializeToString()
    changed = standardised(model, calibration(rows))
    assert model.SerializeToString() == before
    onnx.checker.check_model(changed, full_check=True)
    assert [n.op_type for n in changed.graph.node] == ["Sub", "Mul", "Gemm", "Relu"]
    # float32 rounding of sums of terms of size 1.
    feed = rows.astype(np.float32)
    np.testing.assert_allclose(run(changed, feed), run(model, feed), atol=3e-5)
    weights = next(numpy_helper.to_array(t) for t in changed.graph.initializer if t.name == "W")
    assert np.abs(weights).max(axis=1).max() < 1e2 * np.abs(weights).max(axis=1).min()


def test_features_of_one_size_stay():
    model = linear(RNG.normal(size=(5, 2)), np.zeros(2))
    changed = standardised(model, calibration(RNG.normal(size=(100, 5))))
    assert changed == model


def test_constant_features_and_products_without_a_bias():
    rows = RNG.normal(size=(100, 3)) * [1000.0, 0.0, 1.0]
    model = linear(RNG.normal(size=(3, 2)), np.zeros(2))
    changed = standardised(model, calibration(rows))
    assert np.isfinite(run(changed, rows.astype(np.float32))).all()
    del model.graph.node[0].input[2]
    assert standardised(model, calibration(rows)) == model
