"""Power transforms and functions of numpy, elementwise in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from toolkit.exporter.converters.scaling import centred
from toolkit.exporter.graph import Graph, Matrix, Outputs, Unconvertible, Value
from toolkit.exporter.lookup import exact, float_type

Elementwise = Callable[[Graph, Matrix], Matrix]


def power(est: Any, x: Value, g: Graph) -> Outputs:
    """PowerTransformer: each column's Yeo-Johnson or Box-Cox transform, then the scaler."""
    kind, x = float_type(x), exact(g, x)
    formula = {"yeo-johnson": yeo_johnson, "box-cox": box_cox}[est.method]
    columns = [formula(g, g.column(x, k), float(power)) for k, power in enumerate(est.lambdas_)]
    result = g.join(columns)
    if est.standardize:
        scaler = est._scaler
        result = centred(g, result, scaler.mean_, scaler.scale_)
    return {"transform": g.cast(result, kind)}


def yeo_johnson(g: Graph, x: Matrix, power: float) -> Matrix:
    """Box-Cox of 1 + x for x ≥ 0, else −Box-Cox of 1 − x with 2 − λ (Yeo and Johnson, 2000)."""
    zero = g.constant([0.0], x.dtype, "zero")
    up = _grown(g, log1p(g, g.binary("Max", x, [0.0], "zero")), power)
    down = _grown(g, log1p(g, g.unary("Neg", g.binary("Min", x, [0.0], "zero"))), 2.0 - power)
    negative = g.add("Less", [x.name, zero], "negative")
    chosen = g.add("Where", [negative, g.unary("Neg", down).name, up.name], "yeojohnson")
    return _keep_nan(g, Matrix(chosen, x.dtype, x.width), x)


def box_cox(g: Graph, x: Matrix, power: float) -> Matrix:
    """`(x**λ − 1) / λ`, and log x for λ = 0."""
    return _keep_nan(g, _grown(g, g.unary("Log", x), power), x)


def _keep_nan(g: Graph, y: Matrix, x: Matrix) -> Matrix:
    gap = g.add("IsNaN", [x.name], "isnan")
    return Matrix(g.add("Where", [gap, x.name, y.name], "kept"), x.dtype, x.width)


def _grown(g: Graph, log: Matrix, power: float) -> Matrix:
    """Return `(exp(λ log) − 1) / λ`, which is log itself for λ = 0."""
    if abs(power) < np.spacing(1.0):
        return log
    return g.binary("Div", expm1(g, g.binary("Mul", log, [power], "lambda")), [power], "lambda")


def log1p(g: Graph, x: Matrix) -> Matrix:
    """`log(1 + x)`, corrected for what 1 + x rounds off: `log(u) · x / (u − 1)` with u = 1 + x.

    D. Goldberg, "What every computer scientist should know about floating-point arithmetic",
    theorem 4.
    """
    one = g.constant([1.0], x.dtype, "one")
    u = Matrix(g.add("Add", [x.name, one], "u"), x.dtype, x.width)
    run = g.add("Sub", [u.name, one], "run")
    whole = g.unary("Log", u)
    # Where u is 1, log(1 + x) is x; where x is infinite or large, u − 1 is x already.
    none = g.add("Equal", [run, g.constant([0.0], x.dtype, "zero")], "none")
    safe = g.add("Where", [none, one, run], "safe")
    ratio = g.add("Div", [x.name, safe], "ratio")
    large = g.add("Greater", [g.unary("Abs", x).name, g.constant([0.5], x.dtype, "half")], "large")
    factor = g.add("Where", [large, one, ratio], "factor")
    mended = g.add("Mul", [whole.name, factor], "log1p")
    return Matrix(g.add("Where", [none, x.name, mended], "log1p"), x.dtype, x.width)


def expm1(g: Graph, x: Matrix) -> Matrix:
    """`exp(x) − 1`, near zero as `2 t / (1 − t)` with t = tanh(x / 2), which does not cancel."""
    one = g.constant([1.0], x.dtype, "one")
    far = g.add("Sub", [g.unary("Exp", x).name, one], "far")
    t = g.unary("Tanh", g.binary("Mul", x, [0.5], "half"))
    rest = g.add("Sub", [one, t.name], "rest")
    near = g.add("Div", [g.binary("Mul", t, [2.0], "two").name, rest], "near")
    close = g.add("Less", [g.unary("Abs", x).name, one], "close")
    return Matrix(g.add("Where", [close, near, far], "expm1"), x.dtype, x.width)


def _op(operator: str) -> Elementwise:
    return lambda g, x: g.unary(operator, x)


def _logarithm(base: float) -> Elementwise:
    return lambda g, x: g.binary("Div", g.unary("Log", x), [np.log(base)], "base")


def _cosine(g: Graph, x: Matrix) -> Matrix:
    # sin² + cos² of half the angle: cos x = 1 − 2 sin²(x/2); onnxruntime has no float64 Cos.
    sine = g.unary("Sin", g.binary("Mul", x, [0.5], "half"))
    return g.binary("Add", g.binary("Mul", g.product(sine, sine), [-2.0], "two"), [1.0], "one")


def _exponential(base: float) -> Elementwise:
    return lambda g, x: g.unary("Exp", g.binary("Mul", x, [np.log(base)], "base"))


def _scaled(factor: float) -> Elementwise:
    return lambda g, x: g.binary("Mul", x, [factor], "factor")


def _truncate(g: Graph, x: Matrix) -> Matrix:
    return g.product(g.unary("Sign", x), g.unary("Floor", g.unary("Abs", x)))


def _cube_root(g: Graph, x: Matrix) -> Matrix:
    root = g.binary("Pow", g.unary("Abs", x), [1 / 3], "third")
    return g.product(g.unary("Sign", x), root)


def _logit(g: Graph, x: Matrix) -> Matrix:
    rest = g.binary("Add", g.unary("Neg", x), [1.0], "one")
    return g.unary("Log", Matrix(g.add("Div", [x.name, rest.name], "odds"), x.dtype, x.width))


# What FunctionTransformer may hold: a function of one array, by library and name.
FUNCTIONS: dict[str, Elementwise] = {
    "numpy.abs": _op("Abs"),
    "numpy.absolute": _op("Abs"),
    "numpy.cbrt": _cube_root,
    "numpy.ceil": _op("Ceil"),
    "numpy.cos": _cosine,
    "numpy.deg2rad": _scaled(np.pi / 180),
    "numpy.degrees": _scaled(180 / np.pi),
    "numpy.exp": _op("Exp"),
    "numpy.exp2": _exponential(2.0),
    "numpy.expm1": expm1,
    "numpy.fabs": _op("Abs"),
    "numpy.floor": _op("Floor"),
    "numpy.log": _op("Log"),
    "numpy.log10": _logarithm(10.0),
    "numpy.log1p": log1p,
    "numpy.log2": _logarithm(2.0),
    "numpy.negative": _op("Neg"),
    "numpy.positive": _op("Identity"),
    "numpy.rad2deg": _scaled(180 / np.pi),
    "numpy.radians": _scaled(np.pi / 180),
    "numpy.reciprocal": _op("Reciprocal"),
    "numpy.rint": _op("Round"),
    "numpy.sign": _op("Sign"),
    "numpy.sin": _op("Sin"),
    "numpy.sqrt": _op("Sqrt"),
    "numpy.square": lambda g, x: g.product(x, x),
    "numpy.tanh": _op("Tanh"),
    "numpy.trunc": _truncate,
    "scipy.special.expit": _op("Sigmoid"),
    "scipy.special.logit": _logit,
}
CLIP = ("a_min", "a_max"), ("min", "max")


def function_transformer(est: Any, x: Value, g: Graph) -> Outputs:
    """FunctionTransformer over a function of the table, by identity; without one, the identity."""
    if est.func is None:
        return {"transform": g.matrix(x)}
    name, options = function_name(est.func), dict(est.kw_args or {})
    if name != "numpy.clip" and (name not in FUNCTIONS or options):
        given = f" with {', '.join(map(str, options))}" if options else ""
        known = ", ".join(sorted({*FUNCTIONS, "numpy.clip"}))
        raise Unconvertible(f"func={name}{given} (the functions that export are {known}), so it")
    kind, x = float_type(x), exact(g, x)
    done = _clip(g, x, options) if name == "numpy.clip" else FUNCTIONS[name](g, x)
    return {"transform": g.cast(done, kind)}


def function_name(func: Any) -> str:
    """Return "numpy.log1p" for numpy's very own log1p; other functions get no library's name."""
    import scipy.special

    name = getattr(func, "__name__", str(func))
    for library, module in (("numpy", np), ("scipy.special", scipy.special)):
        if getattr(module, name, None) is func:
            return f"{library}.{name}"
    return name


def _clip(g: Graph, x: Matrix, options: dict[str, Any]) -> Matrix:
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
