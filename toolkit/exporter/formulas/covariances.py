"""Covariance functions of Gaussian processes between the rows and fixed points, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.distances import squared, squared_exactly
from toolkit.exporter.formulas.float64_expr import Float64, constant
from toolkit.exporter.formulas.kernels import kernel_matrix
from toolkit.exporter.values import Unconvertible

# A covariance takes (graph, kernel object, rows, points, exact) and gives [N, points] or [1, 1].
Covariance = Callable[[Conversion, Any, Float64, np.ndarray, bool], Float64]


def covariance(g: Conversion, kernel: Any, x: Float64, points: np.ndarray, exact: bool) -> Float64:
    """Return k(x, points) [N, points], or [1, 1] where it is the same for all.

    exact: distances from differences instead of a matrix product, for weights so large that they
    would show its rounding. Raises Unconvertible for a kernel that is not in the table.
    """
    name = type(kernel).__name__
    if name not in COVARIANCES:
        raise Unconvertible(f"kernel={name}")
    return COVARIANCES[name](g, kernel, x, points, exact)


def spread_out(g: Conversion, kernel: Any, x: Float64, points: np.ndarray, exact: bool) -> Float64:
    """Return the same, and [N, points] also of a kernel that has one number for all."""
    kernel_values = covariance(g, kernel, x, points, exact)
    return kernel_values + (x.sum(1) * 0.0 + np.zeros((1, len(points))))


def as_gaussian(kernel: Any) -> tuple[float, np.ndarray] | None:
    """Return (c, l) of a kernel that is `c exp(−½ ‖(x − s) / l‖²)` between different rows."""
    name = type(kernel).__name__
    if name == "RBF" or (name == "Matern" and kernel.nu == np.inf):
        return 1.0, np.asarray(kernel.length_scale, dtype=np.float64)
    if name in ("Product", "Sum"):
        constant_factor = name == "Product"
        for one, other in ((kernel.k1, kernel.k2), (kernel.k2, kernel.k1)):
            factor = as_gaussian(one)
            if factor and constant_factor and type(other).__name__ == "ConstantKernel":
                return factor[0] * float(other.constant_value), factor[1]
            if factor and not constant_factor and type(other).__name__ == "WhiteKernel":
                return factor
    return None


def diagonal(g: Conversion, kernel: Any, x: Float64) -> Float64:
    """Return k(x, x) of each row, [N, 1] or [1, 1]."""
    name = type(kernel).__name__
    if name not in DIAGONALS:
        raise Unconvertible(f"kernel={name}, of which a variance is needed,")
    return DIAGONALS[name](g, kernel, x)


# What the rounding of `‖x‖² − 2 x·s + ‖s‖²` may cost, of a kernel of size 1: a process's weights
# cancel to 1e-4 of what they sum to, and more where many of them do.
STEEP = 1e-10
ROUNDING = 2.0**-50  # of the largest ‖s‖²: four units of it


def _scaled(g: Conversion, scale: Any, x: Float64, points: np.ndarray, exact: bool) -> Float64:
    """Return `‖(x − s) / scale‖²`; scale is a number, or one for each column.

    By differences also where a product's rounding would show: for points that are so many scales
    from 0.
    """
    scale = np.asarray(scale, dtype=np.float64)
    exact = exact or _rounding(points / scale) > STEEP
    return (squared_exactly if exact else squared)(g, x / scale, points / scale)


def _rounding(points: np.ndarray) -> float:
    """Return how far a product's squared distances to these points are off."""
    return ROUNDING * float((points**2).sum(axis=1).max(initial=0.0))


def rbf(g: Conversion, k: Any, x: Float64, points: np.ndarray, exact: bool) -> Float64:
    """`exp(−½ ‖(x − s) / l‖²)`."""
    return (_scaled(g, k.length_scale, x, points, exact) * -0.5).apply("Exp")


def matern(g: Conversion, k: Any, x: Float64, points: np.ndarray, exact: bool) -> Float64:
    """Matérn for ν of ½, 1½, 2½ and ∞, with d = ‖(x − s) / l‖.

    `e^−d`, `(1 + √3 d) e^(−√3 d)`, `(1 + √5 d + 5/3 d²) e^(−√5 d)`, `e^(−½ d²)`; other ν need a
    Bessel function.
    """
    if k.nu == np.inf:
        return rbf(g, k, x, points, exact)
    if k.nu not in (0.5, 1.5, 2.5):
        raise Unconvertible(f"kernel=Matern(nu={k.nu:g}), a Bessel function,")
    # e^−d has a kink at 0, where the root makes 1e-8 of a rounding error of 1e-16.
    square = _scaled(g, k.length_scale, x, points, exact or k.nu == 0.5)
    t = (square * float(2 * k.nu)).apply("Sqrt")
    decay = (-t).apply("Exp")
    factors = {0.5: None, 1.5: 1.0 + t, 2.5: 1.0 + t + t * t / 3.0}
    factor = factors[k.nu]
    return decay if factor is None else factor * decay


def rational_quadratic(
    g: Conversion, k: Any, x: Float64, points: np.ndarray, exact: bool
) -> Float64:
    """`(1 + d² / (2 α l²))^−α`."""
    square = _scaled(g, k.length_scale, x, points, exact)
    return (1.0 + square * (0.5 / float(k.alpha))) ** -float(k.alpha)


def periodic(g: Conversion, k: Any, x: Float64, points: np.ndarray, exact: bool) -> Float64:
    """ExpSineSquared: `exp(−2 (sin(π d / p) / l)²)`, whose slope by d² is up to 2 (π / (p l))²."""
    slope = 2.0 * (np.pi / (float(k.periodicity) * float(k.length_scale))) ** 2
    exact = exact or _rounding(points) * slope > STEEP
    distance = _scaled(g, 1.0, x, points, exact).apply("Sqrt")
    sine = (distance * float(np.pi / k.periodicity)).apply("Sin") * float(1.0 / k.length_scale)
    return (sine * sine * -2.0).apply("Exp")


def dot_product(g: Conversion, k: Any, x: Float64, points: np.ndarray, exact: bool) -> Float64:
    """`σ₀² + x·s`."""
    return x @ constant(g, points.T, "points") + float(k.sigma_0**2)


def constant_value(g: Conversion, k: Any, x: Float64, points: np.ndarray, exact: bool) -> Float64:
    """The same for all."""
    return constant(g, [[float(k.constant_value)]])


def white(g: Conversion, k: Any, x: Float64, points: np.ndarray, exact: bool) -> Float64:
    """0 between different rows; scikit-learn takes new rows for different always."""
    return constant(g, [[0.0]])


def total(g: Conversion, k: Any, x: Float64, points: np.ndarray, exact: bool) -> Float64:
    """Return the sum of two kernels."""
    return covariance(g, k.k1, x, points, exact) + covariance(g, k.k2, x, points, exact)


def kernel_product(g: Conversion, k: Any, x: Float64, points: np.ndarray, exact: bool) -> Float64:
    """Return the product of two kernels."""
    return covariance(g, k.k1, x, points, exact) * covariance(g, k.k2, x, points, exact)


def power(g: Conversion, k: Any, x: Float64, points: np.ndarray, exact: bool) -> Float64:
    """Return a kernel to a power."""
    return covariance(g, k.kernel, x, points, exact) ** float(k.exponent)


def pairwise(g: Conversion, k: Any, x: Float64, points: np.ndarray, exact: bool) -> Float64:
    """PairwiseKernel: one of scikit-learn's pairwise kernels."""
    params = {**(k.pairwise_kernels_kwargs or {}), "gamma": k.gamma}
    return kernel_matrix(g, x, points, k.metric, params)


COVARIANCES: dict[str, Covariance] = {
    "RBF": rbf,
    "Matern": matern,
    "RationalQuadratic": rational_quadratic,
    "ExpSineSquared": periodic,
    "DotProduct": dot_product,
    "ConstantKernel": constant_value,
    "WhiteKernel": white,
    "Sum": total,
    "Product": kernel_product,
    "Exponentiation": power,
    "PairwiseKernel": pairwise,
}


def _one(g: Conversion, k: Any, x: Float64) -> Float64:
    return constant(g, [[1.0]])


DIAGONALS: dict[str, Callable[[Conversion, Any, Float64], Float64]] = {
    "RBF": _one,
    "Matern": _one,
    "RationalQuadratic": _one,
    "ExpSineSquared": _one,
    "DotProduct": lambda g, k, x: x.reduce("ReduceSumSquare", 1) + float(k.sigma_0**2),
    "ConstantKernel": lambda g, k, x: constant(g, [[float(k.constant_value)]]),
    "WhiteKernel": lambda g, k, x: constant(g, [[float(k.noise_level)]]),
    "Sum": lambda g, k, x: diagonal(g, k.k1, x) + diagonal(g, k.k2, x),
    "Product": lambda g, k, x: diagonal(g, k.k1, x) * diagonal(g, k.k2, x),
    "Exponentiation": lambda g, k, x: diagonal(g, k.kernel, x) ** float(k.exponent),
}
