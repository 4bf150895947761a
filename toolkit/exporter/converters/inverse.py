"""Inverse transforms, in float64: what brings a transformed target back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.converters import key_of
from toolkit.exporter.converters.isotonic import interpolated
from toolkit.exporter.formulas.functions import apply
from toolkit.exporter.formulas.normal import cdf
from toolkit.exporter.values import Matrix, Unconvertible

BOUND = 1e-7  # QuantileTransformer's BOUNDS_THRESHOLD


def inverse(est: Any, y: Matrix, g: Conversion) -> Matrix:
    """Return `est.inverse_transform(y)`, y float64 [N, k]; Unconvertible where it is not known."""
    if est is None or isinstance(est, str):  # a step that passes through
        return y
    function = INVERSES.get(key_of(est))
    if function is None:
        raise Unconvertible(f"the inverse transform of {type(est).__name__}")
    return function(est, y, g)


def _affine(y: Matrix, scale: Any, center: Any, g: Conversion) -> Matrix:
    """Return `y · scale + center`; either may be None."""
    if scale is not None:
        y = g.binary("Mul", y, np.asarray(scale), "scale")
    return y if center is None else g.binary("Add", y, np.asarray(center), "center")


def _standard(est: Any, y: Matrix, g: Conversion) -> Matrix:
    scale = est.scale_ if est.with_std else None
    return _affine(y, scale, est.mean_ if est.with_mean else None, g)


def _robust(est: Any, y: Matrix, g: Conversion) -> Matrix:
    scale = est.scale_ if est.with_scaling else None
    return _affine(y, scale, est.center_ if est.with_centering else None, g)


def _max_abs(est: Any, y: Matrix, g: Conversion) -> Matrix:
    return _affine(y, est.scale_, None, g)


def _min_max(est: Any, y: Matrix, g: Conversion) -> Matrix:
    return g.binary("Div", _affine(y, None, -est.min_, g), est.scale_, "scale")


def _function(est: Any, y: Matrix, g: Conversion) -> Matrix:
    if est.inv_kw_args:
        raise Unconvertible(f"inv_kw_args={est.inv_kw_args}")
    return apply(est.inverse_func, y, g)


def _pipeline(est: Any, y: Matrix, g: Conversion) -> Matrix:
    for _, step in reversed(est.steps):
        y = inverse(step, y, g)
    return y


def _power(est: Any, y: Matrix, g: Conversion) -> Matrix:
    """Undo the scaling, then Yeo-Johnson or Box-Cox column by column."""
    if est.standardize:
        y = _standard(est._scaler, y, g)
    undo = {"yeo-johnson": _yeo_johnson, "box-cox": _box_cox}[est.method]
    return g.join([undo(g.column(y, k), float(p), g) for k, p in enumerate(est.lambdas_)])


def _yeo_johnson(y: Matrix, power: float, g: Conversion) -> Matrix:
    """`(λy + 1)^(1/λ) − 1` for y ≥ 0 and `1 − (1 − (2 − λ)y)^(1/(2 − λ))` below; exp at λ = 0, 2.

    Yeo and Johnson (2000), "A new family of power transformations to improve normality or
    symmetry".
    """
    above = g.binary("Sub", _root(y, power, g), [1.0], "one")
    mirrored = _root(g.unary("Neg", y), 2.0 - power, g)
    one = Matrix(g.constant([1.0], "float64", "one"), "float64", 1)
    below = g.combine("Sub", one, mirrored)
    positive = g.compare("GreaterOrEqual", y, [0.0])
    return Matrix(g.add("Where", [positive.name, above.name, below.name], "undone"), "float64", 1)


def _root(y: Matrix, power: float, g: Conversion) -> Matrix:
    """Return `(power · y + 1)^(1/power)`, which is exp(y) where the power is 0."""
    if abs(power) < np.spacing(1.0):
        return g.unary("Exp", y)
    inner = _affine(y, [power], [1.0], g)
    return g.binary("Pow", inner, [1.0 / power], "root")


def _box_cox(y: Matrix, power: float, g: Conversion) -> Matrix:
    return _root(y, power, g) if power else g.unary("Exp", y)


def _quantile(est: Any, y: Matrix, g: Conversion) -> Matrix:
    """Probability (by Φ where the output was normal) to quantile, linear between the references."""
    p = cdf(y, g) if est.output_distribution == "normal" else y
    limits = [g.constant(v, "float64", "bound") for v in (0.0, 1.0)]
    p = Matrix(g.add("Clip", [p.name, *limits], "share"), "float64", p.width)
    columns = []
    for k in range(p.width):
        share, knots = g.column(p, k), est.quantiles_[:, k]
        value = interpolated(share, est.references_, knots, g)
        if est.output_distribution == "normal":
            value = g.choose(g.compare("Less", share, [BOUND]), [knots[0]], value)
            value = g.choose(g.compare("Greater", share, [1.0 - BOUND]), [knots[-1]], value)
        columns.append(value)
    return g.join(columns)


INVERSES: dict[str, Callable[[Any, Matrix, Conversion], Matrix]] = {
    "sklearn.FunctionTransformer": _function,
    "sklearn.MaxAbsScaler": _max_abs,
    "sklearn.MinMaxScaler": _min_max,
    "sklearn.Pipeline": _pipeline,
    "sklearn.PowerTransformer": _power,
    "sklearn.QuantileTransformer": _quantile,
    "sklearn.RobustScaler": _robust,
    "sklearn.StandardScaler": _standard,
}
