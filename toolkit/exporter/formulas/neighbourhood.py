"""The nearest of fixed points, those in reach, and their weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from toolkit.exporter.formulas.distances import (
    dense,
    distances,
    metric_name,
    ranked,
    squared_exactly,
)
from toolkit.exporter.formulas.real import Flag, Real, constant
from toolkit.exporter.graph import Graph, Unconvertible

SPARE = 4  # more candidates than neighbours, so that the product's rounding loses none of them


def nearest(
    g: Graph,
    x: Real,
    points: Any,
    count: int,
    metric: Any,
    params: Mapping[str, Any] | None = None,
) -> tuple[Real, str]:
    """Return the nearest points' distances [N, count] in order, and their indices.

    Equal distances are taken in the points' order; scikit-learn's trees may take another.
    Euclidean distances come from a matrix product, which finds the candidates, and from the
    differences to these: an exact match is at distance 0 and equal distances are equal.
    """
    kind = "euclidean" if metric == "minkowski" and (params or {}) == {"p": 2} else metric
    if kind not in ("euclidean", "l2"):
        found, at = distances(g, x, points, metric, params).smallest(count)
        return found, _of_none(g, found, at, points, count) if metric == "nan_euclidean" else at
    points = dense(points)
    candidates = min(len(points), count + SPARE)
    table = constant(g, points, "points")
    _, at = ranked(g, x, points, table)[0].smallest(candidates)
    # Back into the points' order, so that the second choice breaks ties by it.
    k = g.constant([candidates], "int64", "count")
    at, _ = g.add("TopK", [at, k], "candidates", outputs=2, axis=-1, largest=0, sorted=1)
    differences = x.reshape(0, 1, points.shape[1]) - table.take(at, axis=0)
    exact = differences.reduce("ReduceSumSquare", 2, keep=False)
    found, place = exact.smallest(count)
    chosen = g.add("GatherElements", [at, place], "neighbours", axis=1)
    return found.apply("Sqrt"), chosen


def _of_none(g: Graph, found: Real, at: str, points: Any, count: int) -> str:
    """Return the neighbours, with scikit-learn's where a row shares no column with any point.

    All its distances are NaN; scikit-learn takes what numpy's partition of so many NaN leaves in
    front, which is the same each time.
    """
    front = np.argpartition(np.full(len(points), np.nan), count - 1)[:count]
    alone = found.take([0], axis=1).compare("Equal", np.inf)
    default = g.constant(front.reshape(1, -1), "int64", "default")
    return str(g.add("Where", [alone.name, default, at], "neighbours"))


def weighted(found: Real, weights: Any, valid: Flag | None = None) -> Real | None:
    """Return the neighbours' weights, None for uniform ones.

    "distance": 1/distance; where a distance is 0, those are 1 and the others 0. valid: the entries
    that count. Raises Unconvertible for a function.
    """
    if weights in (None, "uniform"):
        return None
    if weights != "distance":
        raise Unconvertible(f"weights={metric_name(weights)} (a function of your own)")
    found.g.traps.append("weights='distance': neighbours are weighted, exact matches alone count")
    zero = found.compare("Equal", 0.0)
    zero = zero if valid is None else zero & valid
    exact = zero.real()
    any_exact = exact.reduce("ReduceMax", 1).compare("Greater", 0.0)
    inverse = 1.0 / zero.where(1.0, found)
    inverse = inverse if valid is None else valid.where(inverse, 0.0)
    return any_exact.where(exact, inverse)


def within(g: Graph, x: Real, est: Any) -> tuple[Real, Flag]:
    """Return the distances [N, points] of a fitted neighbours estimator, and which are in reach.

    The euclidean distance is compared by its square, as scikit-learn does.
    """
    metric, params = est.effective_metric_, dict(est.effective_metric_params_ or {})
    radius = float(est.radius)
    if metric in ("euclidean", "l2"):
        square = squared_exactly(g, x, dense(est._fit_X))
        return square.apply("Sqrt"), square.compare("LessOrEqual", radius**2)
    found = distances(g, x, est._fit_X, metric, params)
    return found, found.compare("LessOrEqual", radius)
