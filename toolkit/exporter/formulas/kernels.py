"""Kernels between the rows and fixed points, in float64: scikit-learn's pairwise_kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.distances import (
    cosine_similarity,
    dense,
    manhattan,
    metric_name,
    squared,
)
from toolkit.exporter.formulas.float64_expr import Float64, constant
from toolkit.exporter.values import Unconvertible

Params = Mapping[str, Any]


def gamma_of(points: np.ndarray, params: Params) -> float:
    """Return the kernel's γ: 1 / columns where none is given."""
    gamma = params.get("gamma")
    return 1.0 / points.shape[1] if gamma is None else float(gamma)


def linear(g: Conversion, x: Float64, points: np.ndarray, params: Params) -> Float64:
    """`x·s`."""
    return x @ constant(g, points.T, "points")


def polynomial(g: Conversion, x: Float64, points: np.ndarray, params: Params) -> Float64:
    """`(γ x·s + coef0) ** degree`."""
    _, _, degree = power_of(points, params)
    return _inner(g, x, points, params) ** degree


def power_of(points: np.ndarray, params: Params) -> tuple[float, float, float]:
    """Return a polynomial kernel's γ, coef0 and degree."""
    degree, bias = _or(params.get("degree"), 3), _or(params.get("coef0"), 1)
    return gamma_of(points, params), float(bias), float(degree)


def sigmoid(g: Conversion, x: Float64, points: np.ndarray, params: Params) -> Float64:
    """`tanh(γ x·s + coef0)`."""
    return _inner(g, x, points, params).apply("Tanh")


def _inner(g: Conversion, x: Float64, points: np.ndarray, params: Params) -> Float64:
    product = x @ constant(g, points.T, "points") * gamma_of(points, params)
    return product + float(_or(params.get("coef0"), 1))


def _or(value: Any, default: float) -> Any:
    return default if value is None else value


def rbf(g: Conversion, x: Float64, points: np.ndarray, params: Params) -> Float64:
    """`exp(−γ ‖x − s‖²)`."""
    return (squared(g, x, points) * -gamma_of(points, params)).apply("Exp")


def laplacian(g: Conversion, x: Float64, points: np.ndarray, params: Params) -> Float64:
    """`exp(−γ Σ |x − s|)`."""
    return (manhattan(g, x, points, {}) * -gamma_of(points, params)).apply("Exp")


def cosine(g: Conversion, x: Float64, points: np.ndarray, params: Params) -> Float64:
    """`x·s / (‖x‖ ‖s‖)`."""
    return cosine_similarity(g, x, points)


def additive_chi2(g: Conversion, x: Float64, points: np.ndarray, params: Params) -> Float64:
    """`−Σ (x − s)² / (x + s)`, with 0 where both are 0."""
    total: Float64 | None = None
    for j in range(points.shape[1]):
        a, s = x.take([j], axis=1), constant(g, points[:, j].reshape(1, -1), "points")
        difference, size = a - s, a + s
        term = difference * difference / size.compare("Equal", 0.0).where(1.0, size)
        total = term if total is None else total + term
    assert total is not None
    return -total


def chi2(g: Conversion, x: Float64, points: np.ndarray, params: Params) -> Float64:
    """`exp(−γ Σ (x − s)² / (x + s))`; γ is 1 where none is given."""
    return (additive_chi2(g, x, points, {}) * float(_or(params.get("gamma"), 1.0))).apply("Exp")


KERNELS: dict[str, Callable[[Conversion, Float64, np.ndarray, Params], Float64]] = {
    "linear": linear,
    "poly": polynomial,
    "polynomial": polynomial,
    "sigmoid": sigmoid,
    "rbf": rbf,
    "laplacian": laplacian,
    "cosine": cosine,
    "chi2": chi2,
    "additive_chi2": additive_chi2,
}


def kernel_matrix(g: Conversion, x: Float64, points: Any, kernel: Any, params: Params) -> Float64:
    """Return the kernel [N, points]; "precomputed" takes x for it.

    params: gamma, degree, coef0; None stands for scikit-learn's default. Raises Unconvertible for a
    kernel that is a function, or not in the table.
    """
    if kernel == "precomputed":
        return x
    if not isinstance(kernel, str) or kernel not in KERNELS:
        raise Unconvertible(f"kernel={metric_name(kernel)}")
    return KERNELS[kernel](g, x, dense(points), params)
