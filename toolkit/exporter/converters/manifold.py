"""Manifold embeddings that take new rows: Isomap and LocallyLinearEmbedding."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.converters.kernel_methods import projected
from toolkit.exporter.distances import dense
from toolkit.exporter.graph import Graph, Outputs, Unconvertible, Value
from toolkit.exporter.neighbourhood import nearest
from toolkit.exporter.real import Real, constant, real


def isomap(est: Any, x: Value, g: Graph) -> Outputs:
    """Shortest ways through the nearest fitted rows, as a kernel `−½ way²` for the KernelPCA."""
    fit = est.nbrs_
    if est.n_neighbors is None:
        raise Unconvertible("radius (a varying number of neighbours a row)")
    x = g.floating(x)
    params = dict(fit.effective_metric_params_ or {})
    found, at = nearest(g, real(g, x), fit._fit_X, est.n_neighbors, fit.effective_metric_, params)
    ways = constant(g, est.dist_matrix_, "ways")
    shortest: Real | None = None
    # One neighbour after the other: [N, fitted rows] at a time.
    for k in range(est.n_neighbors):
        column = g.constant(k, "int64", "neighbour")
        row = g.add("Gather", [at, column], "through", axis=1)
        way = ways.take(row, axis=0) + found.take([k], axis=1)
        shortest = way if shortest is None else shortest.at_most(way)
    assert shortest is not None
    components = projected(est.kernel_pca_, shortest * shortest * -0.5)
    return {"transform": components.matrix(x.dtype, np.shape(est.kernel_pca_.eigenvectors_)[1])}


def locally_linear(est: Any, x: Value, g: Graph) -> Outputs:
    """The neighbours' embeddings in the weights that put the row together from the neighbours.

    scikit-learn's barycenter_weights: with the differences C [k, d] solve
    `(C Cᵀ + reg · trace · I) w = 1`, then let w sum to 1.
    """
    fit, count = est.nbrs_, est.n_neighbors
    x = g.floating(x)
    rows, points = real(g, x), dense(fit._fit_X)
    params = dict(fit.effective_metric_params_ or {})
    _, at = nearest(g, rows, points, count, fit.effective_metric_, params)
    differences = constant(g, points, "points").take(at, axis=0) - rows.reshape(0, 1, x.width)
    gram = differences @ differences.swap(0, 2, 1)  # [N, k, k]
    trace = (gram * np.eye(count)).sum(2).sum(1)  # [N, 1, 1]
    ridge = trace.compare("Greater", 0.0).where(trace * float(est.reg), float(est.reg))
    weights = _solve_ones(gram + ridge * np.eye(count), count)
    weights = weights / weights.sum(1)
    embedding = constant(g, est.embedding_, "embedding").take(at, axis=0)
    found = (embedding * weights).sum(1, keep=False)
    return {"transform": found.matrix(x.dtype, np.shape(est.embedding_)[1])}


def _solve_ones(a: Real, size: int) -> Real:
    """Return w [N, k, 1] with `a @ w = 1`, for positive definite a [N, k, k].

    Gauss and Jordan's elimination without pivoting, which positive definite matrices need not.
    """
    right = a.sum(2) * 0.0 + 1.0
    for k in range(size):
        pivot = a.take([k], axis=1)  # [N, 1, k]
        own = pivot.take([k], axis=2)
        unit = np.eye(size)[:, [k]]
        factor = (a.take([k], axis=2) - unit) / own  # the pivot's own row is divided by the pivot
        right = right - factor * right.take([k], axis=1)
        a = a - factor * pivot
    return right


CONVERTERS = {
    "sklearn.Isomap": isomap,
    "sklearn.LocallyLinearEmbedding": locally_linear,
}
