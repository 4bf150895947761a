"""Gaussian processes: the posterior mean, and the Laplace approximation's class probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.answers import about, answer, center_of, unit_of
from toolkit.exporter.formulas.batching import batch_rows, in_batches
from toolkit.exporter.formulas.classes import class_labels, index_above
from toolkit.exporter.formulas.covariances import as_gaussian, spread_out
from toolkit.exporter.formulas.float64_expr import Float64, constant, float64, joined
from toolkit.exporter.formulas.gaussian import summed
from toolkit.exporter.formulas.gaussian_terms import Gaussians
from toolkit.exporter.formulas.latent import latent_of
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value

LARGE = 1e6  # weights that sum to more show the rounding of a distance from a matrix product

# Williams and Barber's approximation of the sigmoid by error functions, as in scikit-learn's
# gaussian_process/_gpc.py: σ(z) ≈ Σ COEFS ½ (1 + erf(λ z)).
LAMBDAS = np.array([0.41, 0.4, 0.37, 0.44, 0.39])
COEFS = np.array([-1854.8214151, 3516.89893646, 221.29346712, 128.12323805, -2010.49422654])

NEAR = 1e-3  # of 0, where three terms of erf's power series are exact

# erfc(x) = t exp(−x² + P(u)), t = 2 / (2 + x), u = 2 t − 1, for x ≥ 0: Chebyshev coefficients of P
# from Numerical Recipes (3rd edition, 6.2.2), c₀ halved; 1.2e-16 everywhere.
ERFC = np.array([
    -1.3026537197817094 / 2, 6.4196979235649026e-1, 1.9476473204185836e-2, -9.561514786808631e-3,
    -9.46595344482036e-4, 3.66839497852761e-4, 4.2523324806907e-5, -2.0278578112534e-5,
    -1.624290004647e-6, 1.303655835580e-6, 1.5626441722e-8, -8.5238095915e-8, 6.529054439e-9,
    5.059343495e-9, -9.91364156e-10, -2.27365122e-10, 9.6467911e-11, 2.394038e-12, -6.886027e-12,
    8.94487e-13, 3.13092e-13, -1.12708e-13, 3.81e-16, 7.106e-15, -1.523e-15, -9.4e-17, 1.21e-16,
    -2.8e-17,
])  # fmt: skip


def regressor(est: Any, x: Value, g: Conversion) -> Outputs:
    """`k(x, X) α`, times the targets' deviation, plus their mean."""
    if not hasattr(est, "X_train_"):
        raise Unconvertible("a process that was not fitted")
    x = g.floating(x)
    alpha = np.asarray(est.alpha_, dtype=np.float64)
    alpha = alpha.reshape(len(alpha), -1)
    scale, mean = (np.asarray(v, dtype=np.float64) for v in (est._y_train_std, est._y_train_mean))
    center = center_of(g, alpha.shape[1])
    posterior = _posterior(
        est, x, g, alpha * scale, np.broadcast_to(mean, alpha.shape[1:]) - center
    )
    return {"predict": answer(g, x, about(g, posterior, center))}


def _posterior(est: Any, x: Matrix, g: Conversion, alpha: np.ndarray, offset: np.ndarray) -> Matrix:
    """Return `k(x, X) α + offset`, float64 [N, k]."""
    points = np.asarray(est.X_train_, dtype=np.float64)
    gaussian = as_gaussian(est.kernel_)
    if gaussian:
        factor, length = gaussian
        same = length.size == 1  # one scale for all columns needs no node of its own
        gamma, scale = (0.5 / float(length) ** 2, 1.0) if same else (0.5, length)
        unit = unit_of(g, alpha.shape[1])
        terms = Gaussians(points, gamma, factor * alpha, offset, scale, "alpha", unit)
        return summed(g, x, terms)
    exact = bool(np.abs(alpha).sum(axis=0).max() > LARGE)

    def form(name: str) -> list[Matrix]:
        rows = float64(g, Matrix(name, x.dtype, x.width))
        total = (
            spread_out(g, est.kernel_, rows, points, exact) @ constant(g, alpha, "alpha") + offset
        )
        return [total.matrix("float64", alpha.shape[1])]

    return in_batches(g, x, batch_rows(2 * len(points)), form)[0]


def classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """One process for two classes, one against the rest for more, or one for each pair."""
    x, classes = g.floating(x), np.asarray(est.classes_)
    if len(classes) == 2:
        p, latent = _binary([est.base_estimator_], x, g)
        index = index_above(g, latent.matrix("float64", 1), 0.0)
        shares = joined([1.0 - p, p])
    else:
        scores, latent = _binary(est.base_estimator_.estimators_, x, g)
        if est.multi_class != "one_vs_rest":
            return {"predict": class_labels(g, _pairs(g, scores, latent, len(classes)), classes)}
        index = scores.index("ArgMax")
        shares = scores / scores.sum(1)
    return {
        "predict": class_labels(g, index, classes),
        "predict_proba": shares.matrix(x.dtype, len(classes)),
    }


def _pairs(g: Conversion, p: Float64, latent: Float64, count: int) -> Matrix:
    """Return the class of the most votes; equal ones are ranked by the sums of probabilities."""
    first, second = np.triu_indices(count, 1)
    won = latent.compare("Greater", 0.0).float64()
    sides = np.eye(count)
    difference = sides[second] - sides[first]
    votes = won @ constant(g, difference, "sides") + sides[first].sum(axis=0)
    total = p @ constant(g, difference, "sides")
    return (votes + total / (3.0 * (total.apply("Abs") + 1.0))).index("ArgMax")


def _binary(processes: Sequence[Any], x: Matrix, g: Conversion) -> tuple[Float64, Float64]:
    """Return the second classes' probabilities [N, processes] and the latent means.

    Rasmussen and Williams, algorithm 3.2: the integral over the sigmoid is
    `½ Σ COEFS (1 + erf(λ mean / √(1 + 2 λ² variance)))`.
    """
    count, points = len(processes), max(len(p.X_train_) for p in processes)

    def form(name: str) -> list[Matrix]:
        rows = float64(g, Matrix(name, x.dtype, x.width))
        means, variances = zip(*(latent_of(p, rows) for p in processes), strict=True)
        return [joined(list(parts)).matrix("float64", count) for parts in (means, variances)]

    # A chunk's rows share the reading of matrices [points, points].
    probabilities = in_batches(g, x, batch_rows(2 * points, points), form)
    mean, variance = (Float64(g, m.name) for m in probabilities)
    spread = 1.0 + variance.reshape(0, count, 1) * (2.0 * LAMBDAS**2)
    argument = mean.reshape(0, count, 1) * LAMBDAS / spread.apply("Sqrt")
    p = (erf(argument) * (0.5 * COEFS)).sum(2, keep=False) + float(0.5 * COEFS.sum())
    return p, mean


def erf(x: Float64) -> Float64:
    """Return the error function [N, k] in float64, for which onnxruntime has no operator.

    float32 would not do: the coefficients of size 3500 cancel to a number below 1.
    """
    size = x.apply("Abs")
    t = 2.0 / (size + 2.0)
    # Clenshaw's recurrence for Σ c_k T_k(u).
    u = t * 2.0 - 1.0
    twice, d, dd = u * 2.0, u * 0.0, u * 0.0
    for c in ERFC[:0:-1]:
        d, dd = twice * d - dd + float(c), d
    log = u * d - dd + float(ERFC[0])
    square = x * x
    positive = 1.0 - t * (log - square).apply("Exp")
    value = x.compare("Less", 0.0).where(-positive, positive)
    # Next to 0 its power series, since there the coefficients show 1 − (1 − x).
    series = x * (1.0 - square / 3.0 + square * square / 10.0) * float(2.0 / np.sqrt(np.pi))
    return size.compare("Less", NEAR).where(series, value)


CONVERTERS = {
    "sklearn.GaussianProcessRegressor": regressor,
    "sklearn.GaussianProcessClassifier": classifier,
}
