"""Monotone steps before trees: folded into the thresholds, exactly, so that the steps disappear.

`step(x) <= t` is true for all x up to some value and false above it, where the step works on each
feature alone and never falls. That value is found by bisection over the floating-point numbers of
the graph's input, with the fitted step itself as the judge: the routing is scikit-learn's for every
input, ±1 ulp around every threshold included, which no step computed in float32 can give.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from toolkit.estimators.frames import NAN, mark_of
from toolkit.exporter.conversion import Conversion
from toolkit.exporter.grid import Grid, between
from toolkit.exporter.origins import Composed
from toolkit.exporter.trees.ensemble import LEQ, Ensemble
from toolkit.exporter.trees.rounding import decimal_grids
from toolkit.exporter.values import Matrix, Value, matrices

Steps = Callable[[np.ndarray], np.ndarray]

# Steps that never fall, and the settings with which they work on each feature alone.
MONOTONE: dict[str, Callable[[Any], bool]] = {
    "sklearn.StandardScaler": lambda est: True,
    "sklearn.MinMaxScaler": lambda est: est.feature_range[0] < est.feature_range[1],
    "sklearn.MaxAbsScaler": lambda est: True,
    "sklearn.RobustScaler": lambda est: True,
    "sklearn.Binarizer": lambda est: True,
    "sklearn.KBinsDiscretizer": lambda est: est.encode == "ordinal",
    "sklearn.QuantileTransformer": lambda est: True,
    "sklearn.PowerTransformer": lambda est: est.method == "yeo-johnson",
    "sklearn.SimpleImputer": lambda est: (
        not est.add_indicator and mark_of(est.missing_values) == NAN
    ),
}
# Where a step's results are no numbers any more for larger inputs, these go where the largest goes.
REACH = {"PowerTransformer": 1e9}
NEIGHBOURS = 4  # numbers on either side of a threshold that are tried
BITS: dict[str, tuple[Any, Any, float]] = {
    "float32": (np.int32, np.float32, 3.4028234663852886e38),
    # Less than the largest, so that a step's products stay finite.
    "float64": (np.int64, np.float64, 1e200),
}


def after_step(key: str, step: Any, source: Value, result: Matrix) -> Matrix:
    """Return `result`, which knows that it is a monotone step of `source` where it is."""
    if key not in MONOTONE or not MONOTONE[key](step):
        return result
    sources = tuple(matrices(source))
    text = any(s.dtype == "string" for s in sources)
    if text or result.width != sum(s.width for s in sources):
        return result
    return result.knowing(Composed(sources, step))


def fold(g: Conversion, x: Matrix, ensemble: Ensemble, rounded: bool) -> tuple[Matrix, Ensemble]:
    """Return the input of the monotone steps before x, and the ensemble that takes it.

    rounded: the trees compare their input rounded to float32. x and the ensemble themselves where
    no step can be folded. Splits on columns behind those of x stay as they are.
    """
    sets = ensemble.mode[~ensemble.leaf & (ensemble.feature < x.width)] != LEQ
    if not _has_step(x) or sets.any():
        return x, ensemble
    sources, transformed = _resolve(g.sparse, x)
    source = g.floating(g.join(sources))
    folded = _folded(ensemble, transformed, source, rounded, decimal_grids(g, source))
    if folded is None:
        return x, ensemble
    g.traps.append("monotone steps before trees: folded into the thresholds")
    return source, folded


def _has_step(x: Matrix) -> bool:
    origin = x.origin(Composed)
    if origin is None:
        return False
    return origin.step is not None or any(_has_step(s) for s in origin.sources)


def _resolve(sparse: frozenset[int], x: Matrix) -> tuple[list[Matrix], Steps]:
    """Return what x was made from, and the function that made it, of float64 rows.

    sparse: see `Conversion.sparse`.
    """
    origin = x.origin(Composed)
    if origin is None:
        return [x], lambda rows: rows
    resolved = [_resolve(sparse, s) for s in origin.sources]
    ends = np.cumsum([s.width for s in origin.sources])[:-1]

    def transformed(rows: np.ndarray) -> np.ndarray:
        parts = [
            f(part) for (_, f), part in zip(resolved, np.split(rows, ends, axis=1), strict=True)
        ]
        rows = np.concatenate(parts, axis=1)
        if origin.step is None:
            return rows
        reach = REACH.get(type(origin.step).__name__, np.inf)
        rows = np.clip(rows, -reach, reach)
        if id(origin.step) in sparse:
            from scipy.sparse import csr_matrix

            return np.asarray(origin.step.transform(csr_matrix(rows)).toarray(), dtype=np.float64)
        return np.asarray(origin.step.transform(rows), dtype=np.float64)

    return [m for sources, _ in resolved for m in sources], transformed


def _folded(
    e: Ensemble, steps: Steps, source: Matrix, rounded: bool, grids: list[Grid | None]
) -> Ensemble | None:
    """Return the ensemble on the steps' input; None where rounding makes a step fall."""

    def transformed(rows: np.ndarray) -> np.ndarray:
        rows = steps(rows.astype(np.float64))
        return rows.astype(np.float32) if rounded else rows

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        columns, places, limits = _columns(e, source.width)
        raw = _bisect(transformed, limits, source.dtype)
        if not _holds(transformed, limits, raw, source.dtype):
            return None
        if source.dtype == "float32":
            raw = _parting(transformed, limits, raw, grids)
        missing = _missing(transformed, source.width)
    split = np.flatnonzero(~e.leaf & (e.feature < source.width))
    threshold, missing_left = e.threshold.copy(), e.missing_left.copy()
    threshold[split] = raw[places, columns]
    filled = missing[e.feature[split]]
    goes = np.where(np.isnan(filled), missing_left[split], filled <= e.threshold[split])
    missing_left[split] = goes
    return replace(e, threshold=threshold, missing_left=missing_left)


def _columns(e: Ensemble, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each split's column and row in a table of the distinct thresholds by feature.

    Of the splits on the first `width` columns.
    """
    split = ~e.leaf & (e.feature < width)
    feature, threshold = e.feature[split], e.threshold[split]
    order = np.lexsort((threshold, feature))
    f, t = feature[order], threshold[order]
    fresh = np.ones(len(f), dtype=bool)
    fresh[1:] = (f[1:] != f[:-1]) | (t[1:] != t[:-1])
    rank = np.cumsum(fresh) - 1
    first = np.searchsorted(f[fresh], np.arange(width))
    places = np.empty(len(f), dtype=np.int64)
    places[order] = rank - first[f]
    limits = np.full((int(places.max(initial=0)) + 1, width), np.inf)
    limits[places, feature] = threshold
    return feature, places, limits


def _bisect(transformed: Steps, limits: np.ndarray, dtype: str) -> np.ndarray:
    """Return the largest input of `dtype` that each column's step leaves at or below its limit.

    −inf where there is none. Floats are counted off as integers in their order.
    """
    whole, real, largest = BITS[dtype]
    flip = np.int64(np.iinfo(whole).max)

    def value(key: np.ndarray) -> np.ndarray:
        return np.where(key < 0, key ^ flip, key).astype(whole).view(real)

    top = np.array([largest], dtype=real).view(whole).astype(np.int64)[0]
    low, high = np.full(limits.shape, ~top), np.full(limits.shape, top)  # ~top: −largest
    below = ~(transformed(value(low)) <= limits)
    above = transformed(value(high)) <= limits
    # Invariant: low is at or below its limit, high is above it.
    for _ in range(8 * np.dtype(whole).itemsize + 1):
        middle = (low >> 1) + (high >> 1) + (low & high & 1)
        left = transformed(value(middle)) <= limits
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    computed = value(low).astype(np.float64)
    return np.where(below, -np.inf, np.where(above, largest, computed))


def _parting(
    transformed: Steps, limits: np.ndarray, raw: np.ndarray, grids: list[Grid | None]
) -> np.ndarray:
    """Return the thresholds [rows, columns] that part each column's grid as the steps do.

    A float32 number may stand for one of the grid that the steps send the other way.
    """
    decimal = [(c, grid) for c, grid in enumerate(grids) if grid is not None]
    inside = np.isfinite(raw) & (np.abs(raw) < BITS["float32"][2])
    if not decimal:
        return raw
    near = np.zeros((4, *raw.shape))
    for column, grid in decimal:
        near[:, :, column] = grid.around(np.where(inside, raw, 0.0)[:, column]).T
    left = np.stack([transformed(rows) <= limits for rows in near])
    thresholds = raw.copy()
    for column, grid in decimal:
        mine = inside[:, column]
        goes = left[:, mine, column].T
        thresholds[mine, column] = between(raw[mine, column], grid, goes)
    return thresholds


def _holds(transformed: Steps, limits: np.ndarray, raw: np.ndarray, dtype: str) -> bool:
    """Tell whether the numbers next to each threshold are on their sides of it."""
    real = BITS[dtype][1]
    inside = np.isfinite(raw) & (np.abs(raw) < BITS[dtype][2])
    low = np.where(inside, raw, 0.0).astype(real)
    high = np.nextafter(low, real(np.inf))
    for _ in range(NEIGHBOURS):
        left, right = transformed(low) <= limits, transformed(high) > limits
        if not (left & right)[inside].all():
            return False
        low, high = np.nextafter(low, real(-np.inf)), np.nextafter(high, real(np.inf))
    return True


def _missing(transformed: Steps, width: int) -> np.ndarray:
    """Return what the steps make of NaN in each column; NaN where they refuse it."""
    try:
        return transformed(np.full((1, width), np.nan))[0].astype(np.float64)
    except ValueError:
        return np.full(width, np.nan)
