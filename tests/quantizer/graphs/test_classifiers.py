"""Linear classifiers as products: the same answers, and weights that can be coded."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.exporter.classifier_graphs import FEATURES, random_classifier
from toolkit.exporter.passes import fuse_classifier
from toolkit.quantizer.graphs.classifiers import LINEAR, with_products
from toolkit.quantizer.parameters import attribute_operator, find_parameters
from toolkit.runtime.session import open_session

ROWS = np.random.default_rng(0).integers(-2, 3, (40, FEATURES)).astype(np.float32)


def run(model):
    names = [o.name for o in model.graph.output]
    return open_session(model.SerializeToString(), "here").run(names, {"X": ROWS})


def operators(model):
    return [n.op_type for n in model.graph.node]


def assert_same(expected, got):
    for one, other in zip(expected, got, strict=True):
        if one.dtype.kind == "f":  # the same sums, in another order
            np.testing.assert_allclose(other, one, atol=1e-6)
        else:
            np.testing.assert_array_equal(other, one)


@pytest.mark.parametrize("seed", range(60))
def test_what_was_fused_comes_apart_again(seed):
    model = random_classifier(seed)
    expected = run(model)
    if not fuse_classifier.apply(model):
        assert with_products(model) is model
        return
    before = model.SerializeToString()
    apart = with_products(model)
    onnx.checker.check_model(apart, full_check=True)
    assert model.SerializeToString() == before
    assert attribute_operator(model) == LINEAR
    assert attribute_operator(apart) is None
    assert [o.domain for o in apart.opset_import] == [""]
    assert_same(expected, run(apart))


def classifier(transform, intercepts=(0.5, -0.25, 0.0)):
    columns = len(intercepts)
    rng = np.random.default_rng(1)
    node = helper.make_node(
        LINEAR,
        ["X"],
        ["label", "probabilities"],
        domain="ai.onnx.ml",
        coefficients=rng.normal(size=columns * FEATURES).tolist(),
        intercepts=list(intercepts),
        classlabels_strings=["a", "b", "c"][: max(2, columns)],
        multi_class=1,
        post_transform=transform,
    )
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.STRING, [None]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, None]),
    ]
    inputs = [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, FEATURES])]
    graph = helper.make_graph([node], "g", inputs, outputs)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def test_softmax_of_another_exporter():
    model = classifier("SOFTMAX")
    apart = with_products(model)
    assert operators(apart) == ["Gemm", "ArgMax", "Gather", "Softmax"]
    assert_same(run(model), run(apart))
    (weights,) = find_parameters(apart)
    assert weights.values.shape == (FEATURES, 3)
    assert weights.output == "scores"


@pytest.mark.parametrize(
    "model",
    [classifier("PROBIT"), classifier("LOGISTIC", intercepts=(0.5,))],
    ids=["probit", "one"],
)
def test_what_is_never_written_is_refused(model):
    assert with_products(model) is model
    assert attribute_operator(model) == LINEAR


def test_two_sides_of_one_score_are_one_column():
    weights = np.array([[1.5], [-2.0], [0.25]], np.float32)
    model = classifier("LOGISTIC", intercepts=(-0.5, 0.5))
    (coefficients,) = [a for a in model.graph.node[0].attribute if a.name == "coefficients"]
    coefficients.floats[:] = np.hstack([-weights, weights]).T.ravel().tolist()
    apart = with_products(model)
    assert operators(apart) == ["Gemm", "Gemm", "ArgMax", "Gather", "Sigmoid"]
    first = next(t for t in apart.graph.initializer if t.name == apart.graph.node[0].input[1])
    np.testing.assert_array_equal(numpy_helper.to_array(first), weights)
    assert_same(run(model), run(apart))


def test_names_inside_a_graph_of_the_graph_are_taken():
    """A loop's tensors may not have the names of those around it."""
    model = onnx.ModelProto()
    model.CopyFrom(classifier("NONE"))
    names = ["coefficient", "intercept", "index", "classes"]
    inner = [helper.make_node("Constant", [], [n], value_float=1.0) for n in names]
    output = helper.make_tensor_value_info(names[-1], TensorProto.FLOAT, [])
    body = helper.make_graph(inner, "body", [], [output])
    yes = numpy_helper.from_array(np.array(True), "yes")
    model.graph.initializer.append(yes)
    choice = helper.make_node("If", ["yes"], ["chosen"], then_branch=body, else_branch=body)
    model.graph.node.append(choice)
    model.graph.output.append(helper.make_tensor_value_info("chosen", TensorProto.FLOAT, []))
    assert_same(run(model), run(with_products(model)))
