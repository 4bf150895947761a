"""The nearest of fixed points, those in reach, and their weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.batching import batch_rows, in_batches
from toolkit.exporter.formulas.distances import dense, distances, metric_name, squared_exactly
from toolkit.exporter.formulas.float64_expr import Flag, Float64, float64
from toolkit.exporter.formulas.knn_search import euclidean_neighbours
from toolkit.exporter.values import Matrix, Unconvertible


def nearest(
    g: Conversion,
    x: Matrix,
    points: Any,
    count: int,
    metric: Any,
    params: Mapping[str, Any] | None = None,
) -> tuple[Float64, str]:
    """Return the nearest points' distances [N, count] in order, float64, and their indices.

    Equal distances are taken in the points' order; scikit-learn's trees may take another. Rows are
    taken in chunks, so that no matrix [N, points] is ever there. Euclidean neighbours are found
    among candidates from a product of matrices (formulas.candidates).
    """
    kind = "euclidean" if metric == "minkowski" and (params or {}) == {"p": 2} else metric
    if kind in ("euclidean", "l2"):
        lengths, at = euclidean_neighbours(g, x, dense(points), count)
        return Float64(g, lengths.name).apply("Sqrt"), at.name

    def form(name: str) -> list[Matrix]:
        rows = float64(g, Matrix(name, x.dtype, x.width))
        lengths, at = distances(g, rows, points, metric, params).smallest(count)
        if metric == "nan_euclidean":
            at = _of_none(g, lengths, at, points, count)
        return [Matrix(lengths.name, "float64", count), Matrix(at, "int64", count)]

    rows = batch_rows(2 * (x.width if metric == "precomputed" else points.shape[0]))
    lengths, at = in_batches(g, x, rows, form)
    return Float64(g, lengths.name), at.name


def _of_none(g: Conversion, lengths: Float64, at: str, points: Any, count: int) -> str:
    """Return the neighbours, with scikit-learn's where a row shares no column with any point.

    All its distances are NaN; scikit-learn takes what numpy's partition of so many NaN leaves in
    front, which is the same each time.
    """
    front = np.argpartition(np.full(len(points), np.nan), count - 1)[:count]
    alone = lengths.take([0], axis=1).compare("Equal", np.inf)
    default = g.constant(front.reshape(1, -1), "int64", "default")
    return str(g.add("Where", [alone.name, default, at], "neighbours"))


def weighted(lengths: Float64, weights: Any, valid: Flag | None = None) -> Float64 | None:
    """Return the neighbours' weights, None for uniform ones.

    "distance": 1/distance; where a distance is 0, those are 1 and the others 0. valid: the entries
    that count. Raises Unconvertible for a function.
    """
    if weights in (None, "uniform"):
        return None
    if weights != "distance":
        raise Unconvertible(f"weights={metric_name(weights)} (a function of your own)")
    lengths.g.traps.append("weights='distance': neighbours are weighted, exact matches alone count")
    zero = lengths.compare("Equal", 0.0)
    zero = zero if valid is None else zero & valid
    exact = zero.float64()
    any_exact = exact.reduce("ReduceMax", 1).compare("Greater", 0.0)
    inverse = 1.0 / zero.where(1.0, lengths)
    inverse = inverse if valid is None else valid.where(inverse, 0.0)
    return any_exact.where(exact, inverse)


def within(g: Conversion, x: Float64, est: Any) -> tuple[Float64, Flag]:
    """Return the distances [N, points] of a fitted neighbours estimator, and which are in reach.

    The euclidean distance is compared by its square, as scikit-learn does.
    """
    metric, params = est.effective_metric_, dict(est.effective_metric_params_ or {})
    radius = float(est.radius)
    if metric in ("euclidean", "l2"):
        square = squared_exactly(g, x, dense(est._fit_X))
        return square.apply("Sqrt"), square.compare("LessOrEqual", radius**2)
    lengths = distances(g, x, est._fit_X, metric, params)
    return lengths, lengths.compare("LessOrEqual", radius)
