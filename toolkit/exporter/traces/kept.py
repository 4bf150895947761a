"""Rows, sums and extremes that estimators keep."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from toolkit.exporter.traces.trace import Trace, numbers

LOOKED_AT = 100  # points, each of which is held against all rows
# Whose intercept makes the residuals of the fitting sum to 0.
LEAST_SQUARES = (
    "BayesianRidge",
    "ElasticNet",
    "ElasticNetCV",
    "Lars",
    "LarsCV",
    "Lasso",
    "LassoCV",
    "LassoLars",
    "LassoLarsCV",
    "LinearRegression",
    "Ridge",
    "RidgeCV",
)


def points(part: Any, X: Any, y: Any) -> Trace | None:
    """Neighbours and kernels keep their rows: whether these rows are among them."""
    names = ("_fit_X", "X_train_", "X_fit_")
    stored = next((s for n in names if (s := getattr(part, n, None)) is not None), None)
    if stored is None:
        return None
    among = _among(numbers(X), numbers(stored))
    if among not in (0, 1):
        return None
    said = "they are" if among else "none of them is"
    return Trace(among == 1, f"{said} among the {len(stored):,} rows that it keeps")


def support(part: Any, X: Any, y: Any) -> Trace | None:
    """Support vectors are rows of the fitting, whose number is kept as well."""
    stored, shape = getattr(part, "support_vectors_", None), getattr(part, "shape_fit_", None)
    if stored is None or shape is None or not len(stored):
        return None
    among = _among(numbers(stored), numbers(X))
    if among == 0:
        return Trace(False, f"none of its {len(stored):,} support vectors is among them")
    if among < 1 or shape[0] != len(X):
        return None
    return Trace(True, f"it keeps {len(stored):,} support vectors of {len(X):,} rows, all of them")


def _among(rows: np.ndarray, others: np.ndarray) -> float:
    """Return the share of rows that are among the others, by some of them."""
    scale = others.std(axis=0) + 1e-9 * np.abs(others).max(axis=0) + 1e-300
    some = rows[np.unique(np.linspace(0, len(rows) - 1, LOOKED_AT).astype(int))]
    near = [(np.abs(others - row) / scale).max(axis=1).min() <= 1e-5 for row in some]
    return float(np.mean(near))


def means(part: Any, X: Any, y: Any) -> Trace | None:
    """Scalers, projections and imputers keep the mean of each column."""
    imputes = getattr(part, "strategy", None) == "mean"
    own = getattr(part, "statistics_" if imputes else "mean_", None)
    if own is None:
        return None
    values = numbers(X)
    average, rounding = np.nanmean(values, axis=0), np.abs(own)
    chance = np.nanstd(values, axis=0) / math.sqrt(len(values))  # by which other rows' means differ
    apart = np.abs(own - average)
    return _kept(
        part,
        "means",
        values,
        same=bool((apart <= 1e-3 * chance + 1e-9 * rounding).all()),
        other=bool((apart > 0.05 * chance + 1e-6 * rounding).any()),
    )


def extremes(part: Any, X: Any, y: Any) -> Trace | None:
    """Scalers keep the least and the largest value of each column."""
    if not hasattr(part, "data_max_"):
        return None
    values = numbers(X)
    lowest, highest = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    width = part.data_max_ - part.data_min_
    apart = np.maximum(np.abs(lowest - part.data_min_), np.abs(highest - part.data_max_))
    count, beyond = _count(part), np.maximum(part.data_min_ - lowest, highest - part.data_max_)
    if count is not None and count > len(values) and (beyond > 1e-4 * width).any():
        return Trace(False, f"some lie beyond the extremes that it keeps of {count:,} rows")
    # Many rows at the extreme (a pixel's 0) are no trace: others would have it too.
    rare = ((values == highest).sum(axis=0) == 1).any()
    same, other = bool((apart <= 1e-6 * width).all() and rare), bool((apart > 1e-4 * width).any())
    return _kept(part, "extremes", values, same, other)


def _kept(part: Any, what: str, values: np.ndarray, same: bool, other: bool) -> Trace | None:
    """Return the trace of a statistic; another one tells only where it is of as many rows."""
    count, kind = _count(part), type(part).__name__
    said = "" if count is None else f" of {count:,} rows"
    if same and count in (None, len(values)):
        return Trace(True, f"the {what} that its {kind} keeps{said} are theirs")
    if other and count == len(values):
        return Trace(False, f"the {what} that its {kind} keeps{said} are others than theirs")
    return None


def _count(part: Any) -> int | None:
    count = getattr(part, "n_samples_seen_", getattr(part, "n_samples_", None))
    return None if count is None else int(np.max(count))


def class_means(part: Any, X: Any, y: Any) -> Trace | None:
    """Gaussian classifiers keep each class's means."""
    own = getattr(part, "theta_", getattr(part, "means_", None))
    if own is None or y is None or not hasattr(part, "classes_"):
        return None
    values, targets = numbers(X), np.asarray(y)
    averages = np.stack([values[targets == c].mean(axis=0) for c in part.classes_])
    if averages.shape != np.shape(own) or not _equal(np.asarray(own), averages):
        return None
    return Trace(True, "the means that it keeps of each class are theirs")


def residuals(part: Any, X: Any, y: Any) -> Trace | None:
    """An intercept by least squares makes the residuals of the fitting 0 in the mean."""
    fits = type(part).__name__ in LEAST_SQUARES and getattr(part, "fit_intercept", False)
    if not fits or y is None:
        return None
    targets = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
    rest = targets - np.asarray(part.predict(X), dtype=np.float64).reshape(targets.shape)
    spread = targets.std(axis=0)
    noisy = rest.std(axis=0) > 1e-3 * spread  # an exact model has none on any rows
    rounding = 1e-9 * spread + 1e-13 * np.abs(targets).max(axis=0)
    if not noisy.any() or (np.abs(rest.mean(axis=0)) > rounding)[noisy].any():
        return None
    return Trace(True, "its residuals on them are 0 in the mean, to rounding")


def clusters(part: Any, X: Any, y: Any) -> Trace | None:
    """KMeans keeps its rows' distances in all."""
    own = getattr(part, "inertia_", None)
    if own is None or len(part.labels_) != len(X) or abs(part.score(X) + own) > 1e-6 * own:
        return None
    return Trace(True, f"the inertia that it keeps of {len(X):,} rows is theirs")


def _equal(own: np.ndarray, computed: np.ndarray) -> bool:
    scale = np.maximum(np.abs(own), np.abs(computed))
    return bool((np.abs(own - computed) <= 1e-9 * scale + 1e-300).all())
