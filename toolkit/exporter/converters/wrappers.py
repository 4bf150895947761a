"""Estimators that stand for another one that they hold, and those that move its threshold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.classes import class_labels
from toolkit.exporter.formulas.response import response
from toolkit.exporter.values import Matrix, Outputs, Value

ORDER = ("predict_proba", "decision_function")


def standing_for(attribute: str) -> Callable[[Any, Value, Conversion], Outputs]:
    """Return the converter of an estimator that answers as the one in this attribute."""

    def held(est: Any, x: Value, g: Conversion) -> Outputs:
        """All outputs are those of the estimator inside."""
        return g.convert(getattr(est, attribute), x, g.scale)

    return held


def fixed_threshold(est: Any, x: Value, g: Conversion) -> Outputs:
    """FixedThresholdClassifier; "auto" is 0.5 for probabilities and 0 for a decision function."""
    inner = getattr(est, "estimator_", est.estimator)
    return _thresholded(est, inner, est.threshold, est.pos_label, x, g)


def tuned_threshold(est: Any, x: Value, g: Conversion) -> Outputs:
    """TunedThresholdClassifierCV; the positive label is its scorer's.

    skl2onnx 1.20 passes the inner labels on and ignores the threshold (8.6 % of labels wrong); a
    later release may mend it.
    """
    g.traps.append(f"the tuned threshold {float(est.best_threshold_):.6g} is applied")
    positive = est._curve_scorer._get_pos_label()
    return _thresholded(est, est.estimator_, est.best_threshold_, positive, x, g)


def _thresholded(
    est: Any, inner: Any, threshold: Any, positive: Any, x: Value, g: Conversion
) -> Outputs:
    """The positive label where the score is at or above the threshold, else the other one.

    In float64: a forest's probability may lie a last bit below or above a threshold such as 0.8.
    """
    outputs = g.convert(inner, g.widened(x))
    methods = ORDER if est.response_method == "auto" else (est.response_method,)
    score, method = response(inner, outputs, g, methods, positive)
    if threshold == "auto":
        threshold = 0.5 if method == "predict_proba" else 0.0
    reached = g.compare("GreaterOrEqual", score, [threshold])
    index = g.flat(g.cast(reached, "int64"))
    classes = np.asarray(est.classes_)
    if positive is not None and positive == classes[0]:
        index = _swapped(index, g)
    numbers = {m: g.cast(outputs[m], g.precision(x)) for m in ORDER if m in outputs}
    return {**numbers, "predict": class_labels(g, index, classes)}


def _swapped(index: Matrix, g: Conversion) -> Matrix:
    one = g.constant([1], "int64", "one")
    return Matrix(g.add("Sub", [one, index.name], "swapped"), "int64", 0)


CONVERTERS = {
    "sklearn.GridSearchCV": standing_for("best_estimator_"),
    "sklearn.RandomizedSearchCV": standing_for("best_estimator_"),
    "sklearn.HalvingGridSearchCV": standing_for("best_estimator_"),
    "sklearn.HalvingRandomSearchCV": standing_for("best_estimator_"),
    "sklearn.SelfTrainingClassifier": standing_for("estimator_"),
    "sklearn.RANSACRegressor": standing_for("estimator_"),
    "sklearn.FrozenEstimator": standing_for("estimator"),
    "sklearn.FixedThresholdClassifier": fixed_threshold,
    "sklearn.TunedThresholdClassifierCV": tuned_threshold,
}
