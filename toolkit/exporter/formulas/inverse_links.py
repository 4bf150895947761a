"""From a boosting's raw scores to labels and probabilities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.answers import exp_answer, in_precision
from toolkit.exporter.formulas.binary_sigmoid import binary_sigmoid
from toolkit.exporter.formulas.classes import class_labels, index_above, largest_index
from toolkit.exporter.values import Matrix, Outputs, Value

Link = Callable[[Conversion, Matrix], Matrix]


def identity(g: Conversion, raw: Matrix) -> Matrix:
    """`raw`."""
    return raw


def exp(g: Conversion, raw: Matrix) -> Matrix:
    """`exp(raw)`."""
    return g.unary("Exp", raw)


def sigmoid(g: Conversion, raw: Matrix) -> Matrix:
    """`1 / (1 + exp(−raw))`."""
    return g.unary("Sigmoid", raw)


def signed_square(g: Conversion, raw: Matrix) -> Matrix:
    """`raw · |raw|`."""
    return g.mul(raw, g.unary("Abs", raw))


def softplus(g: Conversion, raw: Matrix) -> Matrix:
    """`log(1 + exp(raw))`; onnxruntime has Softplus for float32 alone."""
    return g.unary("Log", g.binary("Add", g.unary("Exp", raw), [1.0], "one"))


def linked(g: Conversion, link: Link, raw: Callable[[], Matrix]) -> Matrix:
    """Return a regressor's answers: the link of what `raw` adds to the graph."""
    if link is identity:
        return raw()
    if link is exp:
        return exp_answer(g, raw)
    with g.measured(None):
        return link(g, raw())


def two_classes(
    g: Conversion,
    x: Value,
    raw: Matrix,
    classes: np.ndarray,
    scale: float = 1.0,
    limit: float = 0.0,
) -> Outputs:
    """Probabilities `sigmoid(scale · raw)`; the second class where raw is above the limit."""
    index, p = binary_sigmoid(g, raw, scale)
    if limit:
        index = index_above(g, raw, limit)
    return {"predict": class_labels(g, index, classes), "predict_proba": in_precision(g, x, p)}


def many_classes(g: Conversion, x: Value, raw: Matrix, classes: np.ndarray) -> Outputs:
    """Probabilities `softmax(raw)`; the first largest is the label."""
    p = g.unary("Softmax", raw, axis=1)
    return {
        "predict": class_labels(g, largest_index(g, p), classes),
        "predict_proba": in_precision(g, x, p),
    }


def masked(g: Conversion, x: Matrix, columns: np.ndarray, values: Matrix) -> Matrix:
    """Return `values` in the columns where the mask [width] is set, x in the others."""
    mask = g.constant(columns.reshape(1, -1), "bool", "mask")
    return Matrix(g.add("Where", [mask, values.name, x.name], "masked"), x.dtype, x.width)
