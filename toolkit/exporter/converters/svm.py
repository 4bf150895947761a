"""Support vector regression: kernels as matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.converters.svc import kernels_times
from toolkit.exporter.formulas.chunks import chunk_rows, in_chunks
from toolkit.exporter.formulas.distances import dense
from toolkit.exporter.formulas.powers import as_form
from toolkit.exporter.graph import Graph, Matrix, Outputs, Value


def regressor(est: Any, x: Value, g: Graph) -> Outputs:
    """`K(X, S) @ dual_coef_.T + intercept_` with the support vectors S [m, d]."""
    x = g.floating(x)
    dual = dense(est.dual_coef_).T
    if est.kernel not in KERNELS:
        return {"predict": g.cast(kernels_times(est, x, g, dual, est.intercept_), x.dtype)}
    kernel, vectors = KERNELS[est.kernel], dense(est.support_vectors_)
    if est.kernel == "poly":
        power = float(est._gamma), float(est.coef0), float(est.degree)
        offset = np.asarray(est.intercept_, dtype=np.float64)
        sums = as_form(g, x, vectors, power, dual, offset)
        if sums is not None:
            return {"predict": g.cast(sums, x.dtype)}

    def form(name: str) -> list[Matrix]:
        return [_weighted(kernel(est, Matrix(name, x.dtype, x.width), vectors, g), est, g)]

    (found,) = in_chunks(g, x, chunk_rows(2 * len(vectors), x.width), form)
    return {"predict": found}


def _weighted(kernel: Matrix, est: Any, g: Graph) -> Matrix:
    """Return `kernel @ dual + intercept`, summed in float64.

    Thousands of terms of size C and of both signs cancel to a number near 1: in float32 that sum
    alone is off by 1e-4 (California Housing, 7351 vectors, C = 5), its terms are not.
    """
    dual = Matrix(g.constant(dense(est.dual_coef_).T, kernel.dtype, "dual"), kernel.dtype, 1)
    names = [g.cast(kernel, "float64").name, g.cast(dual, "float64").name]
    total = Matrix(g.add("MatMul", names, "total"), "float64", 1)
    return g.cast(g.binary("Add", total, est.intercept_, "intercept"), kernel.dtype)


def polynomial(est: Any, x: Matrix, vectors: np.ndarray, g: Graph) -> Matrix:
    """`(γ x·s + coef0) ** degree`."""
    bias = np.full(len(vectors), est.coef0)
    inner = g.affine(x, float(est._gamma) * vectors.T, bias)
    return g.binary("Pow", inner, [float(est.degree)], "degree")


def sigmoid(est: Any, x: Matrix, vectors: np.ndarray, g: Graph) -> Matrix:
    """`tanh(γ x·s + coef0)`."""
    bias = np.full(len(vectors), est.coef0)
    return g.unary("Tanh", g.affine(x, float(est._gamma) * vectors.T, bias))


KERNELS = {"poly": polynomial, "sigmoid": sigmoid}

CONVERTERS = {"sklearn.SVR": regressor, "sklearn.NuSVR": regressor}
