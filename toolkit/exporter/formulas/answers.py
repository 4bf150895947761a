"""Answers far from zero: sums about their centre in float32, and the centre added in float64.

float32 has 24 bits: next to Unix seconds, 1.7e9, its numbers are 128 apart. What a regressor's
answers differ by is not far from zero, however, and float32 holds that as well as it holds any
answers: `y − c` is computed as `y` is elsewhere, with a bias, leaves or targets less c, and one
addition in float64 makes the answer. The centre c is that of scikit-learn's answers on held-out
rows (`Conversion.scale`); where it is not known, or float32 holds the answers, c is 0 and adds
nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.affine import affine_map
from toolkit.exporter.values import Matrix, Value
from toolkit.metrics import Scale
from toolkit.precision import FLOAT32_UNIT, FLOAT64_UNIT, ROUNDED_ANSWERS


def is_far(scale: Scale | None) -> bool:
    """Tell whether float32 is too coarse next to a column's centre for what is told apart there."""
    if scale is None:
        return False
    lost = FLOAT32_UNIT * np.abs(scale.center)
    return bool((lost > ROUNDED_ANSWERS * _unit(scale)).any())


def _unit(scale: Scale) -> np.ndarray:
    """Return what a difference counts as 1 by at the columns' centres, [k]."""
    return np.asarray(scale.unit(scale.center[None, :])[0])


def center_of(g: Conversion, width: int) -> np.ndarray:
    """Return what is taken off the answers of the estimator that is converted, float64 [width]."""
    if g.scale is None or len(g.scale.center) != width or not is_far(g.scale):
        return np.zeros(width)
    return g.scale.center


def unit_of(g: Conversion, width: int) -> np.ndarray:
    """Return what an error of the answers is measured by, float64 [width]; infinite if unknown."""
    if g.scale is None or len(g.scale.spread) != width:
        return np.full(width, np.inf)
    unit = _unit(g.scale)
    return np.where(unit > 0, unit, np.inf)  # answers that are all 0 measure nothing


def about(g: Conversion, y: Matrix, center: np.ndarray) -> Matrix:
    """Return `y + center`, in float64; y itself where the centre is 0."""
    if not center.any():
        return y
    g.traps.append("answers far from zero: summed about their centre, which is added in float64")
    return g.binary("Add", g.cast(y, "float64"), center, "center")


def answer(g: Conversion, x: Value, y: Matrix) -> Matrix:
    """Return answers to rows x in the type that holds them.

    That is float64 where they are far from zero, else the type of x's floating-point numbers.
    """
    return g.cast(y, "float64" if is_far(g.scale) else g.precision(x))


def linear_answer(g: Conversion, x: Matrix, weights: Any, bias: Any) -> Matrix:
    """Return `x @ weights + bias` as answers; weights [width, k], bias [k] or a number."""
    weights = np.asarray(weights, dtype=np.float64)
    center, unit = center_of(g, weights.shape[1]), unit_of(g, weights.shape[1])
    return about(g, affine_map(g, x, weights, np.asarray(bias) - center, unit), center)


def exp_answer(g: Conversion, exponent: Callable[[], Matrix]) -> Matrix:
    """Return the exponential of what `exponent` adds to the graph: the inverse of a log link."""
    with g.measured(through(g.scale, np.log)):
        raw = exponent()
    return g.unary("Exp", g.cast(raw, "float64") if is_far(g.scale) else raw)


def through(scale: Scale | None, function: Callable[[np.ndarray], np.ndarray]) -> Scale | None:
    """Return the scale of a monotone function [1, k] -> [1, k] of answers; None if it has none."""
    if scale is None:
        return None
    try:
        with np.errstate(all="ignore"):
            ends = [function(v[None, :]) for v in (scale.center, scale.center + scale.spread)]
    except Exception:  # a function of the caller's: whatever it raises, it has no scale
        return None
    center, end = (np.asarray(v, dtype=np.float64).reshape(-1) for v in ends)
    if not (np.isfinite(center) & np.isfinite(end)).all():
        return None
    return Scale(center, np.abs(end - center), FLOAT64_UNIT * np.abs(center))


def residual(scale: Scale | None) -> Scale | None:
    """Return the scale of what is added to another estimator's answers."""
    return None if scale is None else replace(scale, center=np.zeros_like(scale.center))


def repeated(scale: Scale | None, count: int) -> Scale | None:
    """Return the scale of so many answers to one target, side by side."""
    if scale is None or len(scale.center) != 1:
        return None
    return Scale(*(np.repeat(v, count) for v in (scale.center, scale.spread, scale.rounding)))


def column_of(scale: Scale | None, index: int) -> Scale | None:
    """Return the scale of one column of answers."""
    if scale is None or index >= len(scale.center):
        return None
    one = slice(index, index + 1)
    return Scale(scale.center[one], scale.spread[one], scale.rounding[one])


def in_precision(g: Conversion, x: Value, y: Matrix) -> Matrix:
    """Return y in the type of the floating-point numbers of x."""
    return g.cast(y, g.precision(x))
