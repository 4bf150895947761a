"""Which products stand in a graph as they are, and whose bias is whose."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from tests.quantizer.sample_graphs import (
    WIDTH,
    floats,
    in_attributes,
    initializers,
    linear,
    model_of,
    network,
    trees,
    without_weights,
)
from toolkit.quantizer.parameters import attribute_operator, plain_products, replace_values

W, B = floats(WIDTH, 2), floats(2)
NODE = helper.make_node


def found(nodes, constants, **options):
    return [
        (w.name, w.source, w.bias) for w in plain_products(model_of(nodes, constants, **options))
    ]


def test_gemm_with_bias():
    assert found([NODE("Gemm", ["X", "w", "b"], ["variable"])], {"w": W, "b": B}) == [
        ("w", "X", "b")
    ]


def test_gemm_without_bias():
    assert found([NODE("Gemm", ["X", "w"], ["variable"])], {"w": W}) == [("w", "X", None)]


def test_gemm_with_an_empty_bias_name():
    assert found([NODE("Gemm", ["X", "w", ""], ["variable"])], {"w": W}) == [("w", "X", None)]


@pytest.mark.parametrize("attributes", [{"alpha": 2.0}, {"alpha": 0.0}], ids=str)
def test_gemm_with_factors_is_left_alone(attributes):
    nodes = [NODE("Gemm", ["X", "w", "b"], ["variable"], **attributes)]
    assert found(nodes, {"w": W, "b": B}) == []


def test_what_a_gemm_adds_in_part_is_no_bias():
    nodes = [NODE("Gemm", ["X", "w", "b"], ["variable"], beta=0.5)]
    assert found(nodes, {"w": W, "b": B}) == [("w", "X", None)]


def test_gemm_with_factors_of_one_is_plain():
    nodes = [NODE("Gemm", ["X", "w", "b"], ["variable"], alpha=1.0, beta=1.0)]
    assert found(nodes, {"w": W, "b": B}) == [("w", "X", "b")]


def test_transposed_gemm_is_left_alone():
    nodes = [NODE("Gemm", ["X", "w", "b"], ["variable"], transB=1)]
    assert found(nodes, {"w": W.T.copy(), "b": B}) == []


def test_a_gemm_that_states_that_it_transposes_nothing_is_plain():
    nodes = [NODE("Gemm", ["X", "w", "b"], ["variable"], transA=0, transB=0)]
    assert found(nodes, {"w": W, "b": B}) == [("w", "X", "b")]


@pytest.mark.parametrize("order", [["p", "b"], ["b", "p"]], ids="-".join)
@pytest.mark.parametrize("shape", [(2,), (1, 2)], ids=str)
def test_matmul_and_add(order, shape):
    nodes = [NODE("MatMul", ["X", "w"], ["p"]), NODE("Add", order, ["variable"])]
    assert found(nodes, {"w": W, "b": B.reshape(shape)}) == [("w", "X", "b")]


def test_matmul_alone():
    assert found([NODE("MatMul", ["X", "w"], ["variable"])], {"w": W}) == [("w", "X", None)]


def test_matmul_whose_product_has_two_readers_has_no_bias():
    nodes = [
        NODE("MatMul", ["X", "w"], ["p"]),
        NODE("Add", ["p", "b"], ["q"]),
        NODE("Mul", ["p", "q"], ["variable"]),
    ]
    assert found(nodes, {"w": W, "b": B}) == [("w", "X", None)]


def test_an_added_scalar_is_no_bias_of_several_columns():
    nodes = [NODE("MatMul", ["X", "w"], ["p"]), NODE("Add", ["p", "b"], ["variable"])]
    assert found(nodes, {"w": W, "b": B[:1]}) == [("w", "X", None)]


def test_a_bias_of_two_layers_belongs_to_neither():
    nodes = [
        NODE("Gemm", ["X", "w", "b"], ["h"]),
        NODE("Gemm", ["X", "v", "b"], ["k"]),
        NODE("Add", ["h", "k"], ["variable"]),
    ]
    assert found(nodes, {"w": W, "v": floats(WIDTH, 2), "b": B}) == [
        ("w", "X", None),
        ("v", "X", None),
    ]


def test_shared_weights_are_left_alone():
    square = floats(WIDTH, WIDTH)
    nodes = [NODE("MatMul", ["X", "w"], ["h"]), NODE("MatMul", ["h", "w"], ["variable"])]
    assert found(nodes, {"w": square}) == []


def test_points_are_left_alone():
    """Their norms are computed from them too: a scaled point has another one."""
    nodes = [
        NODE("Gemm", ["X", "w"], ["p"]),
        NODE("ReduceSumSquare", ["w", "axis"], ["n"]),
        NODE("Add", ["p", "n"], ["variable"]),
    ]
    assert found(nodes, {"w": W, "axis": np.array([0])}) == []


def test_what_is_cast_before_its_product_is_left_alone():
    nodes = [NODE("Cast", ["w"], ["v"], to=1), NODE("MatMul", ["X", "v"], ["variable"])]
    assert found(nodes, {"w": W}) == []


@pytest.mark.parametrize(
    ("constants", "nodes"),
    [
        ({"w": floats(3, WIDTH)}, [NODE("MatMul", ["w", "t"], ["variable"])]),
        ({"w": floats(WIDTH, 2).astype(np.float64)}, [NODE("MatMul", ["d", "w"], ["variable"])]),
        ({"w": floats(WIDTH)}, [NODE("MatMul", ["X", "w"], ["variable"])]),
    ],
    ids=["first-operand", "float64", "vector"],
)
def test_what_is_no_weight(constants, nodes):
    prepared = {"t": NODE("Transpose", ["X"], ["t"]), "d": NODE("Cast", ["X"], ["d"], to=11)}
    before = [n for name, n in prepared.items() if name in nodes[0].input]
    graph = helper.make_graph(
        [*before, *nodes],
        "g",
        [helper.make_tensor_value_info("X", 1, [None, WIDTH])],
        [helper.make_tensor_value_info("variable", 0, None)],
        [_tensor(n, a) for n, a in constants.items()],
    )
    assert plain_products(helper.make_model(graph)) == []


def _tensor(name, values):
    from onnx import numpy_helper

    return numpy_helper.from_array(values, name)


def test_layers_come_in_the_order_of_the_graph():
    assert [w.name for w in plain_products(network())] == ["w0", "w1"]


def test_attribute_operators():
    assert attribute_operator(in_attributes()) == "LinearRegressor"
    assert attribute_operator(trees()) is None
    assert attribute_operator(network()) is None
    assert attribute_operator(without_weights()) is None


def test_replace_keeps_shape_type_and_the_rest():
    model = linear()
    before = initializers(model)
    replace_values(model, {"b": np.array([[7.5]])})
    after = initializers(model)
    assert after["b"].tolist() == [7.5]
    assert after["b"].dtype == np.float32
    np.testing.assert_array_equal(after["w"], before["w"])
