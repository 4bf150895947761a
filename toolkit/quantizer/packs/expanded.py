"""A sum of squares written out as products of features, whose coefficients bear rounding.

The fastest float graph of a quadratic form is `Σ_k v_k (x @ a_k + c_k)²`. Its squares cancel, so
that an error in any a_k is an error of the large squares. Written out on standardised features,
`Σ w_ij z_i z_j + Σ w_i z_i + c`, there are fewer parameters and each stands for itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, numpy_helper

from toolkit.onnx_graph.edits import copied, drop_initializers, replace_nodes
from toolkit.onnx_graph.index import Index
from toolkit.onnx_graph.subgraphs import namer
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.parameters import Product, plain_products

# Coefficients below this part of the largest are what float32 left of zeros.
NOISE = 1e-6
# More features have so many products that choosing their factors costs more than the squares.
MOST_AXES = 64


@dataclass(frozen=True)
class Squares:
    """What three nodes give, each its one tensor, and the weights of the first and the last."""

    outputs: tuple[str, str, str]
    axes: Product
    signs: Product


def expanded(model: onnx.ModelProto, calibration: Calibration) -> onnx.ModelProto:
    """Return the graph with each sum of squares written out; the model itself where it has none."""
    forms = find_squares(model)
    if not forms:
        return model
    changed = copied(model)
    sources = calibration.activations(model, [s.axes.source for s in forms])
    for squares, rows in reversed(list(zip(forms, sources, strict=True))):
        _expand(changed, squares, rows.astype(np.float64))
    return changed


def find_squares(model: onnx.ModelProto) -> list[Squares]:
    """Return the sums `(x @ A + a)² @ v + c` of the graph, each of one output."""
    index, weights = Index(model.graph), {p.name: p for p in plain_products(model)}
    sums = []
    for node in model.graph.node:
        last = weights.get(node.input[1]) if node.op_type == "Gemm" else None
        middle = index.makers.get(node.input[0]) if last and last.values.shape[1] == 1 else None
        if middle is None or middle.op_type != "Mul":
            continue
        one, other = middle.input
        first = index.makers.get(one) if one == other and index.wanted(one) == 2 else None
        if first is None or first.op_type != "Gemm" or index.wanted(node.input[0]) != 1:
            continue
        axes = weights.get(first.input[1])
        if axes is None or last is None or len(axes.values) > MOST_AXES:
            continue
        if axes.bias and last.bias:
            sums.append(Squares((first.output[0], middle.output[0], node.output[0]), axes, last))
    return sums


def _expand(model: onnx.ModelProto, squares: Squares, rows: np.ndarray) -> None:
    """Put the features and their coefficients in place of the squares."""
    held = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    center = rows.mean(axis=0).astype(np.float32).astype(np.float64)
    deviation = rows.std(axis=0)
    factor = 1.0 / np.where(deviation > 0, deviation, 1.0)
    factor = factor.astype(np.float32).astype(np.float64)
    axes = squares.axes.values.astype(np.float64)
    moved = held[str(squares.axes.bias)].astype(np.float64).ravel() + center @ axes
    wide = np.vstack([axes / factor[:, None], moved])
    form = (wide * squares.signs.values[:, 0].astype(np.float64)) @ wide.T
    constant = form[-1, -1] + float(held[str(squares.signs.bias)].ravel()[0])
    pairs = np.array([(i, j) for i in range(len(center)) for j in range(i, len(center) + 1)])
    weights = np.array([form[i, j] * (1 if i == j else 2) for i, j in pairs])
    used = np.abs(weights) > NOISE * np.abs(weights).max(initial=0.0)
    pairs, weights = pairs[used], weights[used]
    _replace(model, squares, center, factor, pairs, weights, constant)


def _replace(
    model: onnx.ModelProto,
    squares: Squares,
    center: np.ndarray,
    factor: np.ndarray,
    pairs: np.ndarray,
    weights: np.ndarray,
    constant: float,
) -> None:
    source, output, width = squares.axes.source, squares.outputs[-1], len(center)
    first = _drop(model, squares)
    name = namer(model.graph)
    select = [np.eye(width + 1)[pairs[:, k]].T for k in (0, 1)]

    def constant_of(hint: str, values: np.ndarray) -> str:
        held = numpy_helper.from_array(values.astype(np.float32), name(hint))
        model.graph.initializer.append(held)
        return held.name

    nodes: list[onnx.NodeProto] = []

    def add(op: str, result: str, *inputs: str) -> str:
        nodes.append(helper.make_node(op, inputs, [result]))
        return result

    centred = add("Sub", name("sub"), source, constant_of("center", center))
    z = add("Mul", name("mul"), centred, constant_of("scale", factor))
    factors = [
        add(
            "Gemm",
            name("scores"),
            z,
            constant_of("coefficient", chosen[:width]),
            constant_of("intercept", chosen[width]),
        )
        for chosen in select
    ]
    products = add("Mul", name("product"), *factors)
    coefficients = constant_of("coefficient", weights[:, None])
    add("Gemm", output, products, coefficients, constant_of("intercept", np.array([constant])))
    others = model.graph.node
    replace_nodes(model.graph, [*others[:first], *nodes, *others[first:]])


def _drop(model: onnx.ModelProto, squares: Squares) -> int:
    """Remove the squares' nodes and weights; return the position where their first node was."""
    graph = model.graph
    first = next(k for k, n in enumerate(graph.node) if n.output[0] == squares.outputs[0])
    replace_nodes(graph, [n for n in graph.node if n.output[0] not in squares.outputs])
    products = (squares.axes, squares.signs)
    drop_initializers(graph, [name for p in products for name in (p.name, p.bias) if name])
    return first
