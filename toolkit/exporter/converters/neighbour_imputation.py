"""KNNImputer: each missing number becomes the mean of the nearest rows that have it."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.estimators.frames import mark_of
from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.batching import batch_rows, in_batches
from toolkit.exporter.formulas.distances import distances, metric_name
from toolkit.exporter.formulas.float64_expr import Flag, Float64, constant, float64, joined
from toolkit.exporter.formulas.neighbourhood import weighted
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value


def imputer(est: Any, x: Value, g: Conversion) -> Outputs:
    """A column after the other; a column that no fitted row had is dropped, or becomes 0."""
    if est.metric != "nan_euclidean":
        raise Unconvertible(f"metric={metric_name(est.metric)}")
    x = g.floating(x)
    fitted, absent = np.asarray(est._fit_X, dtype=np.float64), np.asarray(est._mask_fit_X)
    points = np.where(absent, np.nan, fitted)
    columns = [c for c in range(x.width) if not absent[:, c].all() or est.keep_empty_features]
    width = len(columns) + (len(est.indicator_.features_) if est.add_indicator else 0)

    def form(name: str) -> list[Matrix]:
        rows = float64(g, Matrix(name, x.dtype, x.width))
        missing = _missing(g, rows, est.missing_values)
        filled = missing.where(0.0, rows)
        apart = distances(g, missing.where(np.nan, rows), points, "nan_euclidean")
        parts = [_column(est, g, missing, filled, apart, points, c) for c in columns]
        if est.add_indicator:
            features = g.constant(est.indicator_.features_, "int64", "features")
            parts.append(
                Flag(g, g.add("Gather", [missing.name, features], "was", axis=1)).float64()
            )
        return [joined(parts).matrix(x.dtype, width)]

    return {"transform": in_batches(g, x, batch_rows(2 * len(points), x.width), form)[0]}


def _column(
    est: Any,
    g: Conversion,
    missing: Flag,
    filled: Float64,
    apart: Float64,
    points: np.ndarray,
    column: int,
) -> Float64:
    """Return a column of the rows [N, 1], what is missing of it imputed; 0 where no row has it.

    The first row is imputed once more, and its value dropped: onnxruntime up to 1.24 divides by
    zero, and takes the process with it, where TopK has no rows (a batch that misses nothing here).
    """
    value, absent = filled.take([column], axis=1), np.isnan(points[:, column])
    if absent.all():
        return value * 0.0
    hole = g.add("Gather", [missing.name, g.constant(column, "int64", "column")], "hole", axis=1)
    at = g.add("Transpose", [g.add("NonZero", [hole], "holes")], "holes", perm=[1, 0])
    first = g.constant([[0]], "int64", "first")
    and_first = g.add("Concat", [at, first], "and_first", axis=0)
    some = Float64(g, g.add("GatherND", [apart.name, and_first], "some"))
    mean = _mean(est, some, points, column).name
    limits = [g.constant([limit], "int64", "limit") for limit in (0, -1, 0)]
    mean = g.add("Slice", [mean, *limits], "mean")
    return Float64(g, g.add("ScatterND", [value.name, at, mean], "imputed"))


def _missing(g: Conversion, rows: Float64, marker: Any) -> Flag:
    if mark_of(marker):
        return Flag(g, g.add("IsNaN", [rows.name], "missing"))
    if not isinstance(marker, int | float | np.number):
        raise Unconvertible(f"missing_values={marker!r}")
    return rows.compare("Equal", float(marker))


def _mean(est: Any, apart: Float64, points: np.ndarray, column: int) -> Float64:
    """Return the (weighted) mean [N, 1] of the column's values in the nearest rows that have it.

    Rows that share no column with the row do not count; where none does, the mean of all.
    """
    values = points[:, column]
    known = ~np.isnan(values)
    table = constant(apart.g, points, "points").take([column], axis=1)  # [rows, 1]
    theirs = Flag(apart.g, apart.g.add("IsNaN", [table.name], "theirs"))
    if not known.all():  # as if they were infinitely far
        apart = apart + theirs.where(np.inf, 0.0).reshape(1, -1)
    lengths, at = apart.smallest(min(est.n_neighbors, int(known.sum())))
    valid = lengths.compare("Less", np.inf)
    weights = weighted(lengths, est.weights, valid)
    weights = valid.float64() if weights is None else weights
    total = weights.sum(1)
    mean = (theirs.where(0.0, table).reshape(-1).take(at, axis=0) * weights).sum(1) / total
    return total.compare("Equal", 0.0).where(float(values[known].mean()), mean)


CONVERTERS = {"sklearn.KNNImputer": imputer}
