"""Linear regressors and classifiers: one Gemm, then the link."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.graph import Graph, Matrix, Outputs, Value


def regressor(est: Any, x: Value, g: Graph) -> Outputs:
    """`X @ coef_.T + intercept_`; coef_ [d] or [targets, d]."""
    return {"predict": _decision(est, x, g)}


def classifier(est: Any, x: Value, g: Graph) -> Outputs:
    """Decision scores [N, 1] (two classes) or [N, classes], and the label of the largest."""
    return _labelled(est, _decision(est, x, g), g)


def logistic(est: Any, x: Value, g: Graph) -> Outputs:
    """The above with probabilities: a sigmoid for two classes, a softmax for more."""
    scores = _decision(est, x, g)
    outputs = _labelled(est, scores, g)
    if scores.width > 1:
        probabilities = g.unary("Softmax", scores, axis=1)
    else:
        # Before scikit-learn 1.8 a two-class multinomial model gave softmax([−d, d]).
        twice = getattr(est, "multi_class", None) == "multinomial"
        logit = g.binary("Mul", scores, [2.0], "two") if twice else scores
        probabilities = g.complement(g.unary("Sigmoid", logit))
    return {**outputs, "predict_proba": probabilities}


def _decision(est: Any, x: Value, g: Graph) -> Matrix:
    coef = np.atleast_2d(np.asarray(est.coef_))
    intercept = np.broadcast_to(np.asarray(est.intercept_, dtype=np.float64), (coef.shape[0],))
    return g.affine(g.floating(x), coef.T, intercept)


def _labelled(est: Any, scores: Matrix, g: Graph) -> Outputs:
    index = g.argmax(scores) if scores.width > 1 else g.above(scores, 0.0)
    return {"predict": g.labels(index, est.classes_), "decision_function": scores}


CONVERTERS = {
    "sklearn.ARDRegression": regressor,
    "sklearn.BayesianRidge": regressor,
    "sklearn.ElasticNet": regressor,
    "sklearn.ElasticNetCV": regressor,
    "sklearn.HuberRegressor": regressor,
    "sklearn.Lars": regressor,
    "sklearn.LarsCV": regressor,
    "sklearn.Lasso": regressor,
    "sklearn.LassoCV": regressor,
    "sklearn.LassoLars": regressor,
    "sklearn.LassoLarsCV": regressor,
    "sklearn.LassoLarsIC": regressor,
    "sklearn.LinearRegression": regressor,
    "sklearn.LinearSVR": regressor,
    "sklearn.MultiTaskElasticNet": regressor,
    "sklearn.MultiTaskElasticNetCV": regressor,
    "sklearn.MultiTaskLasso": regressor,
    "sklearn.MultiTaskLassoCV": regressor,
    "sklearn.OrthogonalMatchingPursuit": regressor,
    "sklearn.OrthogonalMatchingPursuitCV": regressor,
    "sklearn.PassiveAggressiveRegressor": regressor,
    "sklearn.QuantileRegressor": regressor,
    "sklearn.Ridge": regressor,
    "sklearn.RidgeCV": regressor,
    "sklearn.SGDRegressor": regressor,
    "sklearn.TheilSenRegressor": regressor,
    "sklearn.LinearSVC": classifier,
    "sklearn.PassiveAggressiveClassifier": classifier,
    "sklearn.Perceptron": classifier,
    "sklearn.LogisticRegression": logistic,
    "sklearn.LogisticRegressionCV": logistic,
}
