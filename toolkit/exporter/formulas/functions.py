"""The numpy and scipy functions of one argument that graphs can compute, elementwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.values import Matrix, Unconvertible

Elementwise = Callable[[Conversion, Matrix], Matrix]


def apply(function: Any, x: Matrix, g: Conversion) -> Matrix:
    """Return `function(x)` elementwise; None is the identity.

    Raises Unconvertible for every function that is not in the table, by its name.
    """
    if function is None:
        return x
    name = function_name(function)
    if name not in FUNCTIONS:
        raise Unconvertible(
            f"the function {name!r} (known are {', '.join(sorted(FUNCTIONS))}), so it"
        )
    return FUNCTIONS[name](g, x)


def function_name(func: Any) -> str:
    """Return "numpy.log1p" for numpy's very own log1p; other functions get no library's name."""
    import scipy.special

    name = getattr(func, "__name__", str(func))
    for library, module in (("numpy", np), ("scipy.special", scipy.special)):
        if getattr(module, name, None) is func:
            return f"{library}.{name}"
    return name


def log1p(g: Conversion, x: Matrix) -> Matrix:
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


def expm1(g: Conversion, x: Matrix) -> Matrix:
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


def _cosine(g: Conversion, x: Matrix) -> Matrix:
    # sin² + cos² of half the angle: cos x = 1 − 2 sin²(x/2); onnxruntime has no float64 Cos.
    sine = g.unary("Sin", g.binary("Mul", x, [0.5], "half"))
    return g.binary("Add", g.binary("Mul", g.mul(sine, sine), [-2.0], "two"), [1.0], "one")


def _exponential(base: float) -> Elementwise:
    return lambda g, x: g.unary("Exp", g.binary("Mul", x, [np.log(base)], "base"))


def _scaled(factor: float) -> Elementwise:
    return lambda g, x: g.binary("Mul", x, [factor], "factor")


def _truncate(g: Conversion, x: Matrix) -> Matrix:
    return g.mul(g.unary("Sign", x), g.unary("Floor", g.unary("Abs", x)))


def _cube_root(g: Conversion, x: Matrix) -> Matrix:
    root = g.binary("Pow", g.unary("Abs", x), [1 / 3], "third")
    return g.mul(g.unary("Sign", x), root)


def _logit(g: Conversion, x: Matrix) -> Matrix:
    rest = g.binary("Add", g.unary("Neg", x), [1.0], "one")
    return g.unary("Log", Matrix(g.add("Div", [x.name, rest.name], "odds"), x.dtype, x.width))


def _sinh(g: Conversion, x: Matrix) -> Matrix:
    # (e^x − e^−x) / 2 by expm1, which keeps what is near 0.
    up, down = expm1(g, x), expm1(g, g.unary("Neg", x))
    return g.binary("Mul", g.combine("Sub", up, down), [0.5], "half")


def _arcsinh(g: Conversion, x: Matrix) -> Matrix:
    # log(|x| + √(x² + 1)) as log1p(|x| + x² / (1 + √(x² + 1))), with the sign of x.
    size = g.unary("Abs", x)
    square = g.mul(x, x)
    root = g.unary("Sqrt", g.binary("Add", square, [1.0], "one"))
    more = g.combine("Div", square, g.binary("Add", root, [1.0], "one"))
    return g.mul(g.unary("Sign", x), log1p(g, g.combine("Add", size, more)))


# The functions of one array that graphs can compute, by library and name.
FUNCTIONS: dict[str, Elementwise] = {
    "numpy.abs": _op("Abs"),
    "numpy.absolute": _op("Abs"),
    "numpy.arcsinh": _arcsinh,
    "numpy.cbrt": _cube_root,
    "numpy.ceil": _op("Ceil"),
    "numpy.cos": _cosine,
    "numpy.deg2rad": _scaled(np.pi / 180),
    "numpy.degrees": _scaled(180 / np.pi),
    "numpy.exp": _op("Exp"),
    "numpy.exp2": _exponential(2.0),
    "numpy.exp10": _exponential(10.0),
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
    "numpy.sinh": _sinh,
    "numpy.sqrt": _op("Sqrt"),
    "numpy.square": lambda g, x: g.mul(x, x),
    "numpy.tanh": _op("Tanh"),
    "numpy.trunc": _truncate,
    "scipy.special.exp10": _exponential(10.0),
    "scipy.special.expit": _op("Sigmoid"),
    "scipy.special.logit": _logit,
}
