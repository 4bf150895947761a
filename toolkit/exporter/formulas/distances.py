"""Distances between the rows and fixed points, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.float64_expr import Flag, Float64, constant
from toolkit.exporter.values import Matrix, Unconvertible

# P of asin √h = √h P(h), h in [0, ½]: its power series' coefficients, (2k)! / (4ᵏ (k!)² (2k + 1)).
ARCSINE = [math.comb(2 * k, k) / (4.0**k * (2 * k + 1)) for k in range(45)]
# Up to so many columns, differences are taken column by column where they must be exact.
DIRECT = 32


def squared(g: Conversion, x: Float64, points: np.ndarray) -> Float64:
    """Return `‖x‖² − 2 x·s + ‖s‖²` [N, points], as scikit-learn's euclidean_distances does."""
    ranks, x = ranked(g, x, points, constant(g, points, "points"))
    return (ranks + x.reduce("ReduceSumSquare", 1)).at_least(0.0)


def ranked(
    g: Conversion, x: Float64, points: np.ndarray, table: Float64
) -> tuple[Float64, Float64]:
    """Return `‖s‖² − 2 x·s` [N, points], which orders a row's points by distance, and x centred.

    Both sides are centred first: distances do not change by it, but large means would cost digits.
    table: the points as a constant of the graph. What depends on them alone is computed from it in
    the graph: onnxruntime does that once, when it opens it, and the file holds the points but once,
    as float32 where they are.
    """
    centre = centre_of(points)
    if centre.any():
        x, table = x - centre, table - centre
    lengths = table.reduce("ReduceSumSquare", 1, keep=False)
    names = [x.name, (table.swap(1, 0) * -2.0).name, lengths.name]
    return Float64(g, g.add("Gemm", names, "ranks")), x


def centre_of(points: np.ndarray) -> np.ndarray:
    """Return about the points' mean, rounded to a power of two of the size of their deviation.

    So rounded, whole numbers stay whole: their distances, and exact matches, remain exact.
    """
    spread = points.std(axis=0)
    step = 2.0 ** np.floor(np.log2(np.where(spread > 0, spread, 1.0)))
    return np.round(points.mean(axis=0) / step) * step


def squared_exactly(g: Conversion, x: Float64, points: np.ndarray) -> Float64:
    """Return `Σ (x − s)²` [N, points] from differences, in the order in which k-d trees add them.

    For what decides at a boundary or is not smooth at 0; many columns fall back to the product.
    """
    if points.shape[1] > DIRECT:
        return squared(g, x, points)
    return _summed(g, x, points, lambda difference, j: difference * difference)


def _columns(g: Conversion, x: Float64, points: np.ndarray) -> list[tuple[Float64, Float64]]:
    """Return, for each column, the rows' values [N, 1] and the points' [1, points]."""
    table = constant(g, points, "points").swap(1, 0)
    return [(x.take([j], axis=1), table.take([j], axis=0)) for j in range(points.shape[1])]


def _summed(
    g: Conversion,
    x: Float64,
    points: np.ndarray,
    term: Callable[[Float64, int], Float64],
    op: str = "Add",
) -> Float64:
    """Return the sum (or Max) over columns of `term(x − s, column)`, without an [N, points, d]."""
    terms = [term(a - s, j) for j, (a, s) in enumerate(_columns(g, x, points))]
    return reduce(lambda a, b: Float64(g, g.add(op, [a.name, b.name], op.lower())), terms)


def euclidean(g: Conversion, x: Float64, points: np.ndarray, params: Mapping[str, Any]) -> Float64:
    """`‖x − s‖`."""
    return squared_exactly(g, x, points).apply("Sqrt")


def squared_euclidean(
    g: Conversion, x: Float64, points: np.ndarray, params: Mapping[str, Any]
) -> Float64:
    """`‖x − s‖²`."""
    return squared_exactly(g, x, points)


def nan_euclidean(
    g: Conversion, x: Float64, points: np.ndarray, params: Mapping[str, Any]
) -> Float64:
    """`√(columns / shared · Σ over shared columns (x − s)²)`, infinite where no column is shared.

    With 0 for what is missing: `‖x‖² − 2 x·s + ‖s‖²`, each length over the other's columns.
    """
    table = constant(g, points, "points").swap(1, 0)
    absent, missing = _missing(table), _missing(x)
    fitted, filled = absent.where(0.0, table), missing.where(0.0, x)
    present, theirs = (~missing).float64(), (~absent).float64()
    total = (filled * filled) @ theirs + filled @ (fitted * -2.0) + present @ (fitted * fitted)
    shared = present @ theirs
    scaled = total.at_least(0.0) / shared.at_least(1.0) * float(points.shape[1])
    return shared.compare("Equal", 0.0).where(np.inf, scaled.apply("Sqrt"))


def _missing(values: Float64) -> Flag:
    return Flag(values.g, values.g.add("IsNaN", [values.name], "missing"))


def manhattan(g: Conversion, x: Float64, points: np.ndarray, params: Mapping[str, Any]) -> Float64:
    """`Σ |x − s|`."""
    return _summed(g, x, points, lambda difference, j: difference.apply("Abs"))


def chebyshev(g: Conversion, x: Float64, points: np.ndarray, params: Mapping[str, Any]) -> Float64:
    """`max |x − s|`."""
    return _summed(g, x, points, lambda difference, j: difference.apply("Abs"), op="Max")


def minkowski(g: Conversion, x: Float64, points: np.ndarray, params: Mapping[str, Any]) -> Float64:
    """`(Σ w |x − s|ᵖ)^(1/p)`."""
    p, weights = float(params.get("p", 2)), params.get("w")
    if weights is None and p in (1.0, 2.0, np.inf):
        return {1.0: manhattan, 2.0: euclidean, np.inf: chebyshev}[p](g, x, points, params)
    w = np.ones(points.shape[1]) if weights is None else np.asarray(weights, dtype=np.float64)
    total = _summed(g, x, points, lambda d, j: d.apply("Abs") ** p * float(w[j]))
    return total ** (1.0 / p)


def standardised(
    g: Conversion, x: Float64, points: np.ndarray, params: Mapping[str, Any]
) -> Float64:
    """seuclidean: `√Σ (x − s)² / V`."""
    variance = np.asarray(params["V"], dtype=np.float64)
    total = _summed(g, x, points, lambda d, j: d * d * float(1.0 / variance[j]))
    return total.apply("Sqrt")


def mahalanobis(
    g: Conversion, x: Float64, points: np.ndarray, params: Mapping[str, Any]
) -> Float64:
    """`√((x − s)ᵀ VI (x − s))`: the euclidean distance after `x @ L`, with VI = L Lᵀ."""
    inverse = params["VI"] if "VI" in params else np.linalg.inv(np.asarray(params["V"]))
    values, vectors = np.linalg.eigh(np.asarray(inverse, dtype=np.float64))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return euclidean(g, x @ root, points @ root, {})


def hamming(g: Conversion, x: Float64, points: np.ndarray, params: Mapping[str, Any]) -> Float64:
    """The share of columns that differ."""
    total = _summed(g, x, points, lambda d, j: (~d.compare("Equal", 0.0)).float64())
    return total / float(points.shape[1])


def canberra(g: Conversion, x: Float64, points: np.ndarray, params: Mapping[str, Any]) -> Float64:
    """`Σ |x − s| / (|x| + |s|)`, with 0 where both are 0."""
    terms = []
    for a, s in _columns(g, x, points):
        size = a.apply("Abs") + s.apply("Abs")
        safe = size.compare("Equal", 0.0).where(1.0, size)
        terms.append((a - s).apply("Abs") / safe)
    return reduce(lambda a, b: a + b, terms)


def braycurtis(g: Conversion, x: Float64, points: np.ndarray, params: Mapping[str, Any]) -> Float64:
    """`Σ |x − s| / Σ (|x| + |s|)`: scikit-learn's DistanceMetric, not scipy's `Σ |x + s|`."""
    sums = x.apply("Abs").sum(1) + np.abs(points).sum(axis=1)
    return _ratio(manhattan(g, x, points, params), sums)


def cosine(g: Conversion, x: Float64, points: np.ndarray, params: Mapping[str, Any]) -> Float64:
    """`1 − x·s / (‖x‖ ‖s‖)`, within [0, 2]; a zero vector counts as having the length 1."""
    return (1.0 - cosine_similarity(g, x, points)).at_least(0.0).at_most(2.0)


def cosine_similarity(g: Conversion, x: Float64, points: np.ndarray) -> Float64:
    """`x·s / (‖x‖ ‖s‖)`."""
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    unit = points / np.where(lengths == 0, 1.0, lengths)
    length = x.reduce("ReduceSumSquare", 1).apply("Sqrt")
    length = length.compare("Equal", 0.0).where(1.0, length)
    return (x / length) @ constant(g, unit.T, "points")


def correlation(
    g: Conversion, x: Float64, points: np.ndarray, params: Mapping[str, Any]
) -> Float64:
    """The cosine distance of rows from which their mean was taken."""
    centred = points - points.mean(axis=1, keepdims=True)
    return 1.0 - cosine_similarity(g, x - x.mean(1), centred)


def _boolean(formula: Callable[..., Float64]) -> Callable[..., Float64]:
    """Return a metric on x ≠ 0 from a formula of (both true, only one true, number of columns)."""

    def metric(g: Conversion, x: Float64, points: np.ndarray, params: Mapping[str, Any]) -> Float64:
        mine, theirs = (~x.compare("Equal", 0.0)).float64(), (points != 0).astype(np.float64)
        both = mine @ constant(g, theirs.T, "points")
        one = mine.sum(1) + theirs.sum(axis=1) - 2.0 * both
        return formula(both, one, float(points.shape[1]))

    return metric


def _ratio(top: Float64, bottom: Float64) -> Float64:
    # Not "Equal": a NaN, which scikit-learn lets pass with some metrics, counts as 0 there too.
    return bottom.compare("Greater", 0.0).where(top / bottom, 0.0)


def haversine(g: Conversion, x: Float64, points: np.ndarray, params: Mapping[str, Any]) -> Float64:
    """`2 asin √h` between (latitude, longitude) in radians.

    `h = sin²(Δφ/2) + cos φ cos φ' sin²(Δλ/2)`. There is no float64 arcsine: up to h = ½ it is
    `√h P(h)`, beyond `π/2 − asin √(1 − h)`.
    """
    (a, s), (b, t) = _columns(g, x, points)
    latitude, longitude = ((a - s) * 0.5).apply("Sin"), ((b - t) * 0.5).apply("Sin")
    h = latitude * latitude + a.cosine() * s.cosine() * longitude * longitude
    h = h.at_most(1.0)
    small = h.at_most(1.0 - h).at_least(0.0)
    series = small * 0.0
    for coefficient in ARCSINE[::-1]:
        series = series * small + float(coefficient)
    angle = small.apply("Sqrt") * series
    return 2.0 * h.compare("LessOrEqual", 0.5).where(angle, float(np.pi / 2) - angle)


METRICS: dict[str, Callable[[Conversion, Float64, np.ndarray, Mapping[str, Any]], Float64]] = {
    "euclidean": euclidean,
    "l2": euclidean,
    "sqeuclidean": squared_euclidean,
    "nan_euclidean": nan_euclidean,
    "manhattan": manhattan,
    "cityblock": manhattan,
    "l1": manhattan,
    "chebyshev": chebyshev,
    "infinity": chebyshev,
    "minkowski": minkowski,
    "p": minkowski,
    "seuclidean": standardised,
    "mahalanobis": mahalanobis,
    "hamming": hamming,
    "canberra": canberra,
    "braycurtis": braycurtis,
    "haversine": haversine,
    "cosine": cosine,
    "correlation": correlation,
    "jaccard": _boolean(lambda both, one, d: _ratio(one, one + both)),
    "dice": _boolean(lambda both, one, d: _ratio(one, one + 2.0 * both)),
    "russellrao": _boolean(lambda both, one, d: (d - both) / d),
    "rogerstanimoto": _boolean(lambda both, one, d: 2.0 * one / (d + one)),
    "sokalmichener": _boolean(lambda both, one, d: 2.0 * one / (d + one)),
    "sokalsneath": _boolean(lambda both, one, d: _ratio(2.0 * one, 2.0 * one + both)),
}


def distances(
    g: Conversion, x: Float64, points: Any, metric: Any, params: Mapping[str, Any] | None = None
) -> Float64:
    """Return the distances [N, points]; "precomputed" takes x for them.

    Raises Unconvertible for a metric that is a function, or not in the table.
    """
    if metric == "precomputed":
        # What a sparse graph leaves out is infinitely far, and a dense matrix has 0 there.
        if hasattr(points, "toarray"):
            raise Unconvertible("metric='precomputed' on a sparse graph")
        return x
    if not isinstance(metric, str) or metric not in METRICS:
        raise Unconvertible(f"metric={metric_name(metric)}")
    return METRICS[metric](g, x, dense(points), params or {})


def metric_name(metric: Any) -> str:
    """Return a metric or weighting as a message names it: a function by its own name."""
    return repr(metric) if isinstance(metric, str) else getattr(metric, "__name__", repr(metric))


def dense(points: Any) -> np.ndarray:
    """Return fitted points as a float64 array, sparse or not."""
    points = points.toarray() if hasattr(points, "toarray") else points
    return np.asarray(points, dtype=np.float64)


def closest(g: Conversion, x: Float64, centres: np.ndarray) -> Matrix:
    """Return the nearest centre, int64 [N]: the least `‖c‖² − 2 x·c`, the first of equals."""
    lengths = constant(g, (centres**2).sum(axis=1), "lengths")
    names = [x.name, constant(g, -2.0 * centres.T, "centres").name, lengths.name]
    return Float64(g, g.add("Gemm", names, "ranks")).index("ArgMin")
