"""Gradient boosting: an initial prediction, the trees' sum, and the inverse link of the loss."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.converters.trees import read
from toolkit.exporter.formulas.answers import answer, in_precision, is_far, residual
from toolkit.exporter.formulas.binary_sigmoid import binary_sigmoid
from toolkit.exporter.formulas.classes import class_labels, largest_index
from toolkit.exporter.formulas.matmul import affine
from toolkit.exporter.trees.answers import tree_answer
from toolkit.exporter.trees.ensemble import Ensemble, concatenate
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value

CONSTANT = {"DummyClassifier", "DummyRegressor"}  # initial estimators that look at no row
# Strategies of theirs that give every row the same answer.
STEADY = {"prior", "most_frequent", "constant", "mean", "median", "quantile"}
SIGMOID = {"log_loss": 1.0, "exponential": 2.0}  # p = 1 / (1 + exp(−k · raw))


def regressor(est: Any, x: Value, g: Conversion) -> Outputs:
    """GradientBoostingRegressor: no loss of it has a link."""
    return {"predict": answer(g, x, _raw(est, x, g, classifies=False))}


def classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """GradientBoostingClassifier: sigmoid for two classes, softmax for more."""
    if est.loss not in SIGMOID:
        raise Unconvertible(f"loss={est.loss!r}")
    raw = _raw(est, x, g, classifies=True)
    if raw.width == 1:
        index, p = binary_sigmoid(g, raw, SIGMOID[est.loss], zero_is_second=True)
    else:
        index, p = largest_index(g, raw), g.unary("Softmax", raw, axis=1)
    return {
        "predict": class_labels(g, index, est.classes_),
        "predict_proba": in_precision(g, x, p),
        "decision_function": in_precision(g, x, raw),
    }


def _raw(est: Any, x: Value, g: Conversion, classifies: bool) -> Matrix:
    """Return `init + learning_rate · Σ trees` [N, 1 or classes].

    Classes are decided in float64: where they are equal, or nearly, so are they in scikit-learn.
    """
    parts: list[Ensemble] = [
        _scaled(t, est.learning_rate, k) for stage in est.estimators_ for k, t in enumerate(stage)
    ]
    width = est.estimators_.shape[1]
    base, offset = _initial(est, x, g, width, classifies)
    ensemble = concatenate(parts, base)
    dtype = "float64" if classifies else None
    if offset is None:
        return tree_answer(g, x, ensemble, dtype)
    with g.measured(residual(g.scale)):
        raw = tree_answer(g, x, ensemble, dtype)
    other = g.cast(offset, "float64" if is_far(g.scale) else raw.dtype)
    raw = g.cast(raw, other.dtype)
    return Matrix(g.add("Add", [other.name, raw.name], "raw"), raw.dtype, width)


def _scaled(fitted: Any, rate: float, target: int) -> Ensemble:
    single = read(fitted.tree_, rate * fitted.tree_.value[:, 0, 0])
    return replace(single, target=np.full(len(single.leaf), target, dtype=np.int64))


def _initial(
    est: Any, x: Value, g: Conversion, width: int, classifies: bool
) -> tuple[np.ndarray, Matrix | None]:
    """Return the initial raw prediction: one for all rows, and what an estimator gives each row."""
    zero = np.zeros(width)
    if isinstance(est.init_, str):  # "zero"
        return zero, None
    if type(est.init_).__name__ in CONSTANT and est.init_.strategy in STEADY:
        row = np.zeros((1, est.n_features_in_), dtype=np.float32)
        return np.asarray(est._raw_predict_init(row), dtype=np.float64).reshape(-1), None
    # Gradient boosting rounds its rows to float32 before the initial estimator sees them, and some
    # then answer in float32 themselves: that rounding belongs to the answers.
    row = np.zeros((1, est.n_features_in_), dtype=np.float32)
    narrow = not classifies and np.asarray(est.init_.predict(row)).dtype == np.float32
    outputs = g.convert(est.init_, g.cast(g.matrix(x), "float32"), None if narrow else g.scale)
    if not classifies:
        return zero, outputs["predict"]
    p = outputs["predict_proba"]
    return zero, _linked(g, g.cast(p, "float64"), est, width)


class _Certain:
    """An initial estimator that is certain of the first class."""

    def __init__(self, classes: int) -> None:
        self.classes = classes

    def predict_proba(self, X: Any) -> np.ndarray:
        return np.eye(1, self.classes)


def _linked(g: Conversion, p: Matrix, est: Any, width: int) -> Matrix:
    """Return the loss's link of probabilities, which are clipped to [ε, 1 − ε] before.

    logit for two classes (half of it for the exponential loss); log p less its mean for more. ε
    differs between scikit-learn's versions: it is read off what the estimator makes of certainty.
    """
    probe = copy.copy(est)
    probe.init_ = _Certain(p.width)
    certain = probe._raw_predict_init(np.zeros((1, est.n_features_in_), dtype=np.float32))[0]
    factor = SIGMOID[est.loss]
    odds = certain[0] - certain[1] if width > 1 else -factor * certain[0]
    epsilon = 1.0 / (1.0 + np.exp(odds))
    limits = [g.constant(v, "float64", "limit") for v in (epsilon, 1.0 - epsilon)]
    if width > 1:
        clipped = Matrix(g.add("Clip", [p.name, *limits], "clipped"), "float64", width)
        logs = g.unary("Log", clipped)
        weights = np.eye(width) - 1.0 / width
        return affine(g, logs, weights, np.zeros(width))
    second = g.column(p, 1)
    clipped = Matrix(g.add("Clip", [second.name, *limits], "clipped"), "float64", 1)
    one = g.constant([1.0], "float64", "one")
    other = Matrix(g.add("Sub", [one, clipped.name], "other"), "float64", 1)
    ratio = Matrix(g.add("Div", [clipped.name, other.name], "odds"), "float64", 1)
    return g.binary("Div", g.unary("Log", ratio), [factor], "factor")


CONVERTERS = {
    "sklearn.GradientBoostingRegressor": regressor,
    "sklearn.GradientBoostingClassifier": classifier,
}
