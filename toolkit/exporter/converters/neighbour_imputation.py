"""KNNImputer: each missing number becomes the mean of the nearest rows that have it."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.formulas.distances import distances, metric_name
from toolkit.exporter.formulas.neighbourhood import weighted
from toolkit.exporter.formulas.real import Flag, Real, constant, joined, real
from toolkit.exporter.graph import Graph, Outputs, Unconvertible, Value


def imputer(est: Any, x: Value, g: Graph) -> Outputs:
    """A column after the other; a column that no fitted row had is dropped, or becomes 0."""
    if est.metric != "nan_euclidean":
        raise Unconvertible(f"metric={metric_name(est.metric)}")
    x = g.floating(x)
    rows = real(g, x)
    missing = _missing(g, rows, est.missing_values)
    fitted = np.asarray(est._fit_X, dtype=np.float64)
    absent = np.asarray(est._mask_fit_X)
    filled = missing.where(0.0, rows)
    apart = distances(
        g, missing.where(np.nan, rows), np.where(absent, np.nan, fitted), "nan_euclidean"
    )
    parts = []
    for column in range(fitted.shape[1]):
        donors = np.flatnonzero(~absent[:, column])
        value = filled.take([column], axis=1)
        if len(donors):
            mean = _mean(est, apart.take(donors, axis=1), fitted[donors, column])
            hole = Flag(g, g.add("Gather", [missing.name, _at(g, column)], "hole", axis=1))
            parts.append(hole.where(mean, value))
        elif est.keep_empty_features:
            parts.append(value * 0.0)
    width = len(parts)
    if est.add_indicator:
        width += len(est.indicator_.features_)
        features = g.constant(est.indicator_.features_, "int64", "features")
        parts.append(Flag(g, g.add("Gather", [missing.name, features], "was", axis=1)).real())
    return {"transform": joined(parts).matrix(x.dtype, width)}


def _at(g: Graph, column: int) -> str:
    return g.constant([column], "int64", "column")


def _missing(g: Graph, rows: Real, marker: Any) -> Flag:
    if isinstance(marker, float) and np.isnan(marker):
        return Flag(g, g.add("IsNaN", [rows.name], "missing"))
    if not isinstance(marker, int | float | np.number):
        raise Unconvertible(f"missing_values={marker!r}")
    return rows.compare("Equal", float(marker))


def _mean(est: Any, apart: Real, values: np.ndarray) -> Real:
    """Return the (weighted) mean [N, 1] of the nearest donors' values.

    Donors that share no column with the row do not count; where none does, the mean of all.
    """
    count = min(est.n_neighbors, len(values))
    found, at = apart.smallest(count)
    valid = found.compare("Less", np.inf)
    weights = weighted(found, est.weights, valid)
    weights = valid.real() if weights is None else weights
    total = weights.sum(1)
    mean = (constant(apart.g, values, "values").take(at, axis=0) * weights).sum(1) / total
    return total.compare("Equal", 0.0).where(float(values.mean()), mean)


CONVERTERS = {"sklearn.KNNImputer": imputer}
