"""Manifold embeddings that take new rows: Isomap and LocallyLinearEmbedding."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.converters.kernel_methods import projected
from toolkit.exporter.formulas.batching import batch_rows, in_batches
from toolkit.exporter.formulas.distances import dense
from toolkit.exporter.formulas.float64_expr import Float64, constant, float64, joined
from toolkit.exporter.formulas.neighbourhood import nearest, within
from toolkit.exporter.subgraphs import loop
from toolkit.exporter.values import Matrix, Outputs, Value


def isomap(est: Any, x: Value, g: Conversion) -> Outputs:
    """Shortest ways through the nearest fitted rows, as a kernel `−½ way²` for the KernelPCA."""
    x = g.floating(x)
    width = np.shape(est.kernel_pca_.eigenvectors_)[1]

    def components(shortest: Float64) -> Matrix:
        return projected(est.kernel_pca_, shortest * shortest * -0.5).matrix(x.dtype, width)

    if est.n_neighbors is None:
        return {"transform": components(_within_reach(est, x, g))}
    fit, count = est.nbrs_, est.n_neighbors
    params = dict(fit.effective_metric_params_ or {})
    lengths, at = nearest(g, x, fit._fit_X, count, fit.effective_metric_, params)
    both = joined([lengths, Float64(g, g.cast(Matrix(at, "int64", count), "float64").name)])

    def form(name: str) -> list[Matrix]:
        return [components(_through_nearest(est, Float64(g, name), g))]

    pairs, rows = both.matrix("float64", 2 * count), batch_rows(2 * len(est.dist_matrix_))
    return {"transform": in_batches(g, pairs, rows, form)[0]}


def _through_nearest(est: Any, both: Float64, g: Conversion) -> Float64:
    """Return the shortest ways [N, fitted rows] through each row's nearest fitted rows.

    both: their distances, and their positions, [N, 2 neighbours].
    """
    count = est.n_neighbors
    ways = constant(g, est.dist_matrix_, "ways")
    parts = []
    # One neighbour after the other: [N, fitted rows] at a time.
    for k in range(count):
        at = g.cast(Matrix(both.take([count + k], axis=1).name, "float64", 1), "int64")
        parts.append(ways.take(g.flat(at).name, axis=0) + both.take([k], axis=1))
    return reduce(lambda a, b: a.at_most(b), parts)


def _within_reach(est: Any, x: Matrix, g: Conversion) -> Float64:
    """Return the shortest ways [N, fitted rows] through all the fitted rows in reach.

    A loop over the fitted rows, since [N, fitted rows, fitted rows] is too much. A row that reaches
    none has infinite ways; scikit-learn raises an error for it.
    """
    rows, count = float64(g, x), len(est.dist_matrix_)
    lengths, near = within(g, rows, est.nbrs_)
    endless = rows.sum(1) * 0.0 + np.full((1, count), np.inf)

    def through(step: str, state: list[Matrix]) -> tuple[list[Matrix], str]:
        shortest, reach = (Float64(g, m.name) for m in state)
        one = g.add("Reshape", [step, g.constant([1], "int64", "one")], "row")
        way = constant(g, est.dist_matrix_, "ways").take(one, axis=0)
        shortest = shortest.at_most(way + reach.take(one, axis=1))
        more = g.add("Less", [step, g.constant(count, "int64", "last")], "more")
        return [shortest.matrix("float64", count), state[1]], more

    state = [endless.matrix("float64", count), near.where(lengths, np.inf).matrix("float64", count)]
    return Float64(g, loop(g, state, through, times=count)[0].name)


def locally_linear(est: Any, x: Value, g: Conversion) -> Outputs:
    """The neighbours' embeddings in the weights that put the row together from the neighbours.

    scikit-learn's barycenter_weights: with the differences C [k, d] solve
    `(C Cᵀ + reg · trace · I) w = 1`, then let w sum to 1.
    """
    fit, count = est.nbrs_, est.n_neighbors
    x = g.floating(x)
    rows, points = float64(g, x), dense(fit._fit_X)
    params = dict(fit.effective_metric_params_ or {})
    _, at = nearest(g, x, points, count, fit.effective_metric_, params)
    differences = constant(g, points, "points").take(at, axis=0) - rows.reshape(0, 1, x.width)
    gram = differences @ differences.swap(0, 2, 1)  # [N, k, k]
    trace = (gram * np.eye(count)).sum(2).sum(1)  # [N, 1, 1]
    ridge = trace.compare("Greater", 0.0).where(trace * float(est.reg), float(est.reg))
    weights = _solve_ones(gram + ridge * np.eye(count), count)
    weights = weights / weights.sum(1)
    embedding = constant(g, est.embedding_, "embedding").take(at, axis=0)
    embedded = (embedding * weights).sum(1, keep=False)
    return {"transform": embedded.matrix(x.dtype, np.shape(est.embedding_)[1])}


def _solve_ones(a: Float64, size: int) -> Float64:
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
