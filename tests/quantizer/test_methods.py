"""The methods on graphs made by hand: what each makes, and what each says it cannot do."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from tests.quantizer.sample_graphs import (
    WIDTH,
    calibration,
    floats,
    in_attributes,
    initializers,
    linear,
    model_of,
    network,
    trees,
    without_weights,
)
from toolkit.quantizer.checks.ort_rewrites import INTEGER_PRODUCTS
from toolkit.quantizer.methods import (
    dynamic_uint8,
    float16,
    float32_pack,
    load_method,
    method_names,
    uint8_pack,
)
from toolkit.quantizer.refusals import NotApplicable
from toolkit.runtime import pack
from toolkit.runtime.loading import to_onnx

# reduced-set-pack has its own tests: it needs a sum of kernels.
METHODS = {n: load_method(n) for n in method_names() if n != "reduced-set-pack"}
NODE = helper.make_node


def run(content, X):
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(None, {"X": X})[0]


def opened(name, model, rows=None):
    """Return what a method makes of a model, as ONNX bytes."""
    content = METHODS[name].apply(model, rows or calibration())
    return to_onnx(content, f"model{METHODS[name].SUFFIX}")


@pytest.mark.parametrize("name", METHODS)
def test_the_model_is_not_changed(name):
    model = network()
    before = model.SerializeToString(deterministic=True)
    METHODS[name].apply(model, calibration())
    assert model.SerializeToString(deterministic=True) == before


@pytest.mark.parametrize("name", METHODS)
def test_the_calibration_rows_are_not_changed(name):
    rows = calibration()
    before = rows.feed["X"].copy()
    METHODS[name].apply(network(), rows)
    np.testing.assert_array_equal(rows.feed["X"], before)


@pytest.mark.parametrize("name", METHODS)
def test_the_same_input_gives_the_same_bytes(name):
    model, rows = network(), calibration()
    assert METHODS[name].apply(model, rows) == METHODS[name].apply(model, rows)


@pytest.mark.parametrize("name", METHODS)
def test_what_is_made_runs_and_is_near(name):
    model, rows = network(), calibration()
    expected = run(model.SerializeToString(), rows.feed["X"])
    got = run(opened(name, model, rows), rows.feed["X"])
    assert np.square(got - expected).mean() <= METHODS[name].LIMITS["nmse"] * expected.var()


@pytest.mark.parametrize("name", sorted(set(METHODS) - {"float32-pack"}))
def test_no_weights_is_not_applicable(name):
    with pytest.raises(NotApplicable, match=r"no (weight matrix|product)|changed nothing"):
        METHODS[name].apply(without_weights(), calibration())


@pytest.mark.parametrize("name", ["uint8-pack", "float32-pack"])
def test_parameters_in_attributes_are_not_applicable(name):
    with pytest.raises(NotApplicable, match="attributes of LinearRegressor"):
        METHODS[name].apply(in_attributes(), calibration())


@pytest.mark.parametrize("name", ["uint8-pack", "float32-pack"])
def test_trees_are_packed(name):
    read = pack.read(METHODS[name].apply(trees(), calibration()), "here")
    assert len(read.forests) == 1


def test_dynamic_uint8_makes_integer_products():
    content = dynamic_uint8.apply(network(), calibration())
    operators = {n.op_type for n in onnx.load_model_from_string(content).graph.node}
    assert operators & INTEGER_PRODUCTS
    assert initializers(onnx.load_model_from_string(content))["w0_quantized"].dtype == np.uint8


def test_dynamic_uint8_says_why_it_fails():
    model = network()
    model.opset_import.append(helper.make_opsetid("", 21))  # the domain twice: a known trap
    with pytest.raises(NotApplicable, match=r"quantize_dynamic fails on this graph \(.*ai\.onnx"):
        dynamic_uint8.apply(model, calibration())


def test_float16_halves_the_weights_and_keeps_float32_sums():
    model = network()
    content = float16.apply(model, calibration())
    made = onnx.load_model_from_string(content)
    kinds = {n: a.dtype.name for n, a in initializers(made).items()}
    assert kinds == {"w0_half": "float16", "b0": "float32", "w1_half": "float16", "b1": "float32"}
    for name, values in initializers(model).items():
        if name.startswith("w"):
            np.testing.assert_array_equal(
                initializers(made)[f"{name}_half"], values.astype(np.float16)
            )
    assert made.graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT


@pytest.mark.parametrize("wrong", [7e4, -7e4, np.inf, np.nan], ids=str)
def test_float16_refuses_what_overflows(wrong):
    weights = floats(WIDTH, 1)
    weights[2, 0] = wrong
    with pytest.raises(NotApplicable, match="'w'"):
        float16.apply(linear(weights), calibration())


def test_float32_pack_keeps_every_bit():
    model = network()
    content = float32_pack.apply(model, calibration())
    read = {t.name: t.values for t in pack.read(content, "here").tensors}
    for name, values in initializers(model).items():
        np.testing.assert_array_equal(read[name], values)


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan], ids=str)
def test_uint8_pack_refuses_by_name_what_is_not_finite(wrong):
    weights = floats(WIDTH, 1)
    weights[2, 0] = wrong
    with pytest.raises(NotApplicable, match="initializer 'w' holds values that are not finite"):
        uint8_pack.apply(linear(weights), calibration())


def test_uint8_pack_codes_weights_and_nothing_else():
    content = uint8_pack.apply(network(), calibration())
    encodings = {t.name: t.encoding for t in pack.read(content, "here").tensors}
    # The one column of w1 is a handful of bytes: the most accurate codes are chosen for it.
    assert encodings == {"w0": "affine", "b0": "raw", "w1": "float16", "b1": "raw"}


def test_uint8_pack_leaves_small_shared_weights_as_they_are():
    model = model_of(
        [
            NODE("MatMul", ["X", "w"], ["h"]),
            NODE("MatMul", ["h", "w"], ["k"]),
            NODE("MatMul", ["k", "v"], ["variable"]),
        ],
        {"w": floats(WIDTH, WIDTH), "v": floats(WIDTH, 2)},
    )
    read = pack.read(uint8_pack.apply(model, calibration()), "here").tensors
    assert {t.name: t.encoding for t in read} == {"w": "raw", "v": "affine"}


@pytest.mark.parametrize("layers", ["linear", "network", "matmul-add"])
def test_refitted_biases_keep_the_mean_of_each_output(layers):
    X = calibration(rows=500)
    X.feed["X"] += 3.0  # a mean that biases are needed for
    models = {
        "linear": lambda: linear(floats(WIDTH, 3)),
        "network": network,
        "matmul-add": lambda: model_of(
            [NODE("MatMul", ["X", "w"], ["p"]), NODE("Add", ["p", "b"], ["variable"])],
            {"w": floats(WIDTH, 3), "b": floats(1, 3)},
        ),
    }
    model = models[layers]()
    expected = run(model.SerializeToString(), X.feed["X"])
    got = run(opened("uint8-pack", model, X), X.feed["X"])
    assert np.abs(got - expected).max() > 1e-4  # something was quantized
    # In float64: numpy adds along axis 0 one after the other, which is as coarse as the bound.
    means = [v.mean(axis=0, dtype=np.float64) for v in (got, expected)]
    np.testing.assert_allclose(*means, atol=2e-5)


def test_a_layer_without_bias_is_coded_all_the_same():
    model = model_of([NODE("MatMul", ["X", "w"], ["variable"])], {"w": floats(WIDTH, 2)})
    X = calibration().feed["X"]
    expected = run(model.SerializeToString(), X)
    assert np.abs(run(opened("uint8-pack", model), X) - expected).max() < 0.1
