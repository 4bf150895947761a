"""Linear and quadratic discriminant analysis."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas import likelihood
from toolkit.exporter.formulas.binary_sigmoid import binary_sigmoid
from toolkit.exporter.formulas.classes import class_labels, largest_index
from toolkit.exporter.formulas.linear_map import projected, result_dtype, wide, wide_product
from toolkit.exporter.values import Matrix, Outputs, Value


def linear(est: Any, x: Value, g: Conversion) -> Outputs:
    """LinearDiscriminantAnalysis: scores `x @ coef_.T + intercept_`, and its projection.

    Two classes have one score, a log-odds, and its sigmoid as probability; more have a softmax.
    """
    coef = np.asarray(est.coef_, dtype=np.float64)
    center = np.asarray(est.priors_) @ np.asarray(est.means_)
    bias = np.asarray(est.intercept_) + coef @ center
    scores = wide_product(g, wide(g, x), center, coef.T, bias)
    dtype = result_dtype(g, x)
    if scores.width == 1:
        g.traps.append("LinearDiscriminantAnalysis, two classes: the log-odds are not doubled")
        index, p = binary_sigmoid(g, scores)
    else:
        index, p = largest_index(g, scores), g.unary("Softmax", scores, axis=1)
    outputs = {
        "predict": class_labels(g, index, est.classes_),
        "predict_proba": g.cast(p, dtype),
        "decision_function": g.cast(scores, dtype),
    }
    if est.solver != "lsqr":  # which has no projection
        center = est.xbar_ if est.solver == "svd" else None
        weights = np.asarray(est.scalings_)[:, : est._max_components]
        outputs["transform"] = projected(g, x, center, weights)
    return outputs


def quadratic(est: Any, x: Value, g: Conversion) -> Outputs:
    """QuadraticDiscriminantAnalysis: `log p_c − ½ Σ log S_c − ½ ‖(x − μ_c) R_c S_c^−½‖²`.

    R_c, S_c = rotations_, scalings_ of class c (The Elements of Statistical Learning, eq. 4.12).
    Two classes have the difference of the two as their decision.
    """
    maps = [np.asarray(r) / np.sqrt(s) for r, s in zip(est.rotations_, est.scalings_, strict=True)]
    with np.errstate(divide="ignore"):
        constants = np.log(est.priors_) - 0.5 * np.array([np.log(s).sum() for s in est.scalings_])
    scores = likelihood.full(g, wide(g, x), est.means_, maps, constants)
    dtype = result_dtype(g, x)
    outputs = likelihood.posterior(g, scores, est.classes_, dtype)
    decision = scores
    if scores.width == 2:
        parts = [g.column(scores, 1).name, g.column(scores, 0).name]
        decision = Matrix(g.add("Sub", parts, "log_odds"), scores.dtype, 1)
    return {**outputs, "decision_function": g.cast(decision, dtype)}


CONVERTERS = {
    "sklearn.LinearDiscriminantAnalysis": linear,
    "sklearn.QuadraticDiscriminantAnalysis": quadratic,
}
