"""Isotonic regression: a piecewise linear function, its segment found by counting knots."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.answers import answer
from toolkit.exporter.values import Matrix, Outputs, Value

ONE_LEVEL = 128  # up to so many knots a row is held against all of them


def isotonic(est: Any, x: Value, g: Conversion) -> Outputs:
    """IsotonicRegression of one column, in float64: its steps may be as steep as the data's.

    Beyond the fitted range the nearest value (clip) or NaN (nan; and raise, which a graph cannot).
    """
    value = g.floating(x)
    if est.out_of_bounds == "raise":
        g.traps.append("out_of_bounds='raise': NaN beyond the fitted range, not an error")
    knots = np.asarray(est.X_thresholds_)
    # scikit-learn rounds rows to the type of the data that it was fitted on.
    t = g.cast(g.cast(value, knots.dtype.name), "float64")
    result = answer(g, value, isotonic_value(est, t, g))
    return {"predict": result, "transform": result}


def isotonic_value(est: Any, t: Matrix, g: Conversion) -> Matrix:
    """Return the fitted function of t [N, 1], float64."""
    xs = np.asarray(est.X_thresholds_, dtype=np.float64)
    ys = np.asarray(est.y_thresholds_, dtype=np.float64)
    if len(ys) == 1:  # one value everywhere, out of range as well
        return g.repeated(ys, "float64", t)
    if est.out_of_bounds == "clip":
        limits = [g.constant(v, "float64", "bound") for v in (est.X_min_, est.X_max_)]
        t = Matrix(g.add("Clip", [t.name, *limits], "clipped"), "float64", 1)
        return interpolated(t, xs, ys, g)
    inside = interpolated(t, xs, ys, g)
    low, high = g.compare("Less", t, [xs[0]]), g.compare("Greater", t, [xs[-1]])
    outside = Matrix(g.add("Or", [low.name, high.name], "outside"), "bool", 1)
    return g.choose(outside, [np.nan], inside)


def interpolated(t: Matrix, xs: np.ndarray, ys: np.ndarray, g: Conversion) -> Matrix:
    """Return `y_k + (y_{k+1} − y_k) / (x_{k+1} − x_k) · (t − x_k)` for t [N, 1], float64.

    xs strictly increasing, two or more; k is the segment that t falls into with its upper end
    included, as scipy's interp1d chooses it, and the first or last beyond the ends.
    """
    above = g.binary("Sub", _below(t, xs, g), [1], "one")
    limits = [g.constant(v, "int64", "bound") for v in (0, len(xs) - 2)]
    segment = g.add("Clip", [above.name, *limits], "segment")
    tables = (xs[:-1], ys[:-1], np.diff(ys) / np.diff(xs))
    start, value, slope = (
        Matrix(g.add("Gather", [g.constant(v, "float64", "knots"), segment], "at"), "float64", 1)
        for v in tables
    )
    rise = g.mul(slope, g.combine("Sub", t, start))
    return g.combine("Add", rise, value)


def _below(t: Matrix, xs: np.ndarray, g: Conversion) -> Matrix:
    """Return how many knots are below t, int64 [N, 1]: `searchsorted(xs, t, "left")`.

    Many knots are searched in two levels, first the heads of √n blocks, then within one block.
    """
    if len(xs) <= ONE_LEVEL:
        return _count(
            t, Matrix(g.constant(xs.reshape(1, -1), "float64", "knots"), "float64", len(xs)), g
        )
    size = int(np.ceil(np.sqrt(len(xs))))
    blocks = int(np.ceil(len(xs) / size))
    padded = np.full(blocks * size, np.inf)
    padded[: len(xs)] = xs
    table = padded.reshape(blocks, size)
    heads = Matrix(
        g.constant(table[1:, 0].reshape(1, -1), "float64", "heads"), "float64", blocks - 1
    )
    block = _count(t, heads, g)
    rows = g.add("Gather", [g.constant(table, "float64", "blocks"), g.flat(block).name], "block")
    within = _count(t, Matrix(rows, "float64", size), g)
    return g.combine("Add", g.binary("Mul", block, [size], "size"), within)


def _count(t: Matrix, knots: Matrix, g: Conversion) -> Matrix:
    less = Matrix(g.add("Less", [knots.name, t.name], "less"), "bool", knots.width)
    return g.row_sum(g.cast(less, "int64"))


CONVERTERS = {"sklearn.IsotonicRegression": isotonic}
