"""The normal distribution in standard operators and float64, which onnxruntime's Erf has not."""

from __future__ import annotations

from functools import cache

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.values import Matrix

DEGREE = 26
KNEE = 2.0  # s = (z − KNEE) / (z + KNEE) maps z in [0, ∞) to [−1, 1)


def cdf(x: Matrix, g: Conversion) -> Matrix:
    """Return the normal distribution function Φ(x) of x (float64), to about 1e-13.

    With z = |x|/√2, Φ(−|x|) = ½ exp(−z²) erfcx(z), and erfcx(z) is a polynomial in
    s = (z − 2)/(z + 2) (after Schonfelder, "Chebyshev expansions for the error and related
    functions", 1978).
    """
    z = g.binary("Mul", g.unary("Abs", x), [np.sqrt(0.5)], "root")
    s = g.combine("Div", g.binary("Sub", z, [KNEE], "knee"), g.binary("Add", z, [KNEE], "knee"))
    value: Matrix | None = None
    for coefficient in reversed(_scaled_erfc()):
        grown = s if value is None else g.mul(value, s)
        value = g.binary("Mul" if value is None else "Add", grown, [coefficient], "c")
    assert value is not None
    bell = g.unary("Exp", g.unary("Neg", g.mul(z, z)))
    tail = g.binary("Mul", g.mul(bell, value), [0.5], "half")
    one = Matrix(g.constant([1.0], "float64", "one"), "float64", 1)
    above = g.compare("Greater", x, [0.0])
    upper = g.combine("Sub", one, tail)
    return Matrix(g.add("Where", [above.name, upper.name, tail.name], "cdf"), "float64", x.width)


@cache
def _scaled_erfc() -> tuple[float, ...]:
    """Return the coefficients of erfcx as a polynomial in s, lowest first."""
    from scipy.special import erfcx

    s = np.polynomial.chebyshev.chebpts1(DEGREE + 1)
    values = erfcx(KNEE * (1 + s) / (1 - s))
    # Through the Chebyshev nodes, so that this is interpolation and no fit.
    fitted = np.polynomial.chebyshev.chebfit(s, values, DEGREE)
    return tuple(np.polynomial.chebyshev.cheb2poly(fitted).tolist())
