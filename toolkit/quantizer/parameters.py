"""Which initializers of a graph are a model's parameters, and what becomes of each in the graph.

A parameter is followed forwards through casts, transpositions, scalar factors and offsets. Where
all of it ends as the second operand of one matrix product it is a `Product`, whose error is known
from the other operand's second moments. Everything else that is large (stored points of neighbours
and kernels, tables that are gathered from, tensors that meet others element by element) is
`Stored`: what an error there costs, only the model's outputs tell.

What is no parameter stays exact: vectors that are added, subtracted or multiplied (the constants of
scalers and encoders, biases), whatever is compared with something (thresholds, edges of bins,
vocabularies), and small tensors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, numpy_helper

from toolkit.onnx_graph import kernel_sums
from toolkit.onnx_graph.index import Index
from toolkit.onnx_graph.kernel_sums import KernelSum

# Operators that hold their parameters in attributes, where no initializer can be packed.
PARAMETERS_IN_ATTRIBUTES = {
    "TreeEnsembleClassifier",
    "SVMClassifier",
    "SVMRegressor",
    "LinearClassifier",
    "LinearRegressor",
}
FLOATING = {onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE}
# What is stored, and smaller than this, saves nothing that the file would notice.
FEWEST = 64
FEWEST_DOUBLES = 8
ELEMENTWISE = {"Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Where"}
COMPARISONS = {"Less", "Greater", "LessOrEqual", "GreaterOrEqual", "Equal"}


@dataclass(frozen=True)
class Product:
    """A float32 or float64 matrix that is multiplied once: `source @ values`, its rows the inputs.

    bias: the initializer that is added to the product, a number an output, None where there is
    none; output: the tensor that then has it. direct: nothing but casts lies between initializer
    and product.
    """

    name: str
    values: np.ndarray
    source: str
    bias: str | None
    output: str
    direct: bool


@dataclass(frozen=True)
class Stored:
    """Any other float32 or float64 tensor of parameters."""

    name: str
    values: np.ndarray


@dataclass(frozen=True)
class Use:
    """One place where a parameter ends: the node, which of its inputs it is, and in what form.

    form: 0 as it is, 1 with a factor or offset, 2 as something else that was computed from it,
    transposed, or in a graph inside the graph.
    """

    node: onnx.NodeProto
    position: int
    form: int


Parameter = Product | Stored


def find_parameters(model: onnx.ModelProto) -> list[Parameter]:
    """Return the graph's parameters in the order in which they are used."""
    graph = _Graph(model)
    sums = {s.dual: s for s in find_kernel_sums(model)}
    parameters = []
    for tensor in model.graph.initializer:
        if tensor.data_type not in FLOATING or not all(tensor.dims):
            continue
        uses = list(graph.uses(tensor.name))
        parameter: Parameter | None
        if tensor.name in sums:
            parameter = _dual(tensor, sums[tensor.name])
        else:
            parameter = _product(tensor, uses, graph) or _stored(tensor, uses)
        if parameter:
            parameters.append((graph.first(tensor.name), parameter))
    return [parameter for _, parameter in sorted(parameters, key=lambda pair: pair[0])]


def plain_products(model: onnx.ModelProto) -> list[Product]:
    """Return those products whose node stands in the graph as `source @ values`, all in float32.

    For what rewrites the graph around a product: the node reads source and initializer themselves,
    no factor or cast between them.
    """
    nodes = [n for n in model.graph.node if n.op_type in ("MatMul", "Gemm")]
    operands = {(n.input[0], n.input[1]) for n in nodes}
    products = [p for p in find_parameters(model) if isinstance(p, Product) and p.direct]
    return [p for p in products if (p.source, p.name) in operands and p.values.dtype == np.float32]


def find_kernel_sums(model: onnx.ModelProto) -> list[KernelSum]:
    """Return the sums of kernels that the model's metadata names, if their tensors are there."""
    tensors = {t.name for t in model.graph.initializer} | {i.name for i in model.graph.input}
    tensors |= {o for node in model.graph.node for o in node.output}
    return [
        s for s in kernel_sums.of(model) if {s.points, s.dual, s.offset, s.rows, s.total} <= tensors
    ]


def kernels_of(total: str) -> str:
    """Return the name by which a sum's kernels are asked for: they are no tensor of the graph."""
    return f"kernels of {total}"


def _dual(tensor: onnx.TensorProto, of: KernelSum) -> Product:
    """Return the duals of a sum of kernels as what they are: a product of kernels with a bias."""
    values = numpy_helper.to_array(tensor)
    return Product(tensor.name, values, kernels_of(of.total), of.offset, of.total, True)


def find_doubles(model: onnx.ModelProto) -> list[str]:
    """Return the float64 initializers of eight numbers or more that may be rounded.

    Not those with which something is compared, nor what is added to make an output: the centre of
    answers that float32 cannot hold.
    """
    graph = _Graph(model)

    def exact(use: Use) -> bool:
        added = use.node.op_type == "Add" and use.node.output[0] in graph.outputs
        return added or use.node.op_type in COMPARISONS

    return [
        t.name
        for t in model.graph.initializer
        if t.data_type == onnx.TensorProto.DOUBLE
        and int(np.prod(t.dims)) >= FEWEST_DOUBLES
        and not any(exact(use) for use in graph.uses(t.name))
    ]


def attribute_operator(model: onnx.ModelProto) -> str | None:
    """Return the first operator that holds parameters in attributes, None where there is none."""
    return next(
        (n.op_type for n in model.graph.node if n.op_type in PARAMETERS_IN_ATTRIBUTES), None
    )


def replace_values(model: onnx.ModelProto, values: Mapping[str, np.ndarray]) -> None:
    """Give initializers new values of the same shape and type, in place."""
    for tensor in model.graph.initializer:
        if tensor.name in values:
            shape = tuple(tensor.dims)
            new = values[tensor.name].reshape(shape).astype(numpy_helper.to_array(tensor).dtype)
            tensor.CopyFrom(numpy_helper.from_array(new, tensor.name))


class _Graph(Index):
    """A model's nodes by what they read, and which tensors come from initializers alone."""

    def __init__(self, model: onnx.ModelProto) -> None:
        super().__init__(model.graph)
        self.fixed = set(self.constants)
        for top in model.graph.node:
            nested = any(a.type == onnx.AttributeProto.GRAPH for a in top.attribute)
            if top.input and not nested and all(not i or i in self.fixed for i in top.input):
                self.fixed.update(top.output)

    def uses(self, name: str) -> Iterator[Use]:
        """Follow an initializer to where it meets what depends on the model's inputs."""
        yield from self._followed(name, 0, int(np.prod(self.constants[name].dims)))

    def _followed(self, name: str, form: int, size: int) -> Iterator[Use]:
        for reading in self.readings.get(name, []):
            node = reading.node
            if reading.inner or node.output[0] not in self.fixed:
                yield Use(node, reading.position, 2 if reading.inner else form)
            else:
                reached = max(form, self._form(node, reading.position, size))
                yield from self._followed(node.output[0], reached, size)

    def first(self, name: str) -> int:
        """Return the position of the first node that reads a tensor."""
        return min((r.at for r in self.readings.get(name, [])), default=0)

    def _form(self, node: onnx.NodeProto, position: int, size: int) -> int:
        if node.op_type in ("Cast", "Identity"):
            return 0
        other = self.constants.get(node.input[1 - position]) if len(node.input) == 2 else None
        if other is None or (position == 1 and node.op_type in ("Sub", "Div")):
            return 2
        offset = node.op_type in ("Add", "Sub") and int(np.prod(other.dims)) < size
        factor = node.op_type in ("Mul", "Div") and int(np.prod(other.dims)) == 1 < size
        return 1 if offset or factor else 2

    def bias(self, node: onnx.NodeProto, outputs: int) -> tuple[str | None, str]:
        """Return the initializer that a product's outputs are shifted by, and the tensor then."""
        if node.op_type == "Gemm":
            name = node.input[2] if len(node.input) > 2 else ""
            beta = [a.f for a in node.attribute if a.name == "beta"]
            return self._own(name, outputs) if beta in ([], [1.0]) else None, node.output[0]
        readings = self.readings.get(node.output[0], [])
        if len(readings) == 1 and readings[0].node.op_type == "Add" and not readings[0].inner:
            add = readings[0].node
            name = self._own(add.input[1 - readings[0].position], outputs)
            if name:
                return name, add.output[0]
        return None, node.output[0]

    def _own(self, name: str, outputs: int) -> str | None:
        tensor = self.constants.get(name)
        alone = tensor is not None and len(self.readings[name]) == 1
        return name if tensor and alone and int(np.prod(tensor.dims)) == outputs else None


def _product(tensor: onnx.TensorProto, uses: list[Use], graph: _Graph) -> Product | None:
    if len(uses) != 1 or len(tensor.dims) != 2:
        return None
    use, node = uses[0], uses[0].node
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type not in ("MatMul", "Gemm") or use.position != 1 or use.form == 2:
        return None
    if node.domain or attributes.get("transA") or attributes.get("transB"):
        return None
    values = numpy_helper.to_array(tensor)
    bias, output = graph.bias(node, values.shape[1])
    direct = use.form == 0 and attributes.get("alpha", 1.0) == 1.0
    return Product(tensor.name, values, node.input[0], bias, output, direct)


def _stored(tensor: onnx.TensorProto, uses: list[Use]) -> Stored | None:
    long = [d for d in tensor.dims if d > 1]
    operators = {u.node.op_type for u in uses}
    if int(np.prod(tensor.dims)) < FEWEST or not uses or operators & COMPARISONS:
        return None
    added = {u.node.op_type for u in uses if u.position == 2}
    if len(long) < 2 and (
        operators & ELEMENTWISE or "Gemm" in added or 2 in {u.form for u in uses}
    ):
        return None
    return Stored(tensor.name, numpy_helper.to_array(tensor))
