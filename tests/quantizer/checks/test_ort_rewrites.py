"""What onnxruntime makes of a graph, told from what the graph says."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.quantizer.sample_graphs import floats, model_of, network
from toolkit.quantizer.checks import ort_rewrites
from toolkit.quantizer.checks.ort_rewrites import notes, operators, optimized
from toolkit.quantizer.checks.stored import parameters, unchanged
from toolkit.quantizer.codes import affine

NODE = helper.make_node
WIDE = 64
LIMITS = {"nmse": 1e-6, "agreement": 0.99}
FOLDED = {"config": {"session.disable_quant_qdq": "1"}}


def dequantized(transposed):
    """One product whose weights are uint8 codes, written as most tools write it, or transposed."""
    codes = affine.encode(floats(WIDE, 8) / 8, per_column=True)
    stored = codes.codes.T if transposed else codes.codes
    return model_of(
        [
            NODE("DequantizeLinear", ["q", "s", "z"], ["w"], axis=int(not transposed)),
            NODE("Gemm", ["X", "w", "b"], ["variable"], transB=int(transposed)),
        ],
        {"q": np.ascontiguousarray(stored), "s": codes.scale, "z": codes.zero, "b": floats(8)},
        width=WIDE,
    ).SerializeToString()


def said(content, session, inputs=None):
    inputs = {"X": np.random.default_rng(0).normal(size=(200, WIDE))} if inputs is None else inputs
    return notes(content, "here", session, inputs, LIMITS)


@pytest.fixture
def rounding(monkeypatch):
    """An onnxruntime that rounds activations unless it is told not to rewrite, or is forbidden.

    What a version really rewrites is its own affair; `notes` tells whatever it is.
    """
    opened, run = ort_rewrites.optimized, ort_rewrites._run

    def rewritten(content, options):
        model = onnx.load_model_from_string(content) if options else opened(content, options)
        if not options:
            model.graph.node.extend([NODE("Rounded", ["X"], ["rounded"])])
        return model

    def rounded(content, origin, options, inputs):
        return run(content, origin, options, inputs if options else _in_eighths(inputs))

    monkeypatch.setattr(ort_rewrites, "optimized", rewritten)
    monkeypatch.setattr(ort_rewrites, "_run", rounded)


def _in_eighths(inputs):
    return {name: np.round(8 * values) / 8 for name, values in inputs.items()}


@pytest.mark.usefixtures("rounding")
def test_a_rewrite_to_rounded_activations_is_found_and_called_wrong():
    found = said(dequantized(transposed=True), {})
    assert found.startswith("onnxruntime ")
    assert "rewrites it to Rounded: wrong, normalised MSE " in found


@pytest.mark.usefixtures("rounding")
def test_it_is_found_behind_the_options_that_prevent_it():
    found = said(dequantized(transposed=True), FOLDED)
    assert found.startswith("without its session options onnxruntime ")
    assert "Rounded: wrong" in found


def test_what_this_onnxruntime_makes_of_the_usual_writing_is_said():
    """Most versions make it a MatMulNBits, which rounds the activations; if so, it is said."""
    content = dequantized(transposed=False)
    happens = "MatMulNBits" in operators(optimized(content, {}))
    assert ("rewrites it to MatMulNBits: wrong" in said(content, {})) == happens
    assert "DequantizeLinear" not in operators(optimized(content, FOLDED))


def test_transposed_weights_are_not_rewritten():
    content = dequantized(transposed=True)
    assert said(content, {}) == said(content, FOLDED) == ""


def test_of_a_plain_graph_nothing_is_said():
    X = np.random.default_rng(0).normal(size=(50, 6))
    assert said(network().SerializeToString(), {}, {"X": X}) == ""


def test_rounded_activations_in_float32_products_are_said():
    content = model_of(
        [
            NODE("QuantizeLinear", ["X", "s", "z"], ["q"]),
            NODE("DequantizeLinear", ["q", "s", "z"], ["x"]),
            NODE("MatMul", ["x", "w"], ["variable"]),
        ],
        {"s": np.float32(1e-3), "z": np.uint16(30000), "w": floats(WIDE, 3)},
        width=WIDE,
    ).SerializeToString()
    assert said(content, {}) == "onnxruntime rounds the activations but multiplies in float32"


def test_parameters_have_no_names():
    one, other = (model_of([NODE("MatMul", ["X", n], ["variable"])], {n: W}) for n in "ab")
    assert parameters(one) == parameters(other)
    assert unchanged(one, other)


W = floats(6, 2)


@pytest.mark.parametrize(
    "values", [W.astype(np.float16), W * 2, W.T, W[:1], W.astype(np.float64)], ids=str
)
def test_other_values_or_types_are_other_parameters(values):
    one = model_of([NODE("MatMul", ["X", "a"], ["variable"])], {"a": W})
    other = onnx.ModelProto.FromString(one.SerializeToString())
    other.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), "a"))
    assert not unchanged(one, other)
    assert not unchanged(other, one)


def test_attributes_are_parameters():
    def model(weights):
        node = NODE("Constant", [], ["w"], value=numpy_helper.from_array(weights, "t"))
        return model_of([node, NODE("MatMul", ["X", "w"], ["variable"])], {})

    assert unchanged(model(W), model(W))
    assert not unchanged(model(W), model(-W))
    assert TensorProto.FLOAT.to_bytes(1, "little") + W.tobytes() in parameters(model(W))
