"""Static quantization: ranges, grids, Q/DQ pairs, and integer products in onnxruntime."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.quantizer import sample_graphs
from tests.quantizer.sample_graphs import floats, initializers, model_of
from toolkit.quantizer.checks.ort_rewrites import INTEGER_PRODUCTS, notes, operators, optimized
from toolkit.quantizer.graphs.ranges import (
    RANGES,
    entropy,
    grid,
    least_squares,
    min_max,
    percentile,
    rounded,
    wide,
)
from toolkit.quantizer.methods import static_a16w8, static_int8
from toolkit.quantizer.refusals import NotApplicable
from toolkit.runtime.session import open_session

NODE = helper.make_node
WIDE = 64
ALL = {f"{bits}-{n}": (f, bits) for bits, found in RANGES.items() for n, f in found.items()}
METHODS = pytest.mark.parametrize("method", [static_int8, static_a16w8], ids=["int8", "a16w8"])


def run(content, X, session=None):
    return open_session(content, "here", session).run(None, {"X": X})[0]


def calibration(width=WIDE, rows=300):
    """Rows without tails, which 8 bits can hold."""
    made = sample_graphs.calibration(width, rows)
    made.feed["X"] = np.tanh(made.feed["X"])
    return made


def two_layers(hidden=48):
    return model_of(
        [
            NODE("Gemm", ["X", "w0", "b0"], ["h"]),
            NODE("Relu", ["h"], ["r"]),
            NODE("Gemm", ["r", "w1", "b1"], ["variable"]),
        ],
        {
            "w0": floats(WIDE, hidden) / 8,
            "b0": floats(hidden),
            "w1": floats(hidden, 3) / 7,
            "b1": floats(3),
        },
        width=WIDE,
    )


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "values",
    [
        np.zeros((5, 2)),
        np.full(10, 3.0),
        np.full(10, -3.0),
        np.array([1e-30, 2e-30]),
        np.abs(floats(1000)),
        floats(1000) * 1e6,
        np.append(floats(2000), 1e4),
    ],
    ids=["zeros", "constant", "negative", "tiny", "positive", "large", "outlier"],
)
def test_every_range_holds_zero_exactly(values, name):
    choose, bits = ALL[name]
    low, high = choose(values, bits)
    assert low <= 0 <= high
    scale, zero = grid(low, high, bits)
    assert scale > 0
    assert 0 <= zero < 1 << bits
    assert rounded(np.zeros(1), scale, zero, bits)[0] == 0


def test_min_max_clips_nothing_and_is_within_half_a_step():
    values = floats(1000) * 7
    scale, zero = grid(*min_max(values, 8), 8)
    # Half a step, and as much again at the ends, which the zero point moves.
    assert np.abs(rounded(values, scale, zero, 8) - values).max() <= scale * 1.01


def test_an_outlier_does_not_take_all_the_steps():
    values = np.append(np.random.default_rng(0).normal(size=20000), 40.0)
    assert 2 < entropy(values, 8)[1] < 12
    assert 3 < percentile(values, 8)[1] < 4


def test_least_squares_is_no_worse_than_any_other():
    values = np.random.default_rng(0).standard_t(3, 5000)

    def error(ends):
        return np.square(rounded(values, *grid(*ends, 8), 8) - values).mean()

    assert error(least_squares(values, 8)) <= min(error(f(values, 8)) for f in RANGES[8].values())


def test_wide_ranges_leave_room():
    assert wide(np.array([-1.0, 2.0]), 16) == (-8.0, 16.0)


def test_rounded_is_what_the_operators_compute():
    values = floats(200) * 3
    scale, zero = grid(-2.0, 5.0, 8)
    model = model_of(
        [
            NODE("QuantizeLinear", ["X", "s", "z"], ["q"]),
            NODE("DequantizeLinear", ["q", "s", "z"], ["variable"]),
        ],
        {"s": scale, "z": np.uint8(zero)},
        width=200,
    )
    got = run(model.SerializeToString(), values[None])
    np.testing.assert_allclose(got[0], rounded(values, scale, zero, 8), rtol=1e-6)


@METHODS
def test_weights_are_symmetric_int8_a_scale_a_column(method):
    made = onnx.load_model_from_string(method.apply(two_layers(), calibration(WIDE)))
    found = initializers(made)
    most = 63 if method is static_int8 else 127
    for name, columns in (("w0", 48), ("w1", 3)):
        codes = found[f"{name}_codes"]
        assert codes.dtype == np.int8
        assert most - 1 <= np.abs(codes.astype(int)).max() <= most
        assert found[f"{name}_scale"].shape == (columns,)
        assert not found[f"{name}_zero"].any()
    assert found["X_middle"].dtype == (np.uint8 if method is static_int8 else np.uint16)


@METHODS
def test_the_outputs_are_near(method):
    model, rows = two_layers(), calibration(WIDE, 500)
    content = method.apply(model, rows)
    exact = run(model.SerializeToString(), rows.feed["X"])
    got = run(content, rows.feed["X"], getattr(method, "SESSION", None))
    error = np.square(got - exact).mean() / exact.var()
    assert 0 < error < {static_int8: 2e-3, static_a16w8: 1e-4}[method]


def test_int8_products_are_products_of_integers_with_int32_biases():
    content = static_int8.apply(two_layers(), calibration(WIDE))
    run_as = operators(optimized(content, {}))
    assert sum(run_as[name] for name in INTEGER_PRODUCTS) == 2
    assert not run_as.keys() & {"Gemm", "FusedGemm", "MatMul", "FusedMatMul"}
    found = initializers(onnx.load_model_from_string(content))
    assert found["b0_codes"].dtype == np.int32
    np.testing.assert_allclose(found["b0_scale"], found["X_step"] * found["w0_scale"], rtol=1e-6)


def test_no_pair_of_products_can_saturate_sixteen_bits():
    """Processors without VNNI add two products of uint8 and int8 in 16 bits."""
    content = static_int8.apply(two_layers(), calibration(WIDE))
    codes = initializers(onnx.load_model_from_string(content))["w0_codes"].astype(int)
    assert 255 * (np.abs(codes[0::2]) + np.abs(codes[1::2])).max() < 2**15


def test_where_sixteen_bits_are_multiplied_in_float32_that_is_said():
    """Which products a version of onnxruntime has, and what it rewrites unasked, is its own."""
    rows = calibration(WIDE)
    content = static_a16w8.apply(two_layers(), rows)
    made = onnx.load_model_from_string(content)
    in_integers = INTEGER_PRODUCTS & operators(optimized(content, static_a16w8.SESSION)).keys()
    said = notes(content, "here", static_a16w8.SESSION, rows.feed, static_a16w8.LIMITS)
    said = said.split("; ")[-1]  # before it, what some releases do without the session options
    assert said.endswith("rounds the activations but multiplies in float32") != bool(in_integers)
    assert "wrong" not in said
    assert {o.domain for o in made.opset_import} == {""}


def test_sixteen_bits_before_opset_21_are_in_onnxruntimes_domain():
    model, rows = two_layers(), calibration(WIDE)
    expected = run(static_a16w8.apply(model, rows), rows.feed["X"])
    model.opset_import[0].version = 17
    made = onnx.load_model_from_string(static_a16w8.apply(model, rows))
    assert {n.domain for n in made.graph.node if n.op_type == "QuantizeLinear"} == {"com.microsoft"}
    got = run(made.SerializeToString(), rows.feed["X"])
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_a_row_does_not_depend_on_its_batch():
    rows = calibration(WIDE)
    session = open_session(static_int8.apply(two_layers(), rows), "here")
    X = rows.feed["X"]
    whole = session.run(None, {"X": X})[0]
    alone = np.concatenate([session.run(None, {"X": X[[i]]})[0] for i in range(20)])
    np.testing.assert_allclose(alone, whole[:20], atol=1e-6)


def test_an_operand_that_eight_bits_cannot_hold_stays_float32():
    """The first layer's inputs have one feature a million times the others, the second's none."""
    model, rows = two_layers(), calibration(WIDE)
    rows.feed["X"][:, 0] *= 1e6
    weights = numpy_helper.to_array(model.graph.initializer[0]).copy()
    weights[0] /= 1e6
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "w0"))
    made = onnx.load_model_from_string(static_int8.apply(model, rows))
    kinds = {t.name: t.data_type for t in made.graph.initializer}
    assert kinds["w0"] == TensorProto.FLOAT
    assert kinds["w1_codes"] == TensorProto.INT8


def test_where_no_operand_bears_eight_bits_nothing_is_made():
    model = model_of(
        [NODE("Gemm", ["X", "w", "b"], ["variable"])],
        {"w": floats(WIDE, 2), "b": floats(2)},
        width=WIDE,
    )
    rows = calibration(WIDE)
    rows.feed["X"][:, 0] *= 1e6
    weights = numpy_helper.to_array(model.graph.initializer[0]).copy()
    weights[0] /= 1e6
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "w"))
    with pytest.raises(NotApplicable, match="operands of 8 bits cost too much accuracy"):
        static_int8.apply(model, rows)


@METHODS
def test_products_of_few_inputs_are_not_applicable(method):
    model = model_of([NODE("MatMul", ["X", "w"], ["variable"])], {"w": floats(6, 50)})
    with pytest.raises(NotApplicable, match="no product of float32 numbers with 16 inputs"):
        method.apply(model, calibration())


def test_two_products_share_one_rounded_operand():
    model = model_of(
        [
            NODE("Gemm", ["X", "w0", "b0"], ["h"]),
            NODE("Gemm", ["X", "w1", "b1"], ["k"]),
            NODE("Add", ["h", "k"], ["variable"]),
        ],
        {"w0": floats(WIDE, 4), "b0": floats(4), "w1": floats(WIDE, 4), "b1": floats(4)},
        width=WIDE,
    )
    made = onnx.load_model_from_string(static_int8.apply(model, calibration(WIDE)))
    assert operators(made)["QuantizeLinear"] == 1
    assert operators(made)["DequantizeLinear"] == 1 + 2 + 2
