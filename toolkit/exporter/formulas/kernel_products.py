"""Kernels between rows and fitted points, times weights: what most kernel machines end in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.batching import batch_rows, in_batches
from toolkit.exporter.formulas.distances import dense
from toolkit.exporter.formulas.float64_expr import constant, float64
from toolkit.exporter.formulas.gaussian import summed
from toolkit.exporter.formulas.gaussian_terms import Gaussians
from toolkit.exporter.formulas.kernels import gamma_of, kernel_matrix, power_of
from toolkit.exporter.formulas.powers import as_form
from toolkit.exporter.values import Matrix


def weighted_kernels(
    g: Conversion,
    x: Matrix,
    points: Any,
    kernel: Any,
    params: Mapping[str, Any],
    weights: np.ndarray,
    offset: Any = 0.0,
    hint: str = "dual",
    unit: Any = np.inf,
) -> Matrix:
    """Return `K(x, points) @ weights + offset`, [N, k]; "precomputed" takes x for the kernel.

    A linear kernel needs no points: `x @ (pointsᵀ weights)`. weights [m, k], named `hint` in the
    graph. unit, a number or [k]: what counts as 1 of the sums where that is less. Raises
    Unconvertible for a kernel that is a function, or not in the table.
    """
    k = weights.shape[1]
    shift = np.broadcast_to(np.asarray(offset, dtype=np.float64), (k,))
    if kernel == "rbf":
        table = dense(points)
        gamma = gamma_of(table, params)
        return summed(g, x, Gaussians(table, gamma, weights, shift, 1.0, hint, unit))
    if kernel == "linear":
        product = float64(g, x) @ constant(g, dense(points).T @ weights, "coefficients")
        return (product + shift).matrix("float64", k)
    if kernel in ("poly", "polynomial"):
        table = dense(points)
        closed_form = as_form(g, x, table, power_of(table, params), weights, shift, unit)
        if closed_form is not None:
            return closed_form

    def form(name: str) -> list[Matrix]:
        rows = float64(g, Matrix(name, x.dtype, x.width))
        closed_form = kernel_matrix(g, rows, points, kernel, params) @ constant(g, weights, hint)
        return [(closed_form + shift).matrix("float64", k)]

    return in_batches(g, x, batch_rows(2 * len(weights), x.width), form)[0]
