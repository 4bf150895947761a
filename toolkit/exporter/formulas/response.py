"""What a meta-estimator asks of the estimators inside it: scores, labels and probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.tasks import side_by_side
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value

SCORES = ("decision_function", "predict_proba")


def pick(est: Any, outputs: Outputs, method: str) -> Matrix:
    """Return what the estimator's converter gave for a method; Unconvertible where it gave none."""
    if method not in outputs:
        raise Unconvertible(
            f"{type(est).__name__} inside it, whose converter gives no {method}, so it"
        )
    return outputs[method]


def transformed(est: Any, x: Value, g: Conversion) -> Value:
    """Return the estimator's transform of x; a table where it gives text and numbers."""
    return pick(est, g.convert(est, x), "transform")


def binary_score(est: Any, outputs: Outputs, g: Conversion) -> Matrix:
    """Return the score [N, 1] of the second class as one-vs-rest and its kin read it.

    A regressor's prediction, else the decision function, else the second class's probability.
    """
    if is_regressor(est):
        return g.floating(g.upright(pick(est, outputs, "predict")))
    if hasattr(est, "decision_function"):
        return g.floating(pick(est, outputs, "decision_function"))
    return g.column(pick(est, outputs, "predict_proba"), 1)


def binary_threshold(est: Any) -> float:
    """Return the limit above which `binary_score` means the second class."""
    return 0.0 if hasattr(est, "decision_function") and is_classifier(est) else 0.5


def response(
    est: Any,
    outputs: Outputs,
    g: Conversion,
    methods: Sequence[str] = SCORES,
    pos_label: Any = None,
) -> tuple[Matrix, str]:
    """Return the first of the methods that the estimator has, and its name.

    Of a binary classifier only the score of `pos_label` (by default the second class) is left,
    [N, 1]: its column of the probabilities, or the decision function with its sign.
    """
    if not is_classifier(est):
        return g.upright(pick(est, outputs, "predict")), "predict"
    method = next((m for m in methods if hasattr(est, m)), None)
    if method is None:
        raise Unconvertible(f"{type(est).__name__} inside it, which has no {methods[0]}, so it")
    source = "predict_proba" if method == "predict_log_proba" else method
    value = g.upright(pick(est, outputs, source))
    if method == "predict_log_proba":
        value = g.unary("Log", value)
    classes = np.asarray(est.classes_)
    if classes.ndim == 1 and len(classes) == 2 and method != "predict":
        first = pos_label is not None and pos_label == classes[0]
        if method == "decision_function":
            value = g.unary("Neg", value) if first else value
        else:
            value = g.column(value, 0 if first else 1)
    return value, method


def of_several(probabilities: Sequence[Matrix], g: Conversion) -> Matrix:
    """Return several outputs' probabilities as the contract holds them (tasks.side_by_side)."""
    columns = side_by_side([p.width for p in probabilities])
    parts = [
        g.select(p, list(range(p.width))[c]) for p, c in zip(probabilities, columns, strict=True)
    ]
    return g.join([g.matrix(p) for p in parts])
