"""Kernel ridge, kernel PCA, kernel approximations, and propagation of labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.answers import about, answer, center_of, unit_of
from toolkit.exporter.formulas.batching import batch_rows, in_batches
from toolkit.exporter.formulas.classes import class_labels
from toolkit.exporter.formulas.distances import dense, metric_name
from toolkit.exporter.formulas.float64_expr import Float64, constant, float64, joined
from toolkit.exporter.formulas.kernel_products import weighted_kernels
from toolkit.exporter.formulas.kernels import kernel_matrix
from toolkit.exporter.formulas.neighbourhood import nearest
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value

# AdditiveChi2Sampler's interval where none is given, by its steps.
INTERVALS = {1: 0.8, 2: 0.5, 3: 0.4}


def ridge(est: Any, x: Value, g: Conversion) -> Outputs:
    """KernelRidge: `K(x, X) @ dual_coef_`."""
    x = g.floating(x)
    params = {"gamma": est.gamma, "degree": est.degree, "coef0": est.coef0}
    dual = dense(est.dual_coef_)
    dual = dual.reshape(len(dual), -1)
    center, unit = (of(g, dual.shape[1]) for of in (center_of, unit_of))
    sums = weighted_kernels(g, x, est.X_fit_, est.kernel, params, dual, 0.0 - center, unit=unit)
    return {"predict": answer(g, x, about(g, sums, center))}


def pca(est: Any, x: Value, g: Conversion) -> Outputs:
    """KernelPCA: the centred kernel times the eigenvectors over the roots of their eigenvalues.

    Centring is linear: `(K + shift − row means) V = K (V − V's column means) + shift V`.
    """
    x, scaled, shift = g.floating(x), _scaled(est), _shift(est._centerer)
    params = {"gamma": est.gamma_, "degree": est.degree, "coef0": est.coef0}
    weights, offset = scaled - scaled.mean(axis=0), shift @ scaled
    projection = weighted_kernels(
        g, x, est.X_fit_, est.kernel, params, weights, offset, "eigenvectors"
    )
    return {"transform": g.cast(projection, x.dtype)}


def projected(est: Any, kernel: Float64) -> Float64:
    """Return a fitted KernelPCA's components of kernel rows [N, fitted rows]."""
    return centred(est._centerer, kernel) @ constant(kernel.g, _scaled(est), "eigenvectors")


def _scaled(est: Any) -> np.ndarray:
    """Return the eigenvectors over the roots of their eigenvalues, 0 where these are 0."""
    values, vectors = np.asarray(est.eigenvalues_), np.asarray(est.eigenvectors_)
    return np.divide(vectors, np.sqrt(values), out=np.zeros_like(vectors), where=values != 0)


def _shift(est: Any) -> np.ndarray:
    """Return what a fitted KernelCenterer adds to a kernel's columns."""
    return float(est.K_fit_all_) - np.asarray(est.K_fit_rows_, dtype=np.float64)


def centred(est: Any, kernel: Float64) -> Float64:
    """Return a fitted KernelCenterer's rows: the fitted columns' and the rows' means taken off."""
    return kernel + _shift(est).reshape(1, -1) - kernel.sum(1) / float(len(est.K_fit_rows_))


def centerer(est: Any, x: Value, g: Conversion) -> Outputs:
    """KernelCenterer on a kernel [N, fitted rows]."""
    x = g.floating(x)
    return {"transform": centred(est, float64(g, x)).matrix(x.dtype, x.width)}


def nystroem(est: Any, x: Value, g: Conversion) -> Outputs:
    """Nystroem: the kernel to the sampled rows times `normalization_.T`."""
    x = g.floating(x)
    own = {"gamma": est.gamma, "degree": est.degree, "coef0": est.coef0}
    params = {**(est.kernel_params or {}), **{k: v for k, v in own.items() if v is not None}}
    weights = np.asarray(est.normalization_, dtype=np.float64).T
    features = weighted_kernels(
        g, x, est.components_, est.kernel, params, weights, 0.0, "normalization"
    )
    return {"transform": g.cast(features, x.dtype)}


def rbf_sampler(est: Any, x: Value, g: Conversion) -> Outputs:
    """RBFSampler: `√(2 / n) cos(X @ weights + offset)`."""
    x = g.floating(x)
    return {"transform": _cosines(est, float64(g, x)).matrix(x.dtype, est.n_components)}


def skewed_chi2(est: Any, x: Value, g: Conversion) -> Outputs:
    """SkewedChi2Sampler: the above of `ln(x + skewedness)`."""
    x = g.floating(x)
    logs = (float64(g, x) + float(est.skewedness)).apply("Log")
    return {"transform": _cosines(est, logs).matrix(x.dtype, est.n_components)}


def _cosines(est: Any, rows: Float64) -> Float64:
    weights = constant(rows.g, est.random_weights_, "weights")
    projection = rows @ weights + np.asarray(est.random_offset_, dtype=np.float64)
    return projection.cosine() * float(np.sqrt(2.0 / est.n_components))


def additive_chi2(est: Any, x: Value, g: Conversion) -> Outputs:
    """AdditiveChi2Sampler: `√(L x)`, then `√(2 L x / cosh(π j L))` times cos and sin of `j L ln x`.

    L is the sample interval; all are 0 where x is.
    """
    interval = est.sample_interval or INTERVALS.get(est.sample_steps)
    if interval is None:
        raise Unconvertible(f"sample_steps={est.sample_steps} without sample_interval")
    x = g.floating(x)
    rows = float64(g, x)
    log = rows.compare("Equal", 0.0).where(1.0, rows).apply("Log") * interval
    parts = [(rows * interval).apply("Sqrt")]
    for j in range(1, est.sample_steps):
        factor = (rows * (2 * interval / np.cosh(np.pi * j * interval))).apply("Sqrt")
        angle = log * float(j)
        parts += [factor * angle.cosine(), factor * angle.apply("Sin")]
    return {"transform": joined(parts).matrix(x.dtype, x.width * len(parts))}


def count_sketch(est: Any, x: Value, g: Conversion) -> Outputs:
    """PolynomialCountSketch: sketches multiplied in the Fourier domain.

    A sketch and its transform are one linear map, so that a factor is `x @ (H_d F)`; the inverse of
    the product's half spectrum is a matrix for each of its real and imaginary parts.
    """
    x = g.floating(x)
    rows, size = float64(g, x) * float(np.sqrt(est.gamma)), est.n_components
    re, im = constant(g, [[1.0]]), constant(g, [[0.0]])
    for index, bit in zip(est.indexHash_, est.bitHash_, strict=True):
        sketch = np.zeros((len(index), size))
        sketch[np.arange(len(index)), index] = bit
        spectrum = np.fft.rfft(sketch, axis=1)
        a, b = (_sketched(est, rows, part) for part in (spectrum.real, spectrum.imag))
        re, im = re * a - im * b, re * b + im * a
    unit = np.eye(size // 2 + 1)
    features = re @ np.fft.irfft(unit, n=size, axis=1) + im @ np.fft.irfft(
        1j * unit, n=size, axis=1
    )
    return {"transform": features.matrix(x.dtype, size)}


def _sketched(est: Any, rows: Float64, weights: np.ndarray) -> Float64:
    """Return the rows, with a last column of √coef0 where there is one, times the weights."""
    if est.coef0 == 0:
        return rows @ constant(rows.g, weights, "hashes")
    return rows @ constant(rows.g, weights[:-1], "hashes") + np.sqrt(est.coef0) * weights[-1]


def propagation(est: Any, x: Value, g: Conversion) -> Outputs:
    """LabelPropagation, LabelSpreading: the fitted rows' class shares, weighted by the kernel."""
    x, classes = g.floating(x), np.asarray(est.classes_)
    shares = np.asarray(est.label_distributions_, dtype=np.float64)
    if est.kernel == "rbf":

        def form(name: str) -> list[Matrix]:
            rows = float64(g, Matrix(name, x.dtype, x.width))
            kernels = kernel_matrix(g, rows, est.X_, "rbf", {"gamma": est.gamma})
            sums = kernels @ constant(g, shares, "shares")
            return [sums.matrix("float64", len(classes))]

        rows = batch_rows(2 * len(shares), x.width)
        total = Float64(g, in_batches(g, x, rows, form)[0].name)
    elif est.kernel == "knn":
        fit = est.nn_fit
        params = dict(fit.effective_metric_params_ or {})
        _, at = nearest(g, x, fit._fit_X, est.n_neighbors, fit.effective_metric_, params)
        total = constant(g, shares, "shares").take(at, axis=0).sum(1, keep=False)
    else:
        raise Unconvertible(f"kernel={metric_name(est.kernel)}")
    p = total / total.sum(1)
    # A row so far away that all its weights are 0 has 0 / 0; the label is then the first class.
    return {
        "predict": class_labels(g, total.index("ArgMax"), classes),
        "predict_proba": p.matrix(x.dtype, len(classes)),
    }


CONVERTERS = {
    "sklearn.KernelRidge": ridge,
    "sklearn.KernelPCA": pca,
    "sklearn.KernelCenterer": centerer,
    "sklearn.Nystroem": nystroem,
    "sklearn.RBFSampler": rbf_sampler,
    "sklearn.SkewedChi2Sampler": skewed_chi2,
    "sklearn.AdditiveChi2Sampler": additive_chi2,
    "sklearn.PolynomialCountSketch": count_sketch,
    "sklearn.LabelPropagation": propagation,
    "sklearn.LabelSpreading": propagation,
}
