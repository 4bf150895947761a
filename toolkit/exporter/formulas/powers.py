"""Sums of polynomial kernels, `offset + Σ dual_i (γ x·s_i + c)ᵖ`, as one polynomial of the columns.

Such a sum is a form of degree p in [x, 1], whose coefficients are a tensor that all points add to:
with few columns it has far fewer numbers than the points have, and takes as many products less.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.batching import batch_rows, in_batches
from toolkit.exporter.formulas.float64_expr import Float64, constant, float64
from toolkit.exporter.tuning import THROUGHPUT
from toolkit.exporter.values import Matrix

DEGREES = (1, 2, 3)
CHEAPER = 0.5  # of the points' numbers: with more coefficients nothing is gained
# What rounding may make of terms that cancel: of max(1, |sum|), or of the unit where that is less.
MOST_CANCELLED = 1e-7
PROBES = 256


def as_form(
    g: Conversion,
    x: Matrix,
    points: np.ndarray,
    kernel: tuple[float, float, float],
    weights: np.ndarray,
    offset: np.ndarray,
    unit: Any = np.inf,
) -> Matrix | None:
    """Return the sums float64 [N, k] for rows x [N, d]; None where kernels are cheaper or safer.

    points [m, d]; kernel: (γ, c, degree p); weights: the dual [m, k]; offset [k]; unit: see
    `weighted_kernels`.
    """
    gamma, bias, degree = kernel
    m, width, k = *points.shape, weights.shape[1]
    size = width + 1
    if degree not in DEGREES or _count(size, degree) * k > CHEAPER * m * (width + k):
        return None
    table = np.hstack([gamma * points, np.full((m, 1), bias)])
    if _lost(points, table, int(degree), weights, offset, unit) > MOST_CANCELLED:
        return None
    first, second = np.triu_indices(size)
    form = _coefficients(table, int(degree), weights)  # [products or columns, size k or k]

    def rows(name: str) -> list[Matrix]:
        row_values = float64(g, Matrix(name, x.dtype, width))
        pads = [g.constant([0, 0, 0, 1], "int64", "pads"), g.constant(1.0, "float64", "one")]
        extended = Float64(g, g.add("Pad", [row_values.name, *pads], "extended"))
        product = extended
        if degree > 1:  # all products of two columns, picked by products of matrices
            unit = constant(g, np.eye(size), "unit")
            product = (extended @ unit.take(first, axis=1)) * (extended @ unit.take(second, axis=1))
        product = product @ constant(g, form, "coefficients")
        if degree == 3 and k == 1:
            product = (product * extended).sum(1)
        elif degree == 3:
            terms = product.reshape(0, size, k) * extended.reshape(0, size, 1)
            product = terms.sum(1, keep=False)
        return [(product + offset).matrix("float64", k)]

    if g.tune != THROUGHPUT:
        return rows(x.name)[0]
    return in_batches(g, x, batch_rows(2 * form.shape[0] * k, width), rows)[0]


def _count(size: int, degree: float) -> float:
    """Return how many numbers a form's coefficients are for each output."""
    return {1: 1, 2: size, 3: size * size}[int(degree)] * (size + 1) / 2


def _coefficients(table: np.ndarray, degree: int, weights: np.ndarray) -> np.ndarray:
    """Return the form's coefficients: [size, k], [products, k] or [products, size k] by degree.

    products: of columns i ≤ j of [x, 1], of which a symmetric tensor has those of i < j twice.
    """
    if degree == 1:
        return np.asarray(table.T @ weights)
    first, second = np.triu_indices(table.shape[1])
    products = table[:, first] * table[:, second] * np.where(first == second, 1.0, 2.0)
    if degree == 2:
        return np.asarray(products.T @ weights)
    terms = table[:, :, None] * weights[:, None, :]  # [m, size, k]
    return np.asarray(products.T @ terms.reshape(len(table), -1))


def _lost(
    points: np.ndarray,
    table: np.ndarray,
    degree: int,
    weights: np.ndarray,
    offset: np.ndarray,
    unit: Any,
) -> float:
    """Return the largest part of a sum that float64 may lose to cancellation."""
    chosen = points[np.linspace(0, len(points) - 1, min(len(points), PROBES)).astype(int)]
    rows = np.hstack([chosen, np.ones((len(chosen), 1))])
    exact = np.abs((rows @ table.T) ** degree @ weights + offset)
    terms = (np.abs(rows) @ np.abs(table).T) ** degree @ np.abs(weights)
    return float((terms * 2.0**-50 / np.minimum(np.maximum(1.0, exact), unit)).max())
