"""Support vector regression: kernels as matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.converters.svc import kernel_of
from toolkit.exporter.formulas.distances import dense
from toolkit.exporter.formulas.gaussian import summed
from toolkit.exporter.formulas.gaussian_terms import Gaussians
from toolkit.exporter.graph import Graph, Matrix, Outputs, Value


def regressor(est: Any, x: Value, g: Graph) -> Outputs:
    """`K(X, S) @ dual_coef_.T + intercept_` with the support vectors S [m, d]."""
    x = g.floating(x)
    if est.kernel == "rbf":
        dual = dense(est.dual_coef_).T
        sums = Gaussians(dense(est.support_vectors_), float(est._gamma), dual, est.intercept_)
        return {"predict": g.cast(summed(g, x, sums), x.dtype)}
    if isinstance(est.kernel, str) and est.kernel in KERNELS:
        kernel = KERNELS[est.kernel](est, x, dense(est.support_vectors_), g)
    else:  # precomputed, or refused
        kernel = kernel_of(est, x, g).matrix(x.dtype, len(est.support_))
    return {"predict": _weighted(kernel, est, g)}


def _weighted(kernel: Matrix, est: Any, g: Graph) -> Matrix:
    """Return `kernel @ dual + intercept`, summed in float64.

    Thousands of terms of size C and of both signs cancel to a number near 1: in float32 that sum
    alone is off by 1e-4 (California Housing, 7351 vectors, C = 5), its terms are not.
    """
    dual = Matrix(g.constant(dense(est.dual_coef_).T, kernel.dtype, "dual"), kernel.dtype, 1)
    names = [g.cast(kernel, "float64").name, g.cast(dual, "float64").name]
    total = Matrix(g.add("MatMul", names, "total"), "float64", 1)
    return g.cast(g.binary("Add", total, est.intercept_, "intercept"), kernel.dtype)


def linear(est: Any, x: Matrix, vectors: np.ndarray, g: Graph) -> Matrix:
    """`x·s`."""
    return g.affine(x, vectors.T, np.zeros(len(vectors)))


def polynomial(est: Any, x: Matrix, vectors: np.ndarray, g: Graph) -> Matrix:
    """`(γ x·s + coef0) ** degree`."""
    bias = np.full(len(vectors), est.coef0)
    inner = g.affine(x, float(est._gamma) * vectors.T, bias)
    return g.binary("Pow", inner, [float(est.degree)], "degree")


def sigmoid(est: Any, x: Matrix, vectors: np.ndarray, g: Graph) -> Matrix:
    """`tanh(γ x·s + coef0)`."""
    bias = np.full(len(vectors), est.coef0)
    return g.unary("Tanh", g.affine(x, float(est._gamma) * vectors.T, bias))


KERNELS = {"linear": linear, "poly": polynomial, "sigmoid": sigmoid}

CONVERTERS = {"sklearn.SVR": regressor, "sklearn.NuSVR": regressor}
