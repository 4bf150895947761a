"""Clusterers that judge new rows: the nearest of their centres."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.batching import Form, batch_rows, in_batches
from toolkit.exporter.formulas.classes import class_labels
from toolkit.exporter.formulas.distances import dense, metric_name, ranked
from toolkit.exporter.formulas.float64_expr import Float64, constant, float64, joined
from toolkit.exporter.tuning import THROUGHPUT
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value

# Points from which chunks of rows pay: the distances of 20,000 rows leave the cache.
FEWEST_POINTS = 32


def centres(est: Any, x: Value, g: Conversion) -> Outputs:
    """KMeans, MiniBatchKMeans: the nearest centre, and the distances to all."""
    index, distances = _compared(g, g.floating(x), dense(est.cluster_centers_))
    return {"predict": index, "transform": distances}


def _compared(g: Conversion, x: Matrix, points: np.ndarray) -> list[Matrix]:
    """Return the nearest of the points, int64 [N], and the distances to all, as x [N, points].

    One product serves both: a row's nearest point has the least `‖s‖² − 2 x·s`.
    """

    def form(name: str) -> list[Matrix]:
        ranks, rows = _ranks(g, Matrix(name, x.dtype, x.width), points)
        square = (ranks + rows.reduce("ReduceSumSquare", 1)).matrix(x.dtype, len(points))
        nothing = g.binary("Max", square, 0.0, "nothing")
        return [ranks.index("ArgMin"), g.unary("Sqrt", nothing)]

    return _in_form(g, x, points, form)


def _nearest(g: Conversion, x: Matrix, points: np.ndarray) -> Matrix:
    """Return the nearest of the points alone."""

    def form(name: str) -> list[Matrix]:
        return [_ranks(g, Matrix(name, x.dtype, x.width), points)[0].index("ArgMin")]

    return _in_form(g, x, points, form)[0]


def _ranks(g: Conversion, x: Matrix, points: np.ndarray) -> tuple[Float64, Float64]:
    return ranked(g, float64(g, x), points, constant(g, points, "centres"))


def _in_form(g: Conversion, x: Matrix, points: np.ndarray, form: Form) -> list[Matrix]:
    """Return what the form gives: chunks cost one row 3 µs, and take half the time at 20,000."""
    if g.tune == THROUGHPUT and len(points) >= FEWEST_POINTS:
        return in_batches(g, x, batch_rows(2 * len(points), x.width), form)
    return list(form(x.name))


def mean_shift(est: Any, x: Value, g: Conversion) -> Outputs:
    """MeanShift: the nearest centre."""
    return {"predict": _nearest(g, g.floating(x), dense(est.cluster_centers_))}


def affinity(est: Any, x: Value, g: Conversion) -> Outputs:
    """AffinityPropagation: the nearest exemplar; −1 where fitting found none."""
    if not hasattr(est, "cluster_centers_"):
        raise Unconvertible(f"affinity={est.affinity!r} (it judges no new rows)")
    points = dense(est.cluster_centers_)
    if len(points):
        return {"predict": _nearest(g, g.floating(x), points)}
    first = (float64(g, x).sum(1) * 0.0).index("ArgMax")
    return {"predict": class_labels(g, first, np.array([-1]))}


def birch(est: Any, x: Value, g: Conversion) -> Outputs:
    """Birch: the cluster of the nearest subcluster, and the distances to the subclusters."""
    x, points = g.floating(x), dense(est.subcluster_centers_)
    nearest, distances = _compared(g, x, points)
    return {
        "predict": class_labels(g, nearest, np.asarray(est.subcluster_labels_)),
        "transform": distances,
    }


def bisecting(est: Any, x: Value, g: Conversion) -> Outputs:
    """BisectingKMeans: from the root down, the nearer of two centres, until a leaf.

    All the tests at once, then the leaf whose path they all agree with.
    """
    x = g.floating(x)
    shift = getattr(est, "_X_mean", 0.0)
    tests: list[tuple[np.ndarray, np.ndarray]] = []
    leaves: list[tuple[int, dict[int, float]]] = []
    _walk(est._bisecting_tree, {}, tests, leaves)
    labels = np.array([label for label, _ in leaves])
    rows = float64(g, x)
    if not tests:
        index = (rows.sum(1) * 0.0).index("ArgMax")
    else:
        left, right = (np.array([t[side] for t in tests]) + shift for side in (0, 1))
        to_left = _products(rows, left).compare("LessOrEqual", _products(rows, right)).float64()
        path = np.zeros((len(tests), len(leaves)))
        wanted = np.zeros(len(leaves))
        for k, (_, choices) in enumerate(leaves):
            for test, side in choices.items():
                path[test, k] = side
                wanted[k] += side > 0
        # +1 for each step to the left that was taken, −1 for each that should not have been.
        agreement = to_left @ constant(g, path, "paths") - wanted
        index = agreement.index("ArgMax")
    return {
        "predict": class_labels(g, index, labels),
        "transform": _compared(g, x, dense(est.cluster_centers_))[1],
    }


def _products(rows: Float64, points: np.ndarray) -> Float64:
    return rows @ constant(rows.g, -2.0 * points.T, "centres") + (points**2).sum(axis=1)


def _walk(
    node: Any,
    choices: dict[int, float],
    tests: list[tuple[np.ndarray, np.ndarray]],
    leaves: list[tuple[int, dict[int, float]]],
) -> None:
    """Collect the centres that each inner node compares, and each leaf's path: test → ±1."""
    if node.left is None:
        leaves.append((int(node.label), choices))
        return
    number = len(tests)
    tests.append((np.asarray(node.left.center, float), np.asarray(node.right.center, float)))
    _walk(node.left, {**choices, number: 1.0}, tests, leaves)
    _walk(node.right, {**choices, number: -1.0}, tests, leaves)


def agglomeration(est: Any, x: Value, g: Conversion) -> Outputs:
    """FeatureAgglomeration: the columns of a cluster become their mean, maximum, median, …."""
    pool = POOLS.get(est.pooling_func)
    if pool is None:
        raise Unconvertible(f"pooling_func={metric_name(est.pooling_func)}")
    x = g.floating(x)
    rows, labels = float64(g, x), np.asarray(est.labels_)
    groups = [np.flatnonzero(labels == k) for k in np.unique(labels)]
    pooled = joined([pool(rows.take(group, axis=1), len(group)) for group in groups])
    return {"transform": pooled.matrix(x.dtype, len(groups))}


def _median(columns: Float64, width: int) -> Float64:
    ordered, _ = columns.smallest(width)
    return ordered.take([(width - 1) // 2, width // 2], axis=1).mean(1)


POOLS: dict[Any, Any] = {
    np.mean: lambda columns, width: columns.mean(1),
    np.sum: lambda columns, width: columns.sum(1),
    np.max: lambda columns, width: columns.reduce("ReduceMax", 1),
    np.amax: lambda columns, width: columns.reduce("ReduceMax", 1),
    np.min: lambda columns, width: columns.reduce("ReduceMin", 1),
    np.amin: lambda columns, width: columns.reduce("ReduceMin", 1),
    np.median: _median,
}

CONVERTERS = {
    "sklearn.KMeans": centres,
    "sklearn.MiniBatchKMeans": centres,
    "sklearn.BisectingKMeans": bisecting,
    "sklearn.MeanShift": mean_shift,
    "sklearn.AffinityPropagation": affinity,
    "sklearn.Birch": birch,
    "sklearn.FeatureAgglomeration": agglomeration,
}
