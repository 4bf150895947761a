"""Probabilities of several classes from those of all pairs, iterated as libsvm does it."""

from __future__ import annotations

import numpy as np
from onnx import GraphProto, TensorProto, ValueInfoProto, helper

from toolkit.exporter.graph import Graph, initializer
from toolkit.exporter.real import Real, constant


def couple(g: Graph, pairs: Real, classes: int) -> Real:
    """Return class probabilities [N, classes] from `P(i against j)` for i < j, [N, pairs].

    libsvm's multiclass_probability (Wu, Lin, Weng 2004, second method): minimise `½ pᵀ Q p` over
    probabilities by coordinates, where `Q_tt = Σ_j r_jt²` and `Q_tj = −r_jt r_tj`. libsvm stops
    long before it converges, so that each row stops here where it stops there: a Loop, in which
    rows that are done keep their values.
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
    limit = g.constant(max(100, classes), "int64", "iterations")
    more = g.constant(True, "bool", "more")
    body = _body(g, classes)
    p, _ = g.add("Loop", [limit, more, start.name, q.name], "coupled", outputs=2, body=body)
    return Real(g, p)


def _body(g: Graph, classes: int) -> GraphProto:
    """Return one iteration: (i, more, p, Q) → (more, p, Q)."""
    inner = g.body()
    p, q = Real(inner, inner.name("p")), Real(inner, inner.name("q"))
    qp = (q @ p.reshape(0, classes, 1)).reshape(0, classes)
    pqp = (p * qp).sum(1)
    active = _largest(qp - pqp, classes).compare("GreaterOrEqual", 0.005 / classes)
    new = p
    for t in range(classes):
        row = q.take([t], axis=1).reshape(0, classes)
        own = row.take([t], axis=1)
        mine = qp.take([t], axis=1)
        step = (pqp - mine) / own
        grown = step + 1.0
        pqp = (pqp + step * (step * own + 2.0 * mine)) / grown / grown
        qp = (qp + step * row) / grown
        unit = np.zeros((1, classes))
        unit[0, t] = 1.0
        new = (new + step * unit) / grown
    new = active.where(new, p)
    count = Real(inner, inner.reduce("ReduceSum", active.real().name, [0, 1], keep=False))
    more = count.compare("Greater", 0.0).name
    kept = inner.add("Identity", [q.name], "kept")
    taken = [inner.name("iteration"), inner.name("going"), p.name, q.name]
    return _graph(inner, taken, [more, new.name, kept])


def _largest(values: Real, classes: int) -> Real:
    """Return the largest magnitude of each row [N, 1]; Max, whose form no opset changed."""
    size = values.apply("Abs")
    largest = size.take([0], axis=1)
    for t in range(1, classes):
        largest = largest.at_least(size.take([t], axis=1))
    return largest


def _graph(inner: Graph, taken: list[str], given: list[str]) -> GraphProto:
    probabilities, problem = [None, None], [None, None, None]

    def info(name: str, kind: int, shape: list) -> ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, shape)

    inputs = [
        info(taken[0], TensorProto.INT64, []),
        info(taken[1], TensorProto.BOOL, []),
        info(taken[2], TensorProto.DOUBLE, probabilities),
        info(taken[3], TensorProto.DOUBLE, problem),
    ]
    outputs = [
        info(given[0], TensorProto.BOOL, []),
        info(given[1], TensorProto.DOUBLE, probabilities),
        info(given[2], TensorProto.DOUBLE, problem),
    ]
    constants = [initializer(n, a) for n, a in inner.constants.items()]
    return helper.make_graph(inner.nodes, "iteration", inputs, outputs, constants)
