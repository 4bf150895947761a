"""Linear maps of centred rows, in the narrowest type that keeps the contract's digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.affine import REACH, affine_map, minus
from toolkit.exporter.values import Matrix, Unconvertible, Value
from toolkit.precision import CENTRED_PRODUCTS, FLOAT32_UNIT, FLOAT64_UNIT

# What the centre may cost where it goes into the bias of a float64 sum: nothing that is ever seen.
ALLOWED_WIDE = 1e-9


def wide(g: Conversion, x: Value) -> Matrix:
    """Return x as one float64 matrix; integers keep all their digits."""
    matrix = g.matrix(x)
    if matrix.dtype == "string":
        raise Unconvertible("text where numbers are needed")
    return g.cast(matrix, "float64")


def result_dtype(g: Conversion, x: Value) -> str:
    """Return the type of the outputs for x: float64 for float64 inputs, float32 otherwise."""
    return g.precision(g.matrix(x))


def projected(
    g: Conversion,
    x: Value,
    center: Any,
    weights: Any,
    bias: Any = 0.0,
    spread: Any = None,
    unit: Any = np.inf,
) -> Matrix:
    """Return `(x − center) @ weights + bias`; center [d] or None, weights [d, k].

    spread: standard deviations of x [d] where the estimator knows them. With them, the result's
    float32 rounding error is bounded by `Σ_j |w_jk|·16·spread_j·2⁻²⁴`; if that is small enough the
    map is computed in x's own type, with the part of the centre that its rounding lost folded into
    the bias. Else the sum may cancel (unscaled columns, whitening), and it is computed in float64.
    unit: see `affine_map`.
    """
    weights = np.asarray(weights, dtype=np.float64)
    bias = np.broadcast_to(np.asarray(bias, dtype=np.float64), weights.shape[1:])
    if not np.isfinite(weights).all():
        raise Unconvertible("a weight that is not finite")
    source = g.floating(x)
    if not _fits(weights, spread, unit):
        if source.dtype == "float32":
            g.traps.append("a projection that may cancel in float32 is computed in float64")
        source = wide(g, x)
    if source.dtype == "float64":
        return g.cast(wide_product(g, source, center, weights, bias, unit), result_dtype(g, x))
    if center is not None:
        center = np.asarray(center, dtype=np.float64)
        rounded = center.astype(source.dtype).astype(np.float64)
        lost = (rounded - center) @ weights
        # Less than this is below what the float32 result itself is rounded to.
        if np.abs(lost).max(initial=0.0) > 1e-7:
            g.traps.append("a large mean in float32: the centre's rounding error is added back")
        bias = bias + lost
        source = minus(g, source, rounded, spread)
    return g.cast(affine_map(g, source, weights, bias, unit), result_dtype(g, x))


def wide_product(
    g: Conversion, x: Matrix, center: Any, weights: Any, bias: Any, unit: Any = np.inf
) -> Matrix:
    """Return `(x − center) @ weights + bias` of a float64 x; center [d] or None, bias [k].

    The centre goes into the bias, as in scikit-learn's own projections, where the sum's digits
    are enough for it; else it is taken off first.
    """
    if center is None:
        return affine_map(g, x, weights, bias)
    center, weights = np.asarray(center, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    lost = np.abs(center) @ np.abs(weights) * FLOAT64_UNIT
    if (lost <= ALLOWED_WIDE * np.minimum(1.0, unit)).all():
        return affine_map(g, x, weights, np.asarray(bias, dtype=np.float64) - center @ weights)
    return affine_map(g, minus(g, x, center), weights, bias)


def _fits(weights: np.ndarray, spread: Any, unit: Any) -> bool:
    if spread is None:
        return False
    error = np.asarray(spread, dtype=np.float64) @ np.abs(weights) * REACH * FLOAT32_UNIT
    return bool((error <= CENTRED_PRODUCTS * np.minimum(1.0, unit)).all())
