"""Graphs with integer weights: what is stored, what it decodes to, what onnxruntime makes of it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.quantizer.sample_graphs import WIDTH, calibration, floats, linear, model_of
from toolkit.quantizer import refit
from toolkit.quantizer.checks.ort_rewrites import notes, operators, optimized
from toolkit.quantizer.codes.affine import encode
from toolkit.quantizer.graphs.qdq import dequantized, integers, read_back, rebuilt
from toolkit.quantizer.graphs.standardised import standardised
from toolkit.quantizer.methods import weight_uint4, weight_uint8
from toolkit.quantizer.refusals import NotApplicable
from toolkit.runtime.session import open_session

NODE = helper.make_node
METHODS = pytest.mark.parametrize("method", [weight_uint8, weight_uint4], ids=["uint8", "uint4"])


def run(content, X, session=None):
    return open_session(content, "here", session).run(None, {"X": X})[0]


def parsed(content):
    return onnx.load_model_from_string(content)


def wide(op="Gemm", inputs=64, outputs=8):
    nodes = {
        "Gemm": [NODE("Gemm", ["X", "w", "b"], ["variable"])],
        "MatMul": [NODE("MatMul", ["X", "w"], ["p"]), NODE("Add", ["p", "b"], ["variable"])],
    }
    constants = {"w": floats(inputs, outputs), "b": floats(outputs)}
    return model_of(nodes[op], constants, width=inputs)


SHAPES = [((64, 8), False), ((64, 8), True), ((40, 7), True), ((5, 1), False), ((5, 1), True)]


@pytest.mark.parametrize(("shape", "turned"), [*SHAPES, ((70,), False), ((40, 3, 7), False)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", ["tensor", "column", "block", "rows", "block-rows"])
@pytest.mark.parametrize("bits", [4, 8, 16])
@pytest.mark.parametrize("size", [3, 1e6])
def test_the_runtime_decodes_what_read_back_says(size, bits, layout, turned, dtype, shape):
    values = (floats(*shape) * size).astype(dtype)
    codes = encode(
        values,
        per_column=layout in ("column", "block") and len(shape) > 1,
        bits=bits,
        block=32 * ("block" in layout),
        short="block" in layout,
        exponent=np.arange(shape[0]).astype(np.int8) - 2 if "rows" in layout else None,
    )
    made = rebuilt(
        model_of(
            [NODE("Identity", ["w"], ["y"]), NODE("ReduceSum", ["X"], ["variable"])],
            {"w": values.T if turned else values},
        ),
        ["w"],
        [dequantized("w", codes, turned=turned, direct=turned)],
    )
    made.graph.output[0].CopyFrom(onnx.ValueInfoProto(name="y"))
    got = open_session(made.SerializeToString(), "here").run(None, {"X": floats(1, WIDTH)})[0]
    expected = read_back(codes)
    assert got.dtype == dtype
    assert np.isfinite(expected).all()
    np.testing.assert_array_equal(got, expected.T if turned else expected)


def test_nibbles_lie_low_first():
    tensor = integers("n", np.array([[1, 2, 3], [4, 5, 15]]), 4)
    assert tensor.raw_data == bytes([0x21, 0x43, 0xF5])
    assert numpy_helper.to_array(tensor).astype(int).tolist() == [[1, 2, 3], [4, 5, 15]]


@METHODS
@pytest.mark.parametrize("op", ["Gemm", "MatMul"])
def test_weights_are_integers_and_the_products_stay_float32(op, method):
    model, rows = wide(op), calibration(64)
    content = method.apply(model, rows)
    kinds = {t.name: t.data_type for t in parsed(content).graph.initializer}
    assert kinds["w_codes"] == (TensorProto.UINT8 if method is weight_uint8 else TensorProto.UINT4)
    assert "w" not in kinds
    assert len(content) < len(model.SerializeToString())
    assert operators(optimized(content, method.SESSION)).keys() <= {"Gemm", "MatMul", "Add"}
    X = rows.feed["X"]
    exact, got = run(model.SerializeToString(), X), run(content, X, method.SESSION)
    error = np.square(got - exact).mean() / exact.var()
    assert 0 < error < {weight_uint8: 1e-4, weight_uint4: 0.02}[method]


@METHODS
@pytest.mark.parametrize("op", ["Gemm", "MatMul"])
def test_without_session_options_the_numbers_are_the_same(op, method):
    """The usual way of writing it becomes a product that rounds the activations."""
    rows = calibration(64)
    content = method.apply(wide(op), rows)
    X = rows.feed["X"]
    np.testing.assert_allclose(run(content, X), run(content, X, method.SESSION), atol=1e-5)
    assert notes(content, "here", method.SESSION, {"X": X}, method.LIMITS) == ""


@METHODS
def test_rounding_that_knows_the_data_beats_the_nearest(method):
    """Correlated inputs: the error of one weight can make good for another's."""
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(500, 4)) @ rng.normal(size=(4, 64))).astype(np.float32)
    X += rng.normal(size=X.shape).astype(np.float32) / 10
    rows = calibration(64)
    rows.feed["X"] = X
    model = wide()
    weights = numpy_helper.to_array(model.graph.initializer[0])
    block = 32 * (method is weight_uint4)
    bits = 4 if block else 8
    nearest = encode(weights, per_column=True, bits=bits, block=block, short=True).decode()
    exact = run(model.SerializeToString(), X)
    lost = np.square(run(method.apply(model, rows), X, method.SESSION) - exact).mean()
    assert lost < 0.5 * np.square(X @ (nearest - weights)).mean()


@pytest.mark.parametrize("units", [24, 48])
def test_a_read_out_of_few_inputs_makes_good_for_what_they_lost(units, monkeypatch):
    """Units that overlap, on rows that were not fitted."""
    nodes = [
        NODE("Gemm", ["X", "w0", "b0"], ["h"]),
        NODE("Tanh", ["h"], ["r"]),
        NODE("Gemm", ["r", "w1", "b1"], ["variable"]),
    ]
    weights = {"w0": floats(8, units, scale=0.3), "w1": floats(units, 1)}
    model = model_of(nodes, {**weights, "b0": floats(units), "b1": floats(1)}, width=8)
    fitting, fresh = calibration(8, rows=800), floats(400, 8)
    exact, lost = run(model.SerializeToString(), fresh), {}
    for fewest in (refit.READOUT, units + 1):
        monkeypatch.setattr(refit, "READOUT", fewest)
        made = weight_uint4.apply(model, fitting)
        lost[fewest] = np.square(run(made, fresh, weight_uint4.SESSION) - exact).mean()
    assert lost[16] < lost[units + 1] / 2  # about a quarter


@METHODS
def test_float64_weights_are_cast_after_decoding(method):
    nodes = [
        NODE("Cast", ["X"], ["x"], to=TensorProto.DOUBLE),
        NODE("MatMul", ["x", "w"], ["y"]),
        NODE("Cast", ["y"], ["variable"], to=TensorProto.FLOAT),
    ]
    model = model_of(nodes, {"w": floats(64, 16).astype(np.float64)}, width=64)
    rows = calibration(64)
    content = method.apply(model, rows)
    # 8 bytes a number become one, or half of one.
    assert len(content) < len(model.SerializeToString()) / 5
    exact, got = run(model.SerializeToString(), rows.feed["X"]), run(content, rows.feed["X"])
    assert np.square(got - exact).mean() < 0.02 * exact.var()


@METHODS
def test_small_graphs_are_left_alone(method):
    with pytest.raises(NotApplicable, match=f"the largest parameter has {WIDTH} numbers"):
        method.apply(linear(), calibration())


@METHODS
@pytest.mark.parametrize("wrong", [np.inf, np.nan], ids=str)
def test_what_is_not_finite_is_refused(wrong, method):
    model = wide()
    weights = numpy_helper.to_array(model.graph.initializer[0]).copy()
    weights[3, 3] = wrong
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "w"))
    with pytest.raises(NotApplicable, match="not finite"):
        method.apply(model, calibration(64))


def test_uint4_asks_for_an_opset_that_has_it():
    model = wide()
    model.opset_import[0].version = 20
    with pytest.raises(NotApplicable, match=r"opset 20, which has no uint4; .* --opset 21"):
        weight_uint4.apply(model, calibration(64))
    assert parsed(weight_uint8.apply(model, calibration(64)))


def test_small_matrices_beside_large_ones_have_eight_bits():
    model = model_of(
        [
            NODE("Gemm", ["X", "w0", "b0"], ["h"]),
            NODE("Relu", ["h"], ["r"]),
            NODE("Gemm", ["r", "w1", "b1"], ["variable"]),
        ],
        {"w0": floats(64, 48), "b0": floats(48), "w1": floats(48, 3), "b1": floats(3)},
        width=64,
    )
    made = parsed(weight_uint4.apply(model, calibration(64)))
    kinds = {t.name: t.data_type for t in made.graph.initializer}
    assert kinds["w0_codes"] == TensorProto.UINT4
    assert kinds["w1_codes"] == TensorProto.UINT8


def test_an_input_that_never_varies_takes_no_codes_from_the_others():
    """A rare feature that a scaler divided by next to nothing has weights that dwarf the rest."""
    model, rows = wide(), calibration(64)
    weights = numpy_helper.to_array(model.graph.initializer[0]).copy()
    weights[0] *= 1000
    rows.feed["X"][:, 0] = 0
    rows.feed["X"][:, 1] *= 100  # so that the inputs are standardised
    weights[1] /= 100
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "w"))
    content = weight_uint4.apply(standardised(model, rows), rows)
    X = rows.feed["X"]
    exact, got = run(model.SerializeToString(), X), run(content, X, weight_uint4.SESSION)
    assert np.square(got - exact).mean() < 0.02 * exact.var()
