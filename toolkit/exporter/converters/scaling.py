"""Scalers: a subtraction and a multiplication, in that order, so that large means stay exact."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.affine import minus, plus, times
from toolkit.exporter.values import Matrix, Outputs, Value


def centred(g: Conversion, x: Matrix, center: Any, scale: Any, sparse: bool = False) -> Matrix:
    """Return `(x − center) / scale`; either may be None. sparse: the rows are a scipy matrix.

    The centre is taken off as a float32 and what that rounding lost is added after the scaling:
    `(x − c) / s = (x − f32(c)) · (1/s) + (f32(c) − c) / s`. One float32 subtraction of the rounded
    centre alone is wrong by up to half an ulp of it, 0.004 standard deviations at a mean of 1e5.
    In float64 it is scikit-learn's own arithmetic, bit for bit: steps behind it may compare.
    """
    if x.dtype == "float64":
        x = x if center is None else g.binary("Sub", x, center, "center")
        if sparse and scale is not None:
            return g.binary("Mul", x, 1.0 / np.asarray(scale, dtype=np.float64), "scale")
        return x if scale is None else g.binary("Div", x, scale, "scale")
    inverse = None if scale is None else 1.0 / np.asarray(scale, dtype=np.float64)
    lost = None
    if center is not None:
        center = np.asarray(center, dtype=np.float64)
        rounded = center.astype(x.dtype).astype(np.float64)
        lost = (rounded - center) * (1.0 if inverse is None else inverse)
        x = minus(g, x, rounded, scale)
    if inverse is not None:
        x = times(g, x, inverse)
    # Less than this is below what the float32 result itself is rounded to.
    if lost is not None and np.abs(lost).max(initial=0.0) > 1e-7:
        g.traps.append("a large mean in float32: the centre's rounding error is added back")
        x = plus(g, x, lost)
    return x


def standard(est: Any, x: Value, g: Conversion) -> Outputs:
    """StandardScaler."""
    center = est.mean_ if est.with_mean else None
    return {"transform": centred(g, g.floating(x), center, est.scale_, id(est) in g.sparse)}


def robust(est: Any, x: Value, g: Conversion) -> Outputs:
    """RobustScaler."""
    return {"transform": centred(g, g.floating(x), est.center_, est.scale_, id(est) in g.sparse)}


def max_abs(est: Any, x: Value, g: Conversion) -> Outputs:
    """MaxAbsScaler; clipped to [−1, 1] where it clips."""
    scaled = centred(g, g.floating(x), None, est.scale_, id(est) in g.sparse)
    return {"transform": _clipped(g, scaled, -1.0, 1.0) if getattr(est, "clip", False) else scaled}


def min_max(est: Any, x: Value, g: Conversion) -> Outputs:
    """MinMaxScaler: `x · scale_ + min_`, written as `(x + min_ / scale_) · scale_`."""
    x = g.floating(x)
    if x.dtype == "float64":  # scikit-learn's own arithmetic
        scaled = g.binary("Add", g.binary("Mul", x, est.scale_, "scale"), est.min_, "shift")
    else:
        scaled = centred(g, x, -est.min_ / est.scale_, 1.0 / est.scale_)
    return {"transform": _clipped(g, scaled, *est.feature_range) if est.clip else scaled}


def _clipped(g: Conversion, x: Matrix, low: float, high: float) -> Matrix:
    limits = [g.constant(low, x.dtype, "low"), g.constant(high, x.dtype, "high")]
    return Matrix(g.add("Clip", [x.name, *limits], "clipped"), x.dtype, x.width)


CONVERTERS = {
    "sklearn.StandardScaler": standard,
    "sklearn.RobustScaler": robust,
    "sklearn.MaxAbsScaler": max_abs,
    "sklearn.MinMaxScaler": min_max,
}
