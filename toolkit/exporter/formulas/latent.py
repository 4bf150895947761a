"""The latent function of a Gaussian process of two classes: its mean and its variance."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.formulas.covariances import diagonal, spread_out
from toolkit.exporter.formulas.float64_expr import Float64, constant
from toolkit.exporter.formulas.gaussian_terms import points_and_near
from toolkit.exporter.values import Matrix
from toolkit.precision import LATENT_VARIANCES

PROBES = 64
BLOCK = 128  # rows of the triangle that are one product: above its diagonal a block has zeros


def latent_of(est: Any, x: Float64) -> tuple[Float64, Float64]:
    """Return the latent mean and variance of rows x, float64 [N, 1] each.

    Rasmussen and Williams, algorithm 3.2: mean `k (y − π)`, variance `k(x, x) − ‖L⁻¹ W^½ k‖²`. The
    matrix is a triangle. `L Lᵀ = I + W^½ K W^½` and W is at most ¼, so that it makes nothing
    larger: its product is in float32 where probes show that this is enough.
    """
    g, points = x.g, np.asarray(est.X_train_, dtype=np.float64)
    kernels = spread_out(g, est.kernel_, x, points, exact=False)
    mean = kernels @ constant(g, (est.y_train_ - est.pi_).reshape(-1, 1), "residuals")
    solve = np.linalg.solve(est.L_, np.diag(est.W_sr_))
    dtype = "float32" if not g.wide and _lost(est, points, solve) <= LATENT_VARIANCES else "float64"
    kernel_rows = g.cast(Matrix(kernels.name, "float64", len(points)), dtype)
    explained = None
    for start in range(0, len(points), BLOCK):
        end = min(start + BLOCK, len(points))
        triangle = g.constant(solve[start:end, :end].T, dtype, "solve")
        to = [g.constant([v], "int64", h) for v, h in ((0, "start"), (end, "end"), (1, "axis"))]
        before = (
            kernel_rows.name
            if end == len(points)
            else g.add("Slice", [kernel_rows.name, *to], "before")
        )
        product = g.add("MatMul", [before, triangle], "product")
        squares = g.reduce("ReduceSumSquare", product, [1])
        part = Float64(g, g.cast(Matrix(squares, dtype, 1), "float64").name)
        explained = part if explained is None else explained + part
    assert explained is not None
    # A kernel that is the same for all rows has one number.
    return mean, diagonal(g, est.kernel_, x) + mean * 0.0 - explained


def _lost(est: Any, points: np.ndarray, solve: np.ndarray) -> float:
    """Return how far float32 moves a variance, of 1 + variance, on points and rows near them."""
    rows = points_and_near(points, PROBES)
    kernels = est.kernel_(rows, points)
    exact = ((kernels @ solve.T) ** 2).sum(axis=1)
    with np.errstate(over="ignore"):
        narrow = kernels.astype(np.float32) @ solve.T.astype(np.float32)
        variances = (narrow**2).sum(axis=1).astype(np.float64)
    largest = est.kernel_.diag(rows[: len(rows) // 2]).max()  # of the points
    variance = np.maximum(largest - exact, 0.0)
    return float((np.abs(variances - exact) / (1.0 + variance)).max())
