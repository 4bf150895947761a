"""Which float32 matrices of a graph are weights of plain products, and which bias each has.

For what rewrites the graph around a product: it must be a node that stands there as it is. What
only stores parameters in another way finds more of them, see `parameters`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import numpy_helper

# Operators that hold their parameters in attributes, where no initializer can be packed.
PARAMETERS_IN_ATTRIBUTES = {
    "TreeEnsembleClassifier",
    "SVMClassifier",
    "SVMRegressor",
    "LinearClassifier",
    "LinearRegressor",
}

# Gemm's attributes where it is `x @ w + b` and nothing more.
PLAIN = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0}


@dataclass(frozen=True)
class Weight:
    """A float32 matrix [inputs, outputs] that a MatMul or Gemm multiplies its `source` with.

    bias: the initializer [outputs] (or [1, outputs]) that is added to the product, None if none.
    """

    name: str
    values: np.ndarray
    source: str
    bias: str | None


def find_weights(model: onnx.ModelProto) -> list[Weight]:
    """Return the graph's weights in the order in which they are used.

    A weight is the second operand, untransposed, of one product; anything else stays as it is.
    """
    constants = {t.name: t for t in model.graph.initializer}
    uses = [name for node in model.graph.node for name in node.input]
    found = [w for n in model.graph.node for w in _weight_of(n, model, constants, uses)]
    return [w for w in found if [f.name for f in found].count(w.name) == 1]


def _weight_of(
    node: onnx.NodeProto,
    model: onnx.ModelProto,
    constants: dict[str, onnx.TensorProto],
    uses: list[str],
) -> Iterator[Weight]:
    if node.op_type not in ("MatMul", "Gemm") or node.domain:
        return
    tensor = constants.get(node.input[1])
    plain = all(onnx.helper.get_attribute_value(a) == PLAIN.get(a.name) for a in node.attribute)
    if tensor is None or not plain:
        return
    if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) == 2 and all(tensor.dims):
        bias = _bias_of(node, model, constants, uses, tensor.dims[1])
        yield Weight(tensor.name, numpy_helper.to_array(tensor), node.input[0], bias)


def _bias_of(
    node: onnx.NodeProto,
    model: onnx.ModelProto,
    constants: dict[str, onnx.TensorProto],
    uses: list[str],
    outputs: int,
) -> str | None:
    candidates = list(node.input[2:3])
    if node.op_type == "MatMul":
        readers = [n for n in model.graph.node if node.output[0] in n.input]
        if len(readers) == 1 and readers[0].op_type == "Add":
            candidates = [i for i in readers[0].input if i != node.output[0]]
    for name in candidates:
        tensor = constants.get(name)
        if tensor is not None and uses.count(name) == 1 and int(np.prod(tensor.dims)) == outputs:
            return name
    return None


def attribute_operator(model: onnx.ModelProto) -> str | None:
    """Return the first operator that holds parameters in attributes, None where there is none."""
    return next(
        (n.op_type for n in model.graph.node if n.op_type in PARAMETERS_IN_ATTRIBUTES), None
    )


def replace(model: onnx.ModelProto, values: dict[str, np.ndarray]) -> None:
    """Give initializers new values of the same shape and type, in place."""
    for tensor in model.graph.initializer:
        if tensor.name in values:
            shape = tuple(tensor.dims)
            new = values[tensor.name].reshape(shape).astype(numpy_helper.to_array(tensor).dtype)
            tensor.CopyFrom(numpy_helper.from_array(new, tensor.name))
