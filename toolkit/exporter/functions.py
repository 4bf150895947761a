"""The numpy and scipy functions of one argument that graphs can compute, by their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from toolkit.exporter.graph import Graph, Matrix, Unconvertible

Function = Callable[[Matrix, Graph], Matrix]


def apply(function: Any, x: Matrix, g: Graph) -> Matrix:
    """Return `function(x)` elementwise; None is the identity.

    Raises Unconvertible for every function that is not in the table, by its name.
    """
    if function is None:
        return x
    name = getattr(function, "__name__", str(function))
    if name not in FUNCTIONS or not _is_known(function, name):
        raise Unconvertible(
            f"the function {name!r} (known are {', '.join(sorted(FUNCTIONS))}), so it"
        )
    return FUNCTIONS[name](x, g)


def _is_known(function: Any, name: str) -> bool:
    """Tell whether it is numpy's or scipy's own function of this name."""
    from scipy import special

    return any(getattr(module, name, None) is function for module in (np, special))


def _operator(op: str) -> Function:
    return lambda x, g: g.unary(op, x)


def _scaled_log(base: float) -> Function:
    return lambda x, g: g.binary("Mul", g.unary("Log", x), [1.0 / np.log(base)], "base")


def _power_of(base: float) -> Function:
    return lambda x, g: g.unary("Exp", g.binary("Mul", x, [np.log(base)], "base"))


def _expm1(x: Matrix, g: Graph) -> Matrix:
    return g.binary("Sub", g.unary("Exp", x), [1.0], "one")


def _log1p(x: Matrix, g: Graph) -> Matrix:
    return g.unary("Log", g.binary("Add", x, [1.0], "one"))


def _square(x: Matrix, g: Graph) -> Matrix:
    return g.product(x, x)


def _signed(x: Matrix, g: Graph, of_size: Function) -> Matrix:
    """Return an odd function from its values for |x|."""
    return g.product(g.unary("Sign", x), of_size(g.unary("Abs", x), g))


def _cbrt(x: Matrix, g: Graph) -> Matrix:
    return _signed(x, g, lambda a, g: g.binary("Pow", a, [1.0 / 3.0], "third"))


def _sinh(x: Matrix, g: Graph) -> Matrix:
    grown = g.combine("Sub", g.unary("Exp", x), g.unary("Exp", g.unary("Neg", x)))
    return g.binary("Mul", grown, [0.5], "half")


def _arcsinh(x: Matrix, g: Graph) -> Matrix:
    def of_size(a: Matrix, g: Graph) -> Matrix:
        root = g.unary("Sqrt", g.binary("Add", g.product(a, a), [1.0], "one"))
        return g.unary("Log", g.combine("Add", a, root))

    return _signed(x, g, of_size)


def _logit(x: Matrix, g: Graph) -> Matrix:
    one = Matrix(g.constant([1.0], x.dtype, "one"), x.dtype, 1)
    return g.combine("Sub", g.unary("Log", x), g.unary("Log", g.combine("Sub", one, x)))


FUNCTIONS: dict[str, Function] = {
    "absolute": _operator("Abs"),
    "arcsinh": _arcsinh,
    "cbrt": _cbrt,
    "exp": _operator("Exp"),
    "exp10": _power_of(10.0),
    "exp2": _power_of(2.0),
    "expit": _operator("Sigmoid"),
    "expm1": _expm1,
    "log": _operator("Log"),
    "log10": _scaled_log(10.0),
    "log1p": _log1p,
    "log2": _scaled_log(2.0),
    "logit": _logit,
    "negative": _operator("Neg"),
    "positive": lambda x, g: x,
    "reciprocal": _operator("Reciprocal"),
    "sinh": _sinh,
    "sqrt": _operator("Sqrt"),
    "square": _square,
    "tanh": _operator("Tanh"),
}
