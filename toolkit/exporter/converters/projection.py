"""Projections: principal and independent components, factors, random and partial-least-squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.affine import affine_map
from toolkit.exporter.formulas.answers import about, center_of, unit_of
from toolkit.exporter.formulas.linear_map import projected
from toolkit.exporter.values import Outputs, Value


def principal(est: Any, x: Value, g: Conversion) -> Outputs:
    """PCA, IncrementalPCA: `(x − mean_) @ components_.T`, over the standard deviations if whitened.

    The columns' variances are those of the model, `Σ_k c_kj² var_k` and what was discarded.
    """
    components = np.asarray(est.components_, dtype=np.float64)
    variance = np.asarray(est.explained_variance_, dtype=np.float64)
    discarded = max(0.0, float(est.noise_variance_)) * (components.shape[1] - len(components))
    spread = np.sqrt(variance @ components**2 + discarded)
    weights = components.T
    if est.whiten:
        # The floor is scikit-learn's own, the epsilon of the variances' type.
        floor = np.finfo(est.explained_variance_.dtype).eps
        weights = weights / np.maximum(np.sqrt(variance), floor)
    return {"transform": projected(g, x, est.mean_, weights, spread=spread)}


def uncentred(est: Any, x: Value, g: Conversion) -> Outputs:
    """TruncatedSVD and random projections: `x @ components_.T`; components_ may be sparse.

    Nothing is known of the columns' sizes; where float32 loses too much, the proof says it.
    """
    components = est.components_
    dense = components.toarray() if hasattr(components, "toarray") else np.asarray(components)
    return {"transform": affine_map(g, g.floating(x), dense.T, np.zeros(len(dense)))}


def independent(est: Any, x: Value, g: Conversion) -> Outputs:
    """FastICA: `(x − mean_) @ components_.T`; no centre where it does not whiten."""
    center = est.mean_ if est.whiten else None
    return {"transform": projected(g, x, center, np.asarray(est.components_).T)}


def factors(est: Any, x: Value, g: Conversion) -> Outputs:
    """FactorAnalysis: the posterior mean of the factors, `(x − μ) Ψ⁻¹Wᵀ (I + W Ψ⁻¹ Wᵀ)⁻¹`.

    W = components_ [k, d], Ψ = noise_variance_ (Bishop, Pattern Recognition, eq. 12.66–12.68).
    """
    loadings = np.asarray(est.components_, dtype=np.float64)
    noise = np.asarray(est.noise_variance_, dtype=np.float64)
    scaled = loadings / noise
    weights = scaled.T @ np.linalg.inv(np.eye(len(loadings)) + scaled @ loadings.T)
    spread = np.sqrt((loadings**2).sum(axis=0) + noise)
    return {"transform": projected(g, x, est.mean_, weights, spread=spread)}


def sparse_principal(est: Any, x: Value, g: Conversion) -> Outputs:
    """SparsePCA, MiniBatchSparsePCA: ridge regression on the components, which is linear in x.

    `(x − mean_) Cᵀ (C Cᵀ + ridge_alpha I)⁻¹` with C = components_ [k, d].
    """
    components = np.asarray(est.components_, dtype=np.float64)
    normal = components @ components.T + est.ridge_alpha * np.eye(len(components))
    return {"transform": projected(g, x, est.mean_, components.T @ np.linalg.pinv(normal))}


def least_squares(est: Any, x: Value, g: Conversion) -> Outputs:
    """PLSRegression, PLSCanonical, CCA: predictions and scores of the standardised rows.

    `(x − mean) @ coef_.T + intercept_` and `((x − mean) / std) @ x_rotations_`.
    """
    center, scale = est._x_mean, est._x_std
    weights, bias = np.asarray(est.coef_).T, np.asarray(est.intercept_, dtype=np.float64)
    mean, unit = (of(g, weights.shape[1]) for of in (center_of, unit_of))
    predicted = projected(g, x, center, weights, bias - mean, _known(est, scale), unit)
    return {
        "predict": about(g, predicted, mean),
        "transform": _scores(est, est.x_rotations_, x, g),
    }


def least_squares_svd(est: Any, x: Value, g: Conversion) -> Outputs:
    """PLSSVD: `((x − mean) / std) @ x_weights_`."""
    return {"transform": _scores(est, est.x_weights_, x, g)}


def _scores(est: Any, rotations: Any, x: Value, g: Conversion) -> Any:
    scale = np.asarray(est._x_std, dtype=np.float64)
    weights = np.asarray(rotations) / scale[:, None]
    return projected(g, x, est._x_mean, weights, spread=_known(est, scale))


def _known(est: Any, scale: Any) -> Any:
    # Without scaling the deviations are all 1 and say nothing of the data.
    return scale if est.scale else None


def boltzmann(est: Any, x: Value, g: Conversion) -> Outputs:
    """BernoulliRBM: the hidden units' probabilities, `sigmoid(x @ components_.T + intercept)`."""
    weights = np.asarray(est.components_).T
    hidden = affine_map(g, g.floating(x), weights, est.intercept_hidden_)
    return {"transform": g.unary("Sigmoid", hidden)}


CONVERTERS = {
    "sklearn.PCA": principal,
    "sklearn.IncrementalPCA": principal,
    "sklearn.TruncatedSVD": uncentred,
    "sklearn.GaussianRandomProjection": uncentred,
    "sklearn.SparseRandomProjection": uncentred,
    "sklearn.FastICA": independent,
    "sklearn.FactorAnalysis": factors,
    "sklearn.SparsePCA": sparse_principal,
    "sklearn.MiniBatchSparsePCA": sparse_principal,
    "sklearn.PLSRegression": least_squares,
    "sklearn.PLSCanonical": least_squares,
    "sklearn.CCA": least_squares,
    "sklearn.PLSSVD": least_squares_svd,
    "sklearn.BernoulliRBM": boltzmann,
}
