"""Votes, means and stacks over several estimators of the same rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.answers import answer
from toolkit.exporter.formulas.classes import class_labels, largest_index
from toolkit.exporter.formulas.response import pick
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value


def voting_classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """VotingClassifier, in float64 and in the estimators' order, so that equal sums stay equal.

    Its estimators are fitted on class indices 0, 1, … Where their probabilities are averaged they
    compute them in float64: shares of leaves, such as 1/3 + 2/3, must meet their ties exactly.
    """
    rows = g.widened(x) if est.voting == "soft" else x
    members = [g.convert(e, rows) for e in est.estimators_]
    method = "predict_proba" if est.voting == "soft" else "predict"
    answers = [pick(e, f, method) for e, f in zip(est.estimators_, members, strict=True)]
    if est.voting == "hard":
        votes = g.total(
            [
                _vote(a, weight, len(est.classes_), g)
                for a, weight in zip(answers, _weights(est), strict=True)
            ]
        )
        label = class_labels(g, largest_index(g, votes), est.classes_)
        return {"predict": label, "transform": g.join([g.upright(a) for a in answers])}
    mean = _mean([g.cast(a, "float64") for a in answers], _weights(est), g)
    dtype = g.precision(x)
    outputs = {"predict": class_labels(g, largest_index(g, mean), est.classes_)}
    outputs["predict_proba"] = g.cast(mean, dtype)
    if est.flatten_transform:  # else a tensor [estimators, N, classes], which no step can take
        outputs["transform"] = g.join([g.cast(a, dtype) for a in answers])
    return outputs


def voting_regressor(est: Any, x: Value, g: Conversion) -> Outputs:
    """VotingRegressor: the weighted mean; as a transformer the predictions side by side."""
    members = [g.convert(e, x, g.scale) for e in est.estimators_]
    # Trees answer in float32 whatever they are given: one type for the sum.
    parts = [
        answer(g, x, g.upright(pick(e, f, "predict")))
        for e, f in zip(est.estimators_, members, strict=True)
    ]
    return {"predict": _mean(parts, _weights(est), g), "transform": g.join(parts)}


def _weights(est: Any) -> list[float]:
    """Return the weights of the estimators that were not dropped."""
    if est.weights is None:
        return [1.0] * len(est.estimators_)
    pairs = zip(est.estimators, est.weights, strict=True)
    return [float(w) for (_, e), w in pairs if not isinstance(e, str)]


def _vote(label: Matrix, weight: float, classes: int, g: Conversion) -> Matrix:
    """Return the weight in the column of the class that was voted for, [N, classes]."""
    column = g.cast(g.upright(label), "int64")
    voted = g.compare("Equal", column, np.arange(classes))
    return g.binary("Mul", g.cast(voted, "float64"), [weight], "weight")


def _mean(parts: list[Matrix], weights: list[float], g: Conversion) -> Matrix:
    weighted = [
        p if w == 1.0 else g.binary("Mul", p, [w], "weight")
        for p, w in zip(parts, weights, strict=True)
    ]
    return g.binary("Div", g.total(weighted), [sum(weights)], "total")


def stacking(est: Any, x: Value, g: Conversion) -> Outputs:
    """StackingClassifier and StackingRegressor: the answers, and X if it is passed, to the last.

    Of two classes' probabilities only the second column goes on. The last estimator of a
    classifier is fitted on class indices; with an indicator matrix as target its probabilities are
    those of 0, as scikit-learn gives them.
    """
    parts = [
        _stacked(e, g.convert(e, x, g.scale), method, est, g)
        for e, method in zip(est.estimators_, est.stack_method_, strict=True)
    ]
    if est.passthrough:
        parts.append(g.floating(x))
    features = g.join([answer(g, x, g.upright(p)) for p in parts])
    final = est.final_estimator_
    if features.width != getattr(final, "n_features_in_", features.width):
        raise Unconvertible(f"{features.width} stacked columns of several outputs each")
    outputs = {**g.convert(final, features, g.scale), "transform": features}
    if hasattr(est, "classes_"):
        outputs["predict"] = _decoded(est, outputs["predict"], g)
        if _is_multilabel(est) and "predict_proba" in outputs:
            p = outputs["predict_proba"]
            one = Matrix(g.constant([1.0], p.dtype, "one"), p.dtype, 1)
            outputs["predict_proba"] = g.combine("Sub", one, p)
    return outputs


def _stacked(e: Any, outputs: Outputs, method: str, est: Any, g: Conversion) -> Matrix:
    answer = pick(e, outputs, method)
    several = _is_multilabel(est)
    if method == "predict_proba" and not several and len(est.classes_) == 2:
        return g.column(answer, 1)
    return answer


def _is_multilabel(est: Any) -> bool:
    return isinstance(getattr(est, "classes_", None), list)


def _decoded(est: Any, index: Matrix, g: Conversion) -> Matrix:
    if not _is_multilabel(est):
        return class_labels(g, g.flat(g.cast(index, "int64")), est.classes_)
    if any(not np.array_equal(c, [0, 1]) for c in est.classes_):
        raise Unconvertible("several outputs whose labels are not 0 and 1")
    return index


CONVERTERS = {
    "sklearn.VotingClassifier": voting_classifier,
    "sklearn.VotingRegressor": voting_regressor,
    "sklearn.StackingClassifier": stacking,
    "sklearn.StackingRegressor": stacking,
}
