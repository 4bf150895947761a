"""Which initializers are parameters, and of which kind."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.quantizer.sample_graphs import floats, network
from toolkit.quantizer.parameters import Product, Stored, find_doubles, find_parameters

NODE = helper.make_node
WIDTH = 8


def graph(nodes, constants):
    """A model with the inputs X [N, 8] float32; whatever its nodes make of it comes out as Y."""
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, WIDTH])],
        [helper.make_tensor_value_info("Y", TensorProto.UNDEFINED, None)],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in constants.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def found(nodes, constants):
    return [
        (
            type(p).__name__,
            p.name,
            *((p.source, p.bias, p.direct) if isinstance(p, Product) else ()),
        )
        for p in find_parameters(graph(nodes, constants))
    ]


SMALL = {"w": floats(WIDTH, 2), "b": floats(2)}
DOUBLE = NODE("Cast", ["X"], ["x"], to=TensorProto.DOUBLE)


def test_layers_in_the_order_of_the_graph():
    parameters = find_parameters(network())
    assert [(p.name, p.bias, p.output) for p in parameters] == [
        ("w0", "b0", "h"),
        ("w1", "b1", "variable"),
    ]


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([NODE("Gemm", ["X", "w", "b"], ["Y"])], ("X", "b", True)),
        ([NODE("Gemm", ["X", "w", "b"], ["Y"], beta=0.5)], ("X", None, True)),
        ([NODE("Gemm", ["X", "w", "b"], ["Y"], alpha=-2.0)], ("X", "b", False)),
        ([NODE("MatMul", ["X", "w"], ["Y"])], ("X", None, True)),
        ([NODE("MatMul", ["X", "w"], ["p"]), NODE("Add", ["b", "p"], ["Y"])], ("X", "b", True)),
        (
            [NODE("Cast", ["w"], ["v"], to=1), NODE("MatMul", ["X", "v"], ["Y"])],
            ("X", None, True),
        ),
        ([NODE("Sub", ["w", "c"], ["v"]), NODE("MatMul", ["X", "v"], ["Y"])], ("X", None, False)),
        ([NODE("Mul", ["w", "s"], ["v"]), NODE("MatMul", ["X", "v"], ["Y"])], ("X", None, False)),
    ],
    ids=["gemm", "beta", "alpha", "matmul", "matmul-add", "cast", "offset", "factor"],
)
def test_products(nodes, expected):
    constants = SMALL | {"c": floats(1, 2), "s": np.float32(2.0)}
    used = {n for node in nodes for n in node.input}
    kept = {n: a for n, a in constants.items() if n in used}
    assert found(nodes, kept) == [("Product", "w", *expected)]


def test_float64_weights_are_products():
    constants = {n: a.astype(np.float64) for n, a in SMALL.items()}
    nodes = [DOUBLE, NODE("Gemm", ["x", "w", "b"], ["Y"])]
    assert found(nodes, constants) == [("Product", "w", "x", "b", True)]


LARGE = floats(40, WIDTH)


@pytest.mark.parametrize(
    "nodes",
    [
        [NODE("Transpose", ["w"], ["v"]), NODE("MatMul", ["X", "v"], ["Y"])],
        [NODE("Gemm", ["X", "w"], ["Y"], transB=1)],
        [
            NODE("Transpose", ["w"], ["v"]),
            NODE("ReduceSumSquare", ["w", "axes"], ["n"], keepdims=0),
            NODE("Gemm", ["X", "v", "n"], ["Y"]),
        ],
        [NODE("Cast", ["X"], ["i"], to=7), NODE("Gather", ["w", "i"], ["Y"])],
        [NODE("Unsqueeze", ["X", "axes"], ["x"]), NODE("Sub", ["x", "w"], ["Y"])],
    ],
    ids=["transposed", "trans-b", "points", "table", "elementwise"],
)
def test_what_is_stored(nodes):
    used = {n for node in nodes for n in node.input}
    constants = {"w": LARGE, "axes": np.array([1])}
    assert found(nodes, {n: a for n, a in constants.items() if n in used}) == [("Stored", "w")]


def test_points_in_a_loop_are_stored():
    body = helper.make_graph(
        [NODE("MatMul", ["carried", "w"], ["next"]), NODE("Identity", ["go"], ["on"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("carried", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
        ],
    )
    nodes = [NODE("Loop", ["steps", "", "X"], ["Y"], body=body)]
    constants = {"w": floats(WIDTH, WIDTH), "steps": np.array(2)}
    assert found(nodes, constants) == [("Stored", "w")]


@pytest.mark.parametrize(
    "nodes",
    [
        [NODE("Sub", ["X", "w"], ["Y"])],
        [NODE("Mul", ["w", "X"], ["Y"])],
        [NODE("Gemm", ["X", "m", "w"], ["Y"])],
        [NODE("Less", ["X", "t"], ["Y"])],
        [NODE("Gather", ["small", "X"], ["Y"])],
    ],
    ids=["centre", "scale", "bias", "threshold", "small"],
)
def test_what_stays_exact(nodes):
    constants = {
        "w": floats(600),
        "t": floats(40, WIDTH),
        "small": floats(4, 4),
        "m": np.ones((WIDTH, 600), np.float16),
    }
    used = {n for node in nodes for n in node.input}
    assert found(nodes, {n: a for n, a in constants.items() if n in used}) == []


def test_weights_that_meet_two_inputs_are_stored():
    square = floats(WIDTH, WIDTH)
    nodes = [NODE("MatMul", ["X", "w"], ["h"]), NODE("MatMul", ["h", "w"], ["Y"])]
    assert found(nodes, {"w": square}) == [("Stored", "w")]
    assert isinstance(find_parameters(graph(nodes, {"w": square}))[0], Stored)


def test_doubles():
    nodes = [DOUBLE, NODE("Sub", ["x", "c"], ["y"]), NODE("Less", ["y", "t"], ["Y"])]
    constants = {"c": floats(WIDTH).astype(np.float64), "t": floats(WIDTH).astype(np.float64)}
    assert find_doubles(graph(nodes, constants)) == ["c"]
