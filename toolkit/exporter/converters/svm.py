"""Support vector regression: kernels as matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.converters.svc import kernel_of
from toolkit.exporter.formulas.distances import dense
from toolkit.exporter.graph import Graph, Matrix, Outputs, Value


def regressor(est: Any, x: Value, g: Graph) -> Outputs:
    """`K(X, S) @ dual_coef_.T + intercept_` with the support vectors S [m, d]."""
    x = g.floating(x)
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


def rbf(est: Any, x: Matrix, vectors: np.ndarray, g: Graph) -> Matrix:
    """`exp(−γ‖x − s‖²)` as `exp(z·t − ½‖t‖² − ½‖z‖²)` with z = √(2γ) x and t = √(2γ) s.

    ½‖t‖² is computed in the graph, from the constants that it shares with the product, and folded
    by onnxruntime when it opens the graph: that saves its bytes, and whatever rounding t gets, the
    exponent stays that of a distance.
    """
    root = float(np.sqrt(2 * est._gamma))
    z = g.binary("Mul", x, [root], "root")
    t = g.constant(root * vectors.T, x.dtype, "vectors")
    half = g.constant(-0.5, x.dtype, "half")
    norms = g.reduce("ReduceSumSquare", t, [0])
    bias = g.add("Mul", [norms, half], "bias")
    products = g.add("Gemm", [z.name, t, bias], "products")
    lengths = g.reduce("ReduceSumSquare", z.name, [1])
    negated = g.add("Mul", [lengths, half], "negated")
    exponent = Matrix(g.add("Add", [products, negated], "exponent"), x.dtype, len(vectors))
    # Cancellation may leave a value just above 0, and a kernel just above 1.
    return g.unary("Exp", g.binary("Min", exponent, [0.0], "zero"))


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


KERNELS = {"rbf": rbf, "linear": linear, "poly": polynomial, "sigmoid": sigmoid}

CONVERTERS = {"sklearn.SVR": regressor, "sklearn.NuSVR": regressor}
