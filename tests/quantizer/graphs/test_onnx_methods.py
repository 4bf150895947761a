"""The methods that write ONNX graphs: what each puts into its graph, and what it refuses."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.quantizer.sample_graphs import (
    WIDTH,
    calibration,
    floats,
    initializers,
    linear,
    model_of,
    network,
    trees,
)
from toolkit.quantizer.checks.ort_rewrites import INTEGER_PRODUCTS, notes, operators
from toolkit.quantizer.methods import dynamic_int8, float16, float16_compute
from toolkit.quantizer.refusals import NoOp, NotApplicable
from toolkit.runtime.session import open_session

NODE = helper.make_node


def run(content, X, session=None):
    return open_session(content, "here", session).run(None, {"X": X})[0]


def parsed(content):
    return onnx.load_model_from_string(content)


def distance(got, expected):
    return np.square(got.astype(np.float64) - expected).mean() / expected.var()


def classifier():
    """A scaler, a layer of three scores, probabilities and labels."""
    graph = helper.make_graph(
        [
            NODE("Sub", ["X", "center"], ["sub"]),
            NODE("Mul", ["sub", "scale"], ["mul"]),
            NODE("Gemm", ["mul", "w", "b"], ["scores"]),
            NODE("Softmax", ["scores"], ["probabilities"]),
            NODE("ArgMax", ["scores"], ["label"], axis=1, keepdims=0),
        ],
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, WIDTH])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 3]),
        ],
        [
            onnx.numpy_helper.from_array(a, n)
            for n, a in {
                "center": floats(WIDTH) + 1000,
                "scale": np.abs(floats(WIDTH)) + 1,
                "w": floats(WIDTH, 3),
                "b": floats(3),
            }.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


def test_dynamic_int8_has_seven_bits_and_a_scale_a_column():
    wide = model_of(
        [NODE("Gemm", ["X", "w", "b"], ["variable"])], {"w": floats(WIDTH, 5), "b": floats(5)}
    )
    made = parsed(dynamic_int8.apply(wide, calibration()))
    assert INTEGER_PRODUCTS & operators(made).keys()
    found = initializers(made)
    assert found["w_quantized"].dtype == np.int8
    assert np.abs(found["w_quantized"].astype(int)).max() <= 64
    assert found["w_scale"].shape == (5,)


def test_dynamic_int8_leaves_a_single_column_as_it_is():
    """onnxruntime writes, and then crashes on, a scale a column of one column."""
    model = network()
    made = parsed(dynamic_int8.apply(model, calibration()))
    np.testing.assert_array_equal(initializers(made)["w1"], initializers(model)["w1"])
    assert "w0_quantized" in initializers(made)


def test_dynamic_int8_of_single_columns_alone_is_a_no_op():
    with pytest.raises(NoOp, match="quantize_dynamic changed nothing"):
        dynamic_int8.apply(linear(), calibration())


def test_float16_reaches_float64_weights():
    nodes = [
        NODE("Cast", ["X"], ["x"], to=TensorProto.DOUBLE),
        NODE("MatMul", ["x", "w"], ["y"]),
        NODE("Cast", ["y"], ["variable"], to=TensorProto.FLOAT),
    ]
    model, rows = model_of(nodes, {"w": floats(WIDTH, 30).astype(np.float64)}), calibration()
    content = float16.apply(model, rows)
    assert len(content) < len(model.SerializeToString()) / 2
    assert initializers(parsed(content))["w_half"].dtype == np.float16
    expected = run(model.SerializeToString(), rows.feed["X"])
    assert 0 < distance(run(content, rows.feed["X"]), expected) < 1e-6


def test_float16_compute_halves_the_weights_and_the_sums():
    model, rows = network(), calibration()
    made = parsed(float16_compute.apply(model, rows))
    assert {a.dtype.name for a in initializers(made).values()} == {"float16"}
    ends = [*made.graph.input, *made.graph.output]
    assert {v.type.tensor_type.elem_type for v in ends} == {TensorProto.FLOAT}
    assert [n.op_type for n in made.graph.node] == ["Cast", "Gemm", "Relu", "Gemm", "Cast"]
    got = run(made.SerializeToString(), rows.feed["X"])
    # Weights and sums of 11 bits each.
    assert 0 < distance(got, run(model.SerializeToString(), rows.feed["X"])) < 1e-5


def test_float16_compute_keeps_the_scaler_in_float32():
    """Means of 1000 would leave two digits of the features in half precision."""
    rows = calibration()
    rows.feed["X"] += 1000
    model = classifier()
    made = parsed(float16_compute.apply(model, rows))
    kinds = {name: a.dtype.name for name, a in initializers(made).items()}
    assert kinds == {"center": "float32", "scale": "float32", "w": "float16", "b": "float16"}
    content = made.SerializeToString()
    expected = open_session(model.SerializeToString(), "here").run(None, {"X": rows.feed["X"]})
    labels, probabilities = open_session(content, "here").run(None, {"X": rows.feed["X"]})
    assert labels.dtype == np.int64
    assert (labels == expected[0]).mean() > 0.98
    assert probabilities.dtype == np.float32
    assert np.abs(probabilities - expected[1]).max() < 0.01


def test_float16_compute_says_that_onnxruntime_computes_in_float32():
    rows = calibration()
    content = float16_compute.apply(network(), rows)
    found = notes(content, "here", {}, {"X": rows.feed["X"]}, float16_compute.LIMITS)
    assert found == "onnxruntime computes its half precision in float32 on this processor"


@pytest.mark.parametrize("wrong", [7e4, np.inf, np.nan], ids=str)
def test_float16_compute_refuses_what_overflows(wrong):
    weights = floats(WIDTH, 1)
    weights[2, 0] = wrong
    with pytest.raises(NotApplicable, match=r"initializer 'w' holds .* float16 ends at 65504"):
        float16_compute.apply(linear(weights), calibration())


def test_float16_compute_refuses_sums_that_overflow():
    """Every weight fits, their sums do not: onnxruntime's float32 kernels would not show it."""
    weights = np.full((WIDTH, 1), 3e4, np.float32)
    rows = calibration(scale=10.0)
    with pytest.raises(NotApplicable, match=r"with sums in half precision .* MSE is inf"):
        float16_compute.apply(linear(weights), rows)


def test_float16_compute_refuses_operators_without_half_precision():
    with pytest.raises(NotApplicable, match="TreeEnsemble has no form in half precision"):
        float16_compute.apply(trees(), calibration())


def test_float16_compute_casts_from_float64_straight_to_the_output():
    model = model_of(
        [
            NODE("Gemm", ["X", "w"], ["h"]),
            NODE("Cast", ["h"], ["d"], to=TensorProto.DOUBLE),
            NODE("Cast", ["d"], ["variable"], to=TensorProto.FLOAT),
        ],
        {"w": floats(WIDTH, 2)},
    )
    made = parsed(float16_compute.apply(model, calibration()))
    assert [n.op_type for n in made.graph.node] == ["Cast", "Gemm", "Cast", "Cast"]
    assert made.graph.node[-1].attribute[0].i == TensorProto.FLOAT
