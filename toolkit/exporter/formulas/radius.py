"""Sums over the fitted rows in reach of each row, in chunks of rows.

Which points are nearer than the radius is told by one float32 product, `r² − ‖x − s‖²`; a row for
which its rounding leaves that open is done again from differences in float64, as scikit-learn does.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.batching import batch_rows, in_batches, where_sure
from toolkit.exporter.formulas.distances import centre_of, dense
from toolkit.exporter.formulas.float64_expr import Float64, constant, float64, joined
from toolkit.exporter.formulas.neighbourhood import weighted, within
from toolkit.exporter.values import Matrix
from toolkit.precision import FLOAT32_UNIT

Exact = Callable[[Matrix], list[Matrix]]

LARGEST = 1e15  # beyond, a square leaves float32
SMALLEST = 1e-35  # what float32 loses of numbers near its least
STEEP = 1e30  # from 0 to 1 within what is in doubt anyway
EXACT = 2.0**24  # up to which float32 has all whole numbers


def sums_within_radius(
    g: Conversion, x: Matrix, est: Any, tables: Sequence[np.ndarray]
) -> tuple[list[Float64], Float64]:
    """Return each table's sums [N, k] over the rows in reach, weighted, and the weights' [N, 1].

    est: a fitted neighbours estimator with a radius; tables [rows, k]: a row for each fitted row.
    """
    tables = [np.asarray(t, dtype=np.float64) for t in tables]
    rows = batch_rows(2 * len(tables[0]), x.width)

    def exact(name: str) -> list[Matrix]:
        lengths, near = within(g, float64(g, Matrix(name, x.dtype, x.width)), est)
        weights = weighted(lengths, est.weights, near)
        weights = near.float64() if weights is None else weights
        sums = [weights @ constant(g, t, "table") for t in tables]
        return [
            *(Matrix(s.name, "float64", t.shape[1]) for s, t in zip(sums, tables, strict=True)),
            weights.sum(1).matrix("float64", 1),
        ]

    def chunks(some: Matrix) -> list[Matrix]:
        return in_batches(g, some, rows, exact)

    fast = _by_product(est) and not g.wide
    *sums, total = _guarded(g, x, est, tables, chunks) if fast else chunks(x)
    return [Float64(g, s.name) for s in sums], Float64(g, total.name)


def _by_product(est: Any) -> bool:
    """Return whether a product of matrices tells which points are in reach."""
    euclidean = est.effective_metric_ in ("euclidean", "l2")
    if not euclidean or est.weights not in (None, "uniform"):
        return False
    size = np.abs(dense(est._fit_X)).max(initial=0.0)
    return bool(size < LARGEST and 0 < est.radius < LARGEST)


def _guarded(
    g: Conversion, x: Matrix, est: Any, tables: Sequence[np.ndarray], exact: Exact
) -> list[Matrix]:
    """Return the sums and the counts from float32 products, and from `exact` for rows in doubt."""
    points, width, reach = dense(est._fit_X), x.width, float(est.radius) ** 2
    centre = centre_of(points)
    weights, biases = _weights(g, points, centre, reach)
    # Numbers far from 0 would cost digits; the sums are moved back by what is taken off here.
    means = np.hstack([_mean(t) for t in tables])
    table = joined([constant(g, t, "table") for t in tables]) - means
    counted = _narrow(g, joined([table, _filled(g, 1.0, len(points), 1)]))
    bound = 12.0 * (width + 6) * FLOAT32_UNIT

    def form(name: str) -> list[Matrix]:
        rows = _narrow(g, float64(g, Matrix(name, x.dtype, width)) - centre)
        lengths = g.reduce("ReduceSumSquare", rows, [1])
        names = [g.add("Concat", [rows, lengths], "extended", axis=1), weights, biases]
        inside = g.add("Gemm", names, "inside")  # r² − ‖x − s‖²
        near = g.add("HardSigmoid", [inside], "near", alpha=STEEP, beta=0.5)
        sums = g.add("MatMul", [near, counted], "sums")
        least = g.reduce("ReduceMin", g.add("Abs", [inside], "apart"), [1])
        margin = Float64(g, g.cast(Matrix(lengths, "float32", 1), "float64").name)
        margin = (margin + reach) * bound + SMALLEST
        clear = Float64(g, g.cast(Matrix(least, "float32", 1), "float64").name)
        sure = clear.compare("Greater", margin) & margin.compare("Less", LARGEST)
        flat = g.add("Reshape", [sure.name, g.constant([-1], "int64", "flat")], "sure")
        return [Matrix(sums, "float32", len(means) + 1), Matrix(flat, "bool", 0)]

    totals, sure = in_batches(g, x, batch_rows(len(points), width), form)
    sums = Float64(g, g.cast(totals, "float64").name)
    count = sums.take([len(means)], axis=1)
    ends = np.cumsum([0, *(t.shape[1] for t in tables)])
    parts = []
    for start, end in itertools.pairwise(ends):
        moved = sums.take(np.arange(start, end), axis=1) + count * means[start:end].reshape(1, -1)
        parts.append(Matrix(moved.name, "float64", int(end - start)))
    least = g.reduce("ReduceMin", g.cast(sure, "int32").name, [0], keep=False)
    all_sure = g.cast(Matrix(least, "int32", 0), "bool").name
    fast = [*parts, Matrix(count.name, "float64", 1)]
    return where_sure(g, x, lambda: sure, all_sure, fast, exact)


def _mean(table: np.ndarray) -> np.ndarray:
    """Return the table's means [k]; 0 where float32 adds all its rows without rounding."""
    whole = np.array_equal(table, np.rint(table)) and np.abs(table).sum() < EXACT
    return np.zeros(table.shape[1]) if whole else table.mean(axis=0)


def _weights(
    g: Conversion, points: np.ndarray, centre: np.ndarray, reach: float
) -> tuple[str, str]:
    """Return [2 s; −1], [d + 1, m], and r² − ‖s‖² [m], float32, of points with the centre at 0."""
    table = constant(g, points, "points") - centre
    lengths = table.reduce("ReduceSumSquare", 1, keep=False)
    weights = joined([table.swap(1, 0) * 2.0, _filled(g, -1.0, 1, len(points))], axis=0)
    return _narrow(g, weights), _narrow(g, reach - lengths)


def _filled(g: Conversion, value: float, *shape: int) -> Float64:
    size = g.constant(shape, "int64", "shape")
    return Float64(g, g.add("Expand", [g.constant(value, "float64", "value"), size], "filled"))


def _narrow(g: Conversion, value: Float64) -> str:
    return str(g.cast(Matrix(value.name, "float64", 0), "float32").name)
