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

from toolkit.onnx_graph.subgraphs import namer
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.parameters import Product, plain_products

# Coefficients below this part of the largest are what float32 left of zeros.
NOISE = 1e-6
# More features have so many products that choosing their factors costs more than the squares.
MOST = 64


@dataclass(frozen=True)
class Squares:
    """Positions of three nodes, and the weights of the first and the last."""

    nodes: tuple[int, int, int]
    axes: Product
    signs: Product


def expanded(model: onnx.ModelProto, calibration: Calibration) -> onnx.ModelProto:
    """Return the graph with each sum of squares written out; the model itself where it has none."""
    found = find_squares(model)
    if not found:
        return model
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    sources = calibration.activations(model, [s.axes.source for s in found])
    for squares, rows in reversed(list(zip(found, sources, strict=True))):
        # From the back, so that positions stay.
        _expand(changed, squares, rows.astype(np.float64))
    return changed


def find_squares(model: onnx.ModelProto) -> list[Squares]:
    """Return the sums `(x @ A + a)² @ v + c` of the graph, each of one output."""
    nodes, weights = list(model.graph.node), {p.name: p for p in plain_products(model)}
    read = [name for node in nodes for name in node.input] + [o.name for o in model.graph.output]
    makers = {name: at for at, node in enumerate(nodes) for name in node.output}
    found = []
    for at, node in enumerate(nodes):
        last = weights.get(node.input[1]) if node.op_type == "Gemm" else None
        middle = makers.get(node.input[0]) if last and last.values.shape[1] == 1 else None
        if middle is None or nodes[middle].op_type != "Mul":
            continue
        one, other = nodes[middle].input
        first = makers.get(one) if one == other and read.count(one) == 2 else None
        if first is None or nodes[first].op_type != "Gemm" or read.count(node.input[0]) != 1:
            continue
        axes = weights.get(nodes[first].input[1])
        if axes is None or last is None or len(axes.values) > MOST:
            continue
        if axes.bias and last.bias:
            found.append(Squares((first, middle, at), axes, last))
    return found


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
    kept = np.abs(weights) > NOISE * np.abs(weights).max(initial=0.0)
    pairs, weights = pairs[kept], weights[kept]
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
    (first, _, last), width = squares.nodes, len(center)
    source, output = squares.axes.source, model.graph.node[last].output[0]
    _drop(model, squares)
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
    for node in reversed(nodes):
        model.graph.node.insert(first, node)


def _drop(model: onnx.ModelProto, squares: Squares) -> None:
    """Remove the squares' nodes and weights."""
    for at in sorted(squares.nodes, reverse=True):
        del model.graph.node[at]
    gone = {squares.axes.name, squares.axes.bias, squares.signs.name, squares.signs.bias}
    for at in reversed(range(len(model.graph.initializer))):
        if model.graph.initializer[at].name in gone:
            del model.graph.initializer[at]
