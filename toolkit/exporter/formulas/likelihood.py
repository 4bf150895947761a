"""Log-likelihoods of Gaussian classes and their posterior, in float64 inside the graph.

The squares of rows far from a class are large numbers whose differences decide: in float32 a
log-likelihood of 1000 has an error of 1e-4, and so has the probability.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.classes import class_labels, largest_index
from toolkit.exporter.formulas.matmul import affine
from toolkit.exporter.values import Matrix

# Above this, the expanded square has lost more than about 1e-8 to cancellation.
EXPANDED_LIMIT = 1e7


def posterior(g: Conversion, scores: Matrix, classes: Any, dtype: str) -> dict[str, Matrix]:
    """Return the label of each row's largest score and the softmax of the scores, as `dtype`."""
    return {
        "predict": class_labels(g, largest_index(g, scores), np.asarray(classes)),
        "predict_proba": g.cast(g.unary("Softmax", scores, axis=1), dtype),
    }


def diagonal(g: Conversion, x: Matrix, means: Any, inverses: Any, constants: Any) -> Matrix:
    """Return `constants_c − ½ Σ_j inverses_cj (x_j − means_cj)²` for each class c.

    means, inverses [classes, d]. The square is expanded, `u² − 2uθ + θ²` with u and θ taken from
    the means' centre: two products of matrices. Where classes lie so many deviations apart that
    this cancels, the differences are taken row by class, as scikit-learn does.
    """
    means, inverses = np.asarray(means, np.float64), np.asarray(inverses, np.float64)
    constants = np.asarray(constants, np.float64)
    center = means.mean(axis=0)
    u, theta = g.binary("Sub", x, center, "center"), means - center
    if (inverses * theta**2).max(initial=0.0) > EXPANDED_LIMIT:
        return _by_class(g, u, theta, inverses, constants)
    constants = constants - 0.5 * (inverses * theta**2).sum(axis=1)
    linear = affine(g, u, (inverses * theta).T, constants)
    squares = affine(g, g.mul(u, u), -0.5 * inverses.T, np.zeros(len(means)))
    return Matrix(g.add("Add", [linear.name, squares.name], "scores"), x.dtype, len(means))


def _by_class(
    g: Conversion, u: Matrix, theta: np.ndarray, inverses: np.ndarray, constants: np.ndarray
) -> Matrix:
    """Return the same from the differences [N, classes, d] themselves."""
    rows = g.add("Unsqueeze", [u.name, g.constant([1], "int64", "axis")], "rows")
    away = g.add("Sub", [rows, g.constant(theta, u.dtype, "means")], "away")
    factor = g.constant(np.sqrt(0.5 * inverses), u.dtype, "inverses")
    scaled = g.add("Mul", [away, factor], "scaled")
    return _minus_squares(g, scaled, constants, u.dtype)


def full(g: Conversion, x: Matrix, means: Any, maps: Any, constants: Any) -> Matrix:
    """Return `constants_c − ½ ‖(x − means_c) @ maps_c‖²` for each class c.

    maps: a matrix [d, rank_c] a class. All classes are one product, filled up with columns of
    zeros to the largest rank.
    """
    means = np.asarray(means, np.float64)
    center = means.mean(axis=0)
    count, width, rank = len(means), means.shape[1], max(m.shape[1] for m in maps)
    weights = np.zeros((count, width, rank))
    for c, factor in enumerate(maps):
        weights[c, :, : factor.shape[1]] = factor * np.sqrt(0.5)
    bias = -np.einsum("cd,cdr->cr", means - center, weights)
    flat = weights.transpose(1, 0, 2).reshape(width, count * rank)
    mapped = affine(g, g.binary("Sub", x, center, "center"), flat, bias)
    shape = g.constant([-1, count, rank], "int64", "shape")
    return _minus_squares(
        g, g.add("Reshape", [mapped.name, shape], "maps"), np.asarray(constants), x.dtype
    )


def _minus_squares(g: Conversion, values: str, constants: np.ndarray, dtype: str) -> Matrix:
    """Return `constants − Σ values²` over the last axis of [N, classes, d]."""
    total = g.reduce("ReduceSumSquare", values, [2], keep=False)
    constant = g.constant(constants, dtype, "constants")
    return Matrix(g.add("Sub", [constant, total], "scores"), dtype, len(constants))
