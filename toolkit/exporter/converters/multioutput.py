"""Several outputs from estimators of one output: side by side, or each fed with those before it."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.answers import answer, column_of
from toolkit.exporter.formulas.response import of_several, pick, response
from toolkit.exporter.values import Matrix, Outputs, Value

CHAINED = ("predict_proba", "decision_function")


def multi_regressor(est: Any, x: Value, g: Conversion) -> Outputs:
    """MultiOutputRegressor: the predictions side by side."""
    parts = [
        pick(e, g.convert(e, x, column_of(g.scale, k)), "predict")
        for k, e in enumerate(est.estimators_)
    ]
    return {"predict": g.join([g.upright(p) for p in parts])}


def multi_classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """MultiOutputClassifier: labels [N, outputs]; probabilities as tasks.side_by_side says."""
    members = [g.convert(e, x) for e in est.estimators_]
    pairs = list(zip(est.estimators_, members, strict=True))
    outputs = {"predict": g.join([g.upright(pick(e, f, "predict")) for e, f in pairs])}
    if hasattr(est, "predict_proba"):
        outputs["predict_proba"] = of_several([pick(e, f, "predict_proba") for e, f in pairs], g)
    return outputs


def chain(est: Any, x: Value, g: Conversion) -> Outputs:
    """ClassifierChain and RegressorChain: every estimator sees X and the answers before it.

    What is handed on is `chain_method_` (a regressor's prediction); the outputs are put back from
    the chain's order into the targets'. Labels are floats, as scikit-learn gives them.
    """
    x = g.floating(x)
    handed = getattr(est, "chain_method_", "predict")
    classifies = hasattr(est, "chain_method_")
    methods = ["predict", *(m for m in CHAINED if classifies and hasattr(est, m))]
    answers: dict[str, list[Matrix]] = {m: [] for m in methods}
    before: list[Matrix] = []
    for inner, target in zip(est.estimators_, est.order_, strict=True):
        results = g.convert(inner, g.join([x, *before]), column_of(g.scale, target))
        for method in methods:
            answers[method].append(response(inner, results, g, (method,))[0])
        before.append(answer(g, x, response(inner, results, g, (handed,))[0]))
    order = np.argsort(est.order_)
    outputs = {m: g.join([answers[m][k] for k in order]) for m in methods}
    if classifies:
        outputs["predict"] = g.cast(outputs["predict"], "float64")
    return outputs


CONVERTERS = {
    "sklearn.MultiOutputRegressor": multi_regressor,
    "sklearn.MultiOutputClassifier": multi_classifier,
    "sklearn.RegressorChain": chain,
    "sklearn.ClassifierChain": chain,
}
