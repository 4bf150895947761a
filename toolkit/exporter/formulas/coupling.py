"""Probabilities of classes from those of all pairs, as libsvm has them."""

from __future__ import annotations

from functools import partial

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.float64_expr import Float64, constant
from toolkit.exporter.subgraphs import loop
from toolkit.exporter.values import Matrix
from toolkit.onnx_graph.domains import ML


def couple_two(g: Conversion, decisions: Matrix, slope: float, offset: float) -> Matrix:
    """Return the probabilities of two classes, float32 [N, 2], from the decisions [N, 1].

    Platt's `1 / (1 + exp(slope d + offset))` for the first, by onnxruntime's SVMClassifier: its one
    vector is 1 and its kernel linear, so that its decision is the one given.
    """
    numbers = {"coefficients": [1.0], "support_vectors": [1.0], "rho": [0.0]}
    _, probabilities = g.add_many(
        "SVMClassifier",
        [g.cast(decisions, "float32").name],
        "coupled",
        outputs=2,
        domain=ML,
        classlabels_ints=[0, 1],
        kernel_params=[0.0, 0.0, 0.0],
        kernel_type="LINEAR",
        prob_a=[float(slope)],
        prob_b=[float(offset)],
        vectors_per_class=[1, 0],
        **numbers,
    )
    return Matrix(probabilities, "float32", 2)


def couple(g: Conversion, pairs: Float64, classes: int) -> Float64:
    """Return class probabilities [N, classes] from `P(i against j)` for i < j, [N, pairs].

    libsvm's multiclass_probability (Wu, Lin, Weng 2004, second method): minimise `½ pᵀ Q p` over
    probabilities by coordinates, where `Q_tt = Σ_j r_jt²` and `Q_tj = −r_jt r_tj`. libsvm stops
    long before it converges, so that each row stops here where it stops there: a Loop, in which
    rows that are done keep their values. In float32, or from decisions in float32, a row in some
    hundreds stops a round earlier or later, and is off by 4e-4.
    """
    first, second = np.triu_indices(classes, 1)
    square = classes * classes
    # r [N, classes²]: r_ij is the pair's probability, r_ji one minus it, r_ii 0.
    sign, shift = np.zeros((len(first), square)), np.zeros(square)
    for pair, (i, j) in enumerate(zip(first, second, strict=True)):
        sign[pair, i * classes + j], sign[pair, j * classes + i] = 1.0, -1.0
        shift[j * classes + i] = 1.0
    r = (pairs @ constant(g, sign, "pairs") + shift).reshape(-1, classes, classes)
    turned = r.swap(0, 2, 1)
    diagonal = (turned * turned).sum(2) * np.eye(classes)
    q = diagonal - turned * r
    start = pairs.sum(1) * 0.0 + np.full((1, classes), 1.0 / classes)
    state = [start.matrix("float64", classes), q.matrix("float64", 0)]
    p, _ = loop(g, state, partial(_iteration, g, classes), times=max(100, classes))
    return Float64(g, p.name)


def _iteration(
    g: Conversion, classes: int, step: str, state: list[Matrix]
) -> tuple[list[Matrix], str]:
    """Return (p, Q) after one round through the coordinates, and whether a row goes on."""
    p, q = (Float64(g, m.name) for m in state)
    qp = (q @ p.reshape(0, classes, 1)).reshape(0, classes)
    pqp = (p * qp).sum(1)
    active = _largest(qp - pqp, classes).compare("GreaterOrEqual", 0.005 / classes)
    new = p
    for t in range(classes):
        row = q.take([t], axis=1).reshape(0, classes)
        own = row.take([t], axis=1)
        mine = qp.take([t], axis=1)
        change = (pqp - mine) / own
        grown = change + 1.0
        pqp = (pqp + change * (change * own + 2.0 * mine)) / grown / grown
        qp = (qp + change * row) / grown
        unit = np.zeros((1, classes))
        unit[0, t] = 1.0
        new = (new + change * unit) / grown
    new = active.where(new, p)
    count = Float64(g, g.reduce("ReduceSum", active.float64().name, [0, 1], keep=False))
    return [new.matrix("float64", classes), state[1]], count.compare("Greater", 0.0).name


def _largest(values: Float64, classes: int) -> Float64:
    """Return the largest magnitude of each row [N, 1]; Max, whose form no opset changed."""
    size = values.apply("Abs")
    largest = size.take([0], axis=1)
    for t in range(1, classes):
        largest = largest.at_least(size.take([t], axis=1))
    return largest
