"""Support vector regression: kernels as matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.converters.svc import kernels_times
from toolkit.exporter.formulas.answers import about, answer, center_of, unit_of
from toolkit.exporter.formulas.batching import batch_rows, in_batches
from toolkit.exporter.formulas.distances import dense
from toolkit.exporter.formulas.matmul import affine
from toolkit.exporter.formulas.powers import as_form
from toolkit.exporter.values import Matrix, Outputs, Value


def regressor(est: Any, x: Value, g: Conversion) -> Outputs:
    """`K(X, S) @ dual_coef_.T + intercept_` with the support vectors S [m, d]."""
    x, center = g.floating(x), center_of(g, 1)
    sums = _sums(est, x, g, np.asarray(est.intercept_, dtype=np.float64) - center)
    return {"predict": answer(g, x, about(g, sums, center))}


def _sums(est: Any, x: Matrix, g: Conversion, offset: np.ndarray) -> Matrix:
    """Return `K(X, S) @ dual_coef_.T + offset`."""
    if not len(est.support_):  # all targets lie within epsilon of the intercept
        return g.repeated(offset, "float64", x)
    dual = dense(est.dual_coef_).T
    if est.kernel not in KERNELS:
        return kernels_times(est, x, g, dual, offset, unit_of(g, 1))
    kernel, vectors = KERNELS[est.kernel], dense(est.support_vectors_)
    if est.kernel == "poly":
        power = float(est._gamma), float(est.coef0), float(est.degree)
        sums = as_form(g, x, vectors, power, dual, offset, unit_of(g, 1))
        if sums is not None:
            return sums

    def form(name: str) -> list[Matrix]:
        kernels = kernel(est, Matrix(name, x.dtype, x.width), vectors, g)
        return [_weighted(kernels, dual, offset, g)]

    return in_batches(g, x, batch_rows(2 * len(vectors), x.width), form)[0]


def _weighted(kernel: Matrix, dual: np.ndarray, offset: np.ndarray, g: Conversion) -> Matrix:
    """Return `kernel @ dual + offset`, summed in float64.

    Thousands of terms of size C and of both signs cancel to a number near 1: in float32 that sum
    alone is off by 1e-4 (California Housing, 7351 vectors, C = 5), its terms are not.
    """
    table = Matrix(g.constant(dual, kernel.dtype, "dual"), kernel.dtype, 1)
    names = [g.cast(kernel, "float64").name, g.cast(table, "float64").name]
    total = Matrix(g.add("MatMul", names, "total"), "float64", 1)
    return g.cast(g.binary("Add", total, offset, "intercept"), kernel.dtype)


def polynomial(est: Any, x: Matrix, vectors: np.ndarray, g: Conversion) -> Matrix:
    """`(γ x·s + coef0) ** degree`."""
    bias = np.full(len(vectors), est.coef0)
    inner = affine(g, x, float(est._gamma) * vectors.T, bias)
    return g.binary("Pow", inner, [float(est.degree)], "degree")


def sigmoid(est: Any, x: Matrix, vectors: np.ndarray, g: Conversion) -> Matrix:
    """`tanh(γ x·s + coef0)`."""
    bias = np.full(len(vectors), est.coef0)
    return g.unary("Tanh", affine(g, x, float(est._gamma) * vectors.T, bias))


KERNELS = {"poly": polynomial, "sigmoid": sigmoid}

CONVERTERS = {"sklearn.SVR": regressor, "sklearn.NuSVR": regressor}
