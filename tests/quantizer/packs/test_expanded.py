"""Sums of squares are written out as products: the same function, in fewer parameters."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from toolkit.bundle import Rows
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.packs.expanded import expanded, find_squares
from toolkit.runtime.session import open_session


def squares(axes, shift, signs, other="u"):
    """`(X @ axes + shift) * other @ signs + 0.5`; other: the square's second factor."""
    values = {"A": axes, "a": shift, "s": signs.reshape(-1, 1), "c": np.array([0.5])}
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["X", "A", "a"], ["u"]),
            helper.make_node("Relu", ["u"], ["w"]),
            helper.make_node("Mul", ["u", other], ["p"]),
            helper.make_node("Gemm", ["p", "s", "c"], ["out"]),
        ],
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, len(axes)])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [None, 1])],
        [numpy_helper.from_array(v.astype(np.float32), n) for n, v in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    if other == "u":
        del model.graph.node[1]
    return model


def run(model, rows):
    return open_session(model.SerializeToString(), "test").run(None, {"X": rows})[0]


@pytest.mark.parametrize("seed", range(20))
def test_the_same_function(seed):
    rng = np.random.default_rng(seed)
    sizes = 10.0 ** rng.uniform(-2, 3, 4)
    rows = ((rng.normal(size=(300, 4)) + rng.normal(size=4)) * sizes).astype(np.float32)
    signs = rng.choice([-1.0, 1.0], 5)
    model = squares(rng.normal(size=(4, 5)) / sizes[:, None], rng.normal(size=5), signs)
    before = model.SerializeToString()
    changed = expanded(model, Calibration({"X": rows}, Rows({}, {}, None)))
    assert model.SerializeToString() == before
    onnx.checker.check_model(changed, full_check=True)
    assert [n.op_type for n in changed.graph.node] == ["Sub", "Mul", "Gemm", "Gemm", "Mul", "Gemm"]
    assert not find_squares(changed)
    expected = run(model, rows)
    # float32 rounding of sums of squares as large as the largest.
    np.testing.assert_allclose(run(changed, rows), expected, atol=1e-5 * np.abs(expected).max())


def test_features_whose_products_are_not_there_stay_away():
    """x0 · x1 alone: ((x0 + x1)² − (x0 − x1)²) / 4."""
    axes = np.array([[0.5, 0.5], [0.5, -0.5]])
    rows = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    model = squares(axes, np.zeros(2), np.array([1.0, -1.0]))
    changed = expanded(model, Calibration({"X": rows}, Rows({}, {}, None)))
    last = changed.graph.node[-1].input[1]
    (weights,) = [t for t in changed.graph.initializer if t.name == last]
    # z0 z1 and, since the rows' means are not 0, z0 and z1; no squares.
    assert list(weights.dims) == [3, 1]


def test_many_features_stay_squares():
    rng = np.random.default_rng(0)
    model = squares(rng.normal(size=(80, 5)), np.zeros(5), np.ones(5))
    assert find_squares(model) == []


def test_other_products_are_no_squares():
    axes, signs = np.ones((2, 3)), np.ones(3)
    model = squares(axes, np.zeros(3), signs, other="w")
    assert find_squares(model) == []
    assert expanded(model, Calibration({}, Rows({}, {}, None))) is model
