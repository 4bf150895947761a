"""Which nodes lead to a tensor, and calibration that runs no others."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from tests.quantizer.sample_graphs import WIDTH, calibration, floats, initializers, model_of
from toolkit.onnx_graph.index import leading_to

NODE = helper.make_node


def named(nodes, names):
    found, read = leading_to(nodes, names)
    return [n.output[0] for n in found], read


def test_what_lies_behind_or_beside_is_left_out():
    nodes = [
        NODE("Relu", ["X"], ["a"]),
        NODE("Neg", ["X"], ["b"]),
        NODE("Add", ["a", "w"], ["c"]),
        NODE("Mul", ["c", "b"], ["Y"]),
    ]
    assert named(nodes, ["c"]) == (["a", "c"], {"c", "a", "w", "X"})
    assert named(nodes, ["X"]) == ([], {"X"})
    assert named(nodes, ["b", "c"])[0] == ["a", "b", "c"]
    assert named(nodes, ["Y"])[0] == ["a", "b", "c", "Y"]


def test_a_branch_reads_what_is_around_it():
    value = helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)
    other = helper.make_tensor_value_info("b", TensorProto.FLOAT, None)
    branches = {
        "then_branch": helper.make_graph([NODE("Neg", ["a"], ["inner"])], "then", [], [value]),
        "else_branch": helper.make_graph([], "else", [], [other]),
    }
    nodes = [
        NODE("Relu", ["X"], ["a"]),
        NODE("Exp", ["X"], ["b"]),
        NODE("If", ["flag"], ["Y"], **branches),
    ]
    assert named(nodes, ["Y"])[0] == ["a", "b", "Y"]


def test_activations_need_nothing_that_lies_behind():
    """The node behind could not even run: its weights are of another shape."""
    nodes = [NODE("MatMul", ["X", "w"], ["h"]), NODE("Relu", ["h"], ["variable"])]
    model = model_of(nodes, {"w": floats(WIDTH, 3)})
    model.graph.node.append(NODE("MatMul", ["h", "w"], ["wrong"]))
    rows = calibration()
    found = rows.activations(model, ["h", "X", "h"])
    wanted = rows.feed["X"] @ initializers(model)["w"]
    np.testing.assert_allclose(found[0], wanted, rtol=1e-5, atol=1e-5)
    assert found[1] is rows.feed["X"]
    assert found[2] is found[0]
