"""Gaussian mixtures and the robust covariance: densities in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import digamma

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas import likelihood
from toolkit.exporter.formulas.classes import class_labels, index_above
from toolkit.exporter.formulas.linear_map import result_dtype, wide
from toolkit.exporter.formulas.matmul import affine
from toolkit.exporter.values import Matrix, Outputs, Value


def gaussian(est: Any, x: Value, g: Conversion) -> Outputs:
    """GaussianMixture: `log w_c + log N(x; μ_c, Σ_c)`, its argmax and its softmax.

    The constant ½ d log 2π is the same for every component and is left out.
    """
    with np.errstate(divide="ignore"):
        return _components(est, x, g, np.log(est.weights_))


def bayesian(est: Any, x: Value, g: Conversion) -> Outputs:
    """BayesianGaussianMixture: the expectations of log weight, log precision and distance.

    Bishop, Pattern Recognition, eq. 10.64–10.66; the weights by stick breaking for the Dirichlet
    process (Blei & Jordan 2006).
    """
    freedom = np.asarray(est.degrees_of_freedom_, dtype=np.float64)
    width = est.means_.shape[1]
    steps = np.arange(width)[:, None]
    log_lambda = width * np.log(2.0) + digamma(0.5 * (freedom - steps)).sum(axis=0)
    precision = 0.5 * (log_lambda - width / np.asarray(est.mean_precision_))
    offsets = precision - 0.5 * width * np.log(freedom)
    return _components(est, x, g, _log_weights(est) + offsets)


def _log_weights(est: Any) -> np.ndarray:
    if est.weight_concentration_prior_type == "dirichlet_process":
        a, b = (np.asarray(c) for c in est.weight_concentration_)
        rest = np.cumsum(digamma(b) - digamma(a + b))
        return digamma(a) - digamma(a + b) + np.concatenate([[0.0], rest[:-1]])
    concentration = np.asarray(est.weight_concentration_)
    return digamma(concentration) - digamma(concentration.sum())


def _components(est: Any, x: Value, g: Conversion, constants: np.ndarray) -> Outputs:
    means = np.asarray(est.means_, dtype=np.float64)
    factors = np.asarray(est.precisions_cholesky_, dtype=np.float64)
    scores = SCORES[est.covariance_type](g, wide(g, x), means, factors, constants)
    return likelihood.posterior(g, scores, np.arange(len(means)), result_dtype(g, x))


def _full(g: Conversion, x: Matrix, means: Any, factors: Any, constants: Any) -> Matrix:
    """Factors [components, d, d], upper triangular, of the precisions `F Fᵀ`."""
    diagonals = np.array([np.log(np.diag(f)).sum() for f in factors])
    return likelihood.full(g, x, means, list(factors), constants + diagonals)


def _tied(g: Conversion, x: Matrix, means: Any, factors: Any, constants: Any) -> Matrix:
    """One factor [d, d] for all: rows are mapped once, and distances are Euclidean there.

    Its determinant is common to all components and is left out.
    """
    center = means.mean(axis=0)
    mapped = affine(g, g.binary("Sub", x, center, "center"), factors, np.zeros(factors.shape[1]))
    there = (means - center) @ factors
    return likelihood.diagonal(g, mapped, there, np.ones_like(there), constants)


def _diagonal(g: Conversion, x: Matrix, means: Any, factors: Any, constants: Any) -> Matrix:
    """Factors [components, d], the inverse deviations; [components] where all are equal."""
    factors = np.broadcast_to(factors.reshape(len(means), -1), means.shape)
    constants = constants + np.log(factors).sum(axis=1)
    return likelihood.diagonal(g, x, means, factors**2, constants)


SCORES = {"full": _full, "tied": _tied, "diag": _diagonal, "spherical": _diagonal}


def elliptic_envelope(est: Any, x: Value, g: Conversion) -> Outputs:
    """`−(x − location_) P (x − location_)ᵀ − offset_`, P the precision; an outlier below 0."""
    dtype = result_dtype(g, x)
    away = g.binary("Sub", wide(g, x), est.location_, "location")
    mapped = affine(g, away, est.get_precision(), np.zeros(away.width))
    squares = g.reduce("ReduceSum", g.mul(away, mapped).name, [1])
    beyond = g.binary("Add", Matrix(squares, "float64", 1), [est.offset_], "offset")
    labels = class_labels(g, index_above(g, beyond, 0.0), np.array([1, -1]))
    return {"predict": labels, "decision_function": g.cast(g.unary("Neg", beyond), dtype)}


CONVERTERS = {
    "sklearn.GaussianMixture": gaussian,
    "sklearn.BayesianGaussianMixture": bayesian,
    "sklearn.EllipticEnvelope": elliptic_envelope,
}
