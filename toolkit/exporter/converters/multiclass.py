"""Several classes from binary estimators: one against the rest, one against one, output codes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.affine import affine_map
from toolkit.exporter.formulas.classes import both_shares, class_labels, index_above, largest_index
from toolkit.exporter.formulas.matmul import affine
from toolkit.exporter.formulas.response import binary_score, binary_threshold, pick
from toolkit.exporter.values import Matrix, Outputs, Value

# Binary classifiers whose score is one product, and those of them whose probability is its sigmoid.
LOGISTIC = {"LogisticRegression", "LogisticRegressionCV"}
LINEAR = LOGISTIC | {
    "LinearSVC",
    "PassiveAggressiveClassifier",
    "Perceptron",
    "RidgeClassifier",
    "RidgeClassifierCV",
    "SGDClassifier",
}


def one_vs_rest(est: Any, x: Value, g: Conversion) -> Outputs:
    """OneVsRestClassifier: the class of the largest score, the first of equals.

    Two classes have one estimator, whose score is held against its threshold; an indicator matrix
    (multilabel) has one a column. All in float64, as all of this file: equal scores of trees stay
    equal, and probabilities are shares of the row's sum, where far from all classes every
    probability is tiny, but their shares are not.
    """
    scores, decisions, p = _each(est.estimators_, g.widened(x), g)
    kind, dtype = est.label_binarizer_.y_type_, g.precision(x)
    threshold = binary_threshold(est.estimators_[0])
    outputs: Outputs = {}
    if kind == "multiclass":
        outputs["predict"] = class_labels(g, largest_index(g, scores), est.classes_)
    elif kind == "binary":
        outputs["predict"] = class_labels(g, index_above(g, scores, threshold), est.classes_)
    else:
        outputs["predict"] = g.cast(g.compare("Greater", scores, [threshold]), "int64")
    if decisions is not None:
        outputs["decision_function"] = g.cast(decisions, dtype)
    if p is not None:
        outputs["predict_proba"] = g.cast(_shares(p, kind, g), dtype)
    return outputs


def _each(
    estimators: Sequence[Any], rows: Value, g: Conversion
) -> tuple[Matrix, Matrix | None, Matrix | None]:
    """Return the estimators' scores, decisions and probabilities of their second class, [N, K].

    None for what they do not have.
    """
    scores = _together(estimators, rows, g)
    if scores is not None:
        logistic = type(estimators[0]).__name__ in LOGISTIC
        return scores, scores, g.unary("Sigmoid", scores) if logistic else None
    pairs = [(e, g.convert(e, rows)) for e in estimators]
    scores = g.join([binary_score(e, f, g) for e, f in pairs])
    decisions = p = None
    if all(hasattr(e, "decision_function") for e in estimators):
        decisions = g.join([g.floating(pick(e, f, "decision_function")) for e, f in pairs])
    if all(hasattr(e, "predict_proba") for e in estimators):
        p = g.join([g.column(pick(e, f, "predict_proba"), 1) for e, f in pairs])
    return scores, decisions, p


def _together(estimators: Sequence[Any], rows: Value, g: Conversion) -> Matrix | None:
    """Return the scores [N, K] of linear classifiers as one product; None where one is no such."""
    if not all(map(_is_linear, estimators)) or len({type(e) for e in estimators}) > 1:
        return None
    weights = np.vstack([np.asarray(e.coef_, dtype=np.float64).reshape(1, -1) for e in estimators])
    biases = [np.broadcast_to(np.ravel(e.intercept_), (1,)) for e in estimators]
    return affine_map(g, g.floating(rows), weights.T, np.concatenate(biases))


def _is_linear(est: Any) -> bool:
    name, room = type(est).__name__, type(est).__module__
    if name not in LINEAR or not room.startswith("sklearn."):
        return False
    if name in LOGISTIC:
        sigmoid = getattr(est, "multi_class", None) != "multinomial"
    else:
        sigmoid = not hasattr(est, "predict_proba")
    one = isinstance(est.coef_, np.ndarray) and est.coef_.size == est.n_features_in_
    return bool(sigmoid and one and len(est.classes_) == 2)


def _shares(p: Matrix, kind: str, g: Conversion) -> Matrix:
    """Return one-vs-rest's probabilities; a row of zeros stays one, labels are not exclusive."""
    if p.width == 1:
        return both_shares(g, p)
    if kind.startswith("multilabel"):
        return p
    total = g.row_sum(p)
    return g.combine("Div", p, g.choose(g.compare("Equal", total, [0.0]), [1.0], total))


def one_vs_one(est: Any, x: Value, g: Conversion) -> Outputs:
    """OneVsOneClassifier: votes, and `s / (3(|s| + 1))` of the summed confidences s between equals.

    scikit-learn's `_ovr_decision_function`. In float64, so that equal votes and confidences stay
    equal; a regressor votes only where it predicts 0 or 1 exactly.
    """
    chosen = est.pairwise_indices_ or [None] * len(est.estimators_)
    wide = g.widened(x)
    rows = [wide if at is None else g.select(wide, np.asarray(at).tolist()) for at in chosen]
    together = _together(est.estimators_, wide, g) if est.pairwise_indices_ is None else None
    if together is not None:
        confidence = together
        predicted = g.cast(g.compare("Greater", together, [0.0]), "float64")
    else:
        members = [g.convert(e, r) for e, r in zip(est.estimators_, rows, strict=True)]
        answers = list(zip(est.estimators_, members, strict=True))
        predicted = _wide(g, [g.upright(pick(e, f, "predict")) for e, f in answers])
        confidence = _wide(g, [binary_score(e, f, g) for e, f in answers])
    # Column k stands for the classes (i, j): the pair's estimator answers 0 for i and 1 for j.
    count = len(est.classes_)
    low, high = np.zeros((2, len(est.estimators_), count))
    for k, (i, j) in enumerate(combinations(range(count), 2)):
        low[k, i] = high[k, j] = 1.0
    votes = [
        affine(
            g, g.cast(g.compare("Equal", predicted, [answer]), "float64"), table, np.zeros(count)
        )
        for answer, table in ((0.0, low), (1.0, high))
    ]
    total = affine(g, confidence, high - low, np.zeros(count))
    size = g.binary("Add", g.unary("Abs", total), [1.0], "one")
    share = g.combine("Div", total, g.binary("Mul", size, [3.0], "three"))
    scores = g.total([*votes, share])
    if count == 2:
        scores = g.column(scores, 1)
        index = index_above(g, scores, binary_threshold(est.estimators_[0]))
    else:
        index = largest_index(g, scores)
    decision = g.cast(scores, g.precision(x))
    return {"predict": class_labels(g, index, est.classes_), "decision_function": decision}


def output_code(est: Any, x: Value, g: Conversion) -> Outputs:
    """OutputCodeClassifier: the class whose code word is nearest to the scores.

    `argmin ‖y − c‖² = argmax y·c − ½‖c‖²`, in float64, the first of equals. Where distances are
    equal but for their last bit, scikit-learn's choice depends on its BLAS's order of summation;
    the proof shows such rows.
    """
    rows = g.widened(x)
    scores = _together(est.estimators_, rows, g)
    if scores is None:
        members = [g.convert(e, rows) for e in est.estimators_]
        pairs = zip(est.estimators_, members, strict=True)
        scores = _wide(g, [binary_score(e, f, g) for e, f in pairs])
    codes = np.asarray(est.code_book_, dtype=np.float64)
    nearness = affine(g, scores, codes.T, -0.5 * (codes**2).sum(axis=1))
    return {"predict": class_labels(g, largest_index(g, nearness), est.classes_)}


def _wide(g: Conversion, columns: list[Matrix]) -> Matrix:
    return g.cast(g.join(columns), "float64")


def constant(est: Any, x: Value, g: Conversion) -> Outputs:
    """Stand-in for an output that had one value in fitting; y_ is that value, 0 or 1."""
    y, dtype = float(np.ravel(est.y_)[0]), g.precision(x)
    value = g.repeated([y], dtype, x)
    p = g.repeated([1.0 - y, y], dtype, x)
    label = g.flat(g.cast(value, "int64"))
    return {"predict": label, "decision_function": value, "predict_proba": p}


CONVERTERS = {
    "sklearn.OneVsRestClassifier": one_vs_rest,
    "sklearn.OneVsOneClassifier": one_vs_one,
    "sklearn.OutputCodeClassifier": output_code,
    "sklearn._ConstantPredictor": constant,
}
