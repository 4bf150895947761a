"""Names in graphs inside graphs."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from toolkit.onnx_graph.subgraphs import namer


def test_a_new_name_is_none_of_the_graph_or_of_those_inside_it():
    held = numpy_helper.from_array(np.ones(1, np.float32), "held")
    result = helper.make_tensor_value_info("made", TensorProto.FLOAT, [1])
    adding = helper.make_node("Add", ["around", "held"], ["made"])
    branch = helper.make_graph([adding], "branch", [], [result], [held])
    choice = helper.make_node("If", ["yes"], ["chosen"], then_branch=branch, else_branch=branch)
    inputs = [helper.make_tensor_value_info("yes", TensorProto.BOOL, [])]
    output = helper.make_tensor_value_info("chosen", TensorProto.FLOAT, [1])
    name = namer(helper.make_graph([choice], "graph", inputs, [output]))
    for taken in ("yes", "chosen", "around", "held", "made"):
        assert name(taken) == f"{taken}1"
    assert [name("new"), name("new"), name("new")] == ["new", "new1", "new2"]
