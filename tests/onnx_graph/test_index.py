"""Who makes and who reads a tensor, and nodes put in the place of others."""

from __future__ import annotations

from onnx import TensorProto, helper

from toolkit.onnx_graph.edits import replace_nodes
from toolkit.onnx_graph.index import GIVEN, Index

NODE = helper.make_node


def graph():
    """Return `Y = flag ? −a : b` with a = x + x."""
    inner = helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)
    other = helper.make_tensor_value_info("b", TensorProto.FLOAT, None)
    branches = {
        "then_branch": helper.make_graph([NODE("Neg", ["a"], ["inner"])], "then", [], [inner]),
        "else_branch": helper.make_graph([], "else", [], [other]),
    }
    nodes = [
        NODE("Add", ["x", "x"], ["a"]),
        NODE("Exp", ["x"], ["b"]),
        NODE("If", ["flag"], ["Y"], **branches),
    ]
    result = helper.make_tensor_value_info("a", TensorProto.FLOAT, None)
    return helper.make_graph(nodes, "sample", [], [result])


def test_readings_in_branches_count_for_the_node_around_them():
    index = Index(graph())
    assert [(r.at, r.position, r.inner) for r in index.readings["a"]] == [(2, 0, True)]
    assert [(r.at, r.position, r.inner) for r in index.readings["b"]] == [(2, GIVEN, True)]
    assert [n.op_type for n in index.readers("a")] == ["If"]
    assert index.makers["a"].op_type == "Add"
    assert "inner" not in index.makers


def test_a_node_that_reads_twice_is_one_reader():
    index = Index(graph())
    assert [n.op_type for n in index.readers("x")] == ["Add", "Exp"]
    assert (index.wanted("x"), index.wanted("a"), index.wanted("nothing")) == (3, 2, 0)


def test_replaced_nodes_stay_readable():
    changed = graph()
    index = Index(changed)
    replace_nodes(changed, [changed.node[1], NODE("Neg", ["b"], ["a"]), changed.node[0]])
    assert [n.op_type for n in changed.node] == ["Exp", "Neg", "Add"]
    assert index.makers["Y"].op_type == "If"
