"""Linear regressors and classifiers, generalised linear models: one Gemm, then the link."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.affine import affine_map
from toolkit.exporter.formulas.answers import exp_answer, linear_answer
from toolkit.exporter.formulas.binary_sigmoid import binary_sigmoid
from toolkit.exporter.formulas.classes import both_shares, class_labels, index_above, largest_index
from toolkit.exporter.values import Matrix, Outputs, Value


def regressor(est: Any, x: Value, g: Conversion) -> Outputs:
    """`X @ coef_.T + intercept_`; coef_ [d] or [targets, d]."""
    return {"predict": _answer(est, x, g)}


def log_link(est: Any, x: Value, g: Conversion) -> Outputs:
    """PoissonRegressor, GammaRegressor: `exp(X @ coef_ + intercept_)`."""
    return {"predict": exp_answer(g, lambda: _answer(est, x, g))}


def tweedie(est: Any, x: Value, g: Conversion) -> Outputs:
    """TweedieRegressor: the log link, or the identity; "auto" means the identity for power <= 0."""
    identity = est.link == "identity" or (est.link == "auto" and est.power <= 0)
    return regressor(est, x, g) if identity else log_link(est, x, g)


def classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """Decision scores [N, 1] (two classes) or [N, classes], and the label of the largest."""
    return _labelled(est, _decision(est, x, g), g)


def ridge_classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """The above; fitted on an indicator matrix, each output's label is 1 where its score is > 0."""
    scores = _decision(est, x, g)
    if _is_multilabel(est):
        positive = g.compare("Greater", scores, [0.0])
        return {"predict": g.cast(positive, "int64"), "decision_function": scores}
    return _labelled(est, scores, g)


def logistic(est: Any, x: Value, g: Conversion) -> Outputs:
    """LogisticRegression: a sigmoid for two classes, a softmax for more.

    Before scikit-learn 1.8 a two-class multinomial model gave softmax([−d, d]), and a one-vs-rest
    model of several classes (asked for, or by liblinear) sigmoids over their sum.
    """
    scores = _decision(est, x, g)
    mode = getattr(est, "multi_class", None)
    if scores.width == 1:
        index, probabilities = binary_sigmoid(g, scores, 2.0 if mode == "multinomial" else 1.0)
        label = class_labels(g, index, est.classes_)
        return {"predict": label, "predict_proba": probabilities, "decision_function": scores}
    if mode == "ovr" or est.solver == "liblinear":
        probabilities = _one_vs_rest(scores, g)
    else:
        probabilities = g.unary("Softmax", scores, axis=1)
    return {**_labelled(est, scores, g), "predict_proba": probabilities}


def sgd_classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """SGDClassifier; probabilities with the losses log_loss and modified_huber alone."""
    scores = _decision(est, x, g)
    outputs = _labelled(est, scores, g)
    if est.loss == "log_loss" and scores.width == 1:
        index, p = binary_sigmoid(g, scores)
        outputs |= {"predict": class_labels(g, index, est.classes_), "predict_proba": p}
    elif est.loss == "log_loss":
        outputs["predict_proba"] = _one_vs_rest(scores, g)
    elif est.loss == "modified_huber":
        g.traps.append("loss 'modified_huber': labels by the scores, probabilities by clipping")
        outputs["predict_proba"] = _modified_huber(scores, g)
    return outputs


def _modified_huber(scores: Matrix, g: Conversion) -> Matrix:
    """`(clip(d, −1, 1) + 1) / 2`, over its sum for several classes, all alike where that is 0.

    Zhang (2004), "Statistical behavior and consistency of classification methods based on convex
    risk minimization", as scikit-learn quotes it.
    """
    limits = [g.constant(v, scores.dtype, "limit") for v in (-1.0, 1.0)]
    clipped = Matrix(g.add("Clip", [scores.name, *limits], "clipped"), scores.dtype, scores.width)
    p = g.binary("Mul", g.binary("Add", clipped, [1.0], "one"), [0.5], "half")
    return both_shares(g, p) if p.width == 1 else _normalised(p, g)


def _one_vs_rest(scores: Matrix, g: Conversion) -> Matrix:
    """`σ(d) / Σ σ(d)`, which is `softmax(log σ(d))` with `log σ(d) = −log(1 + exp(−d))`.

    Far from all classes every σ(d) is tiny and their shares are not: logarithms hold them in
    float32. Of float64, for which onnxruntime has no Softplus, the sigmoids themselves are shared.
    """
    if scores.dtype == "float64":
        return _normalised(g.unary("Sigmoid", scores), g)
    tails = g.unary("Softplus", g.unary("Neg", scores))
    return g.unary("Softmax", g.unary("Neg", tails), axis=1)


def _normalised(p: Matrix, g: Conversion) -> Matrix:
    """Return each row over its sum, a row of zeros as equal shares."""
    total = g.row_sum(p)
    empty = g.compare("Equal", total, [0.0])
    filled = g.choose(empty, [1.0], p)
    return g.combine("Div", filled, g.choose(empty, [float(p.width)], total))


def _is_multilabel(est: Any) -> bool:
    # Only the fitted binarizer tells an indicator matrix from several classes.
    return est._label_binarizer.y_type_.startswith("multilabel")


def _answer(est: Any, x: Value, g: Conversion) -> Matrix:
    return linear_answer(g, g.floating(x), *_parameters(est))


def _decision(est: Any, x: Value, g: Conversion) -> Matrix:
    return affine_map(g, g.floating(x), *_parameters(est))


def _parameters(est: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return weights [d, k] and bias [k]."""
    coef = np.atleast_2d(np.asarray(est.coef_))
    return coef.T, np.broadcast_to(np.asarray(est.intercept_, dtype=np.float64), coef.shape[:1])


def _labelled(est: Any, scores: Matrix, g: Conversion) -> Outputs:
    index = largest_index(g, scores) if scores.width > 1 else index_above(g, scores, 0.0)
    return {"predict": class_labels(g, index, est.classes_), "decision_function": scores}


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
    "sklearn.GammaRegressor": log_link,
    "sklearn.PoissonRegressor": log_link,
    "sklearn.TweedieRegressor": tweedie,
    "sklearn.LinearSVC": classifier,
    "sklearn.PassiveAggressiveClassifier": classifier,
    "sklearn.Perceptron": classifier,
    "sklearn.RidgeClassifier": ridge_classifier,
    "sklearn.RidgeClassifierCV": ridge_classifier,
    "sklearn.SGDClassifier": sgd_classifier,
    "sklearn.LogisticRegression": logistic,
    "sklearn.LogisticRegressionCV": logistic,
}
