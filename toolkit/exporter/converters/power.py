"""Power transforms and functions of numpy, elementwise in float64."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.converters.scaling import centred
from toolkit.exporter.formulas.functions import FUNCTIONS, expm1, function_name, log1p
from toolkit.exporter.formulas.lookup import exact, float_type
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value


def power(est: Any, x: Value, g: Conversion) -> Outputs:
    """PowerTransformer: each column's Yeo-Johnson or Box-Cox transform, then the scaler."""
    kind, x = float_type(x), exact(g, x)
    formula = {"yeo-johnson": yeo_johnson, "box-cox": box_cox}[est.method]
    columns = [formula(g, g.column(x, k), float(power)) for k, power in enumerate(est.lambdas_)]
    result = g.join(columns)
    if est.standardize:
        scaler = est._scaler
        result = centred(g, result, scaler.mean_, scaler.scale_)
    return {"transform": g.cast(result, kind)}


def yeo_johnson(g: Conversion, x: Matrix, power: float) -> Matrix:
    """Box-Cox of 1 + x for x ≥ 0, else −Box-Cox of 1 − x with 2 − λ (Yeo and Johnson, 2000)."""
    zero = g.constant([0.0], x.dtype, "zero")
    up = _grown(g, log1p(g, g.binary("Max", x, [0.0], "zero")), power)
    down = _grown(g, log1p(g, g.unary("Neg", g.binary("Min", x, [0.0], "zero"))), 2.0 - power)
    negative = g.add("Less", [x.name, zero], "negative")
    chosen = g.add("Where", [negative, g.unary("Neg", down).name, up.name], "yeojohnson")
    return _keep_nan(g, Matrix(chosen, x.dtype, x.width), x)


def box_cox(g: Conversion, x: Matrix, power: float) -> Matrix:
    """`(x**λ − 1) / λ`, and log x for λ = 0."""
    return _keep_nan(g, _grown(g, g.unary("Log", x), power), x)


def _keep_nan(g: Conversion, y: Matrix, x: Matrix) -> Matrix:
    gap = g.add("IsNaN", [x.name], "isnan")
    return Matrix(g.add("Where", [gap, x.name, y.name], "kept"), x.dtype, x.width)


def _grown(g: Conversion, log: Matrix, power: float) -> Matrix:
    """Return `(exp(λ log) − 1) / λ`, which is log itself for λ = 0."""
    if abs(power) < np.spacing(1.0):
        return log
    return g.binary("Div", expm1(g, g.binary("Mul", log, [power], "lambda")), [power], "lambda")


CLIP = ("a_min", "a_max"), ("min", "max")


def function_transformer(est: Any, x: Value, g: Conversion) -> Outputs:
    """FunctionTransformer over a function of the table, by identity; without one, the identity."""
    if est.func is None:
        return {"transform": cast(Matrix, x)}  # a table stays one
    name, options = function_name(est.func), dict(est.kw_args or {})
    if name != "numpy.clip" and (name not in FUNCTIONS or options):
        suffix = f" with {', '.join(map(str, options))}" if options else ""
        known = ", ".join(sorted({*FUNCTIONS, "numpy.clip"}))
        raise Unconvertible(f"func={name}{suffix} (the functions that export are {known}), so it")
    kind, x = float_type(x), exact(g, x)
    done = _clip(g, x, options) if name == "numpy.clip" else FUNCTIONS[name](g, x)
    return {"transform": g.cast(done, kind)}


def _clip(g: Conversion, x: Matrix, options: dict[str, Any]) -> Matrix:
    for pair in CLIP:
        if options and set(options) <= set(pair):
            low, high = (options.get(key) for key in pair)
            x = x if low is None else g.binary("Max", x, np.atleast_1d(low), "low")
            return x if high is None else g.binary("Min", x, np.atleast_1d(high), "high")
    raise Unconvertible(f"func=numpy.clip with {', '.join(map(str, options)) or 'no limits'}")


CONVERTERS = {
    "sklearn.FunctionTransformer": function_transformer,
    "sklearn.PowerTransformer": power,
}
