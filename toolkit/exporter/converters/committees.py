"""AdaBoost and Bagging: committees of any estimators; of trees, one ensemble for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.converters import key_of
from toolkit.exporter.converters.trees import classified, divided, mean, read, shares
from toolkit.exporter.formulas.answers import answer, in_precision, repeated
from toolkit.exporter.formulas.classes import class_labels, index_above, largest_index
from toolkit.exporter.formulas.matmul import affine
from toolkit.exporter.trees.answers import tree_answer
from toolkit.exporter.trees.ensemble import concatenate
from toolkit.exporter.trees.leaf_tables import summed
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value
from toolkit.onnx_graph.domains import ML

TREE_REGRESSORS = {"sklearn.DecisionTreeRegressor", "sklearn.ExtraTreeRegressor"}
TREE_CLASSIFIERS = {"sklearn.DecisionTreeClassifier", "sklearn.ExtraTreeClassifier"}


def bagging_regressor(est: Any, x: Value, g: Conversion) -> Outputs:
    """The mean of the estimators' predictions, each on its own columns."""
    pairs = list(zip(est.estimators_, est.estimators_features_, strict=True))
    count = len(pairs)
    if _all(est.estimators_, TREE_REGRESSORS) and est.estimators_[0].n_outputs_ == 1:
        parts = [read(t.tree_, t.tree_.value[:, 0, 0] / count, f) for t, f in pairs]
        return {"predict": answer(g, x, mean(g, x, parts))}
    answers = [g.convert(inner, g.select(x, f), g.scale)["predict"] for inner, f in pairs]
    return {"predict": answer(g, x, divided(g, _sum(g, answers), count))}


def bagging_classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """The mean of the estimators' probabilities, or of their votes where they have none.

    An estimator that was fitted without a class (its sample had none) gives it 0.
    """
    pairs = list(zip(est.estimators_, est.estimators_features_, strict=True))
    classes = len(est.classes_)
    if _all(est.estimators_, TREE_CLASSIFIERS):
        trees = [read(t.tree_, features=f) for t, f in pairs]
        tables = [_spread(t.tree_.value[:, 0, :], t.classes_, classes) for t in est.estimators_]
        return classified(g, x, shares(g, x, trees, tables), est.classes_)
    members = [g.convert(inner, g.select(x, f)) for inner, f in pairs]
    parts = []
    for inner, outputs in zip(est.estimators_, members, strict=True):
        if hasattr(inner, "predict_proba"):
            parts.append(_placed(g, outputs["predict_proba"], inner.classes_, classes))
        else:
            parts.append(_votes(g, outputs["predict"], np.arange(classes)))
    outputs = classified(g, x, divided(g, _sum(g, parts), len(pairs)), est.classes_)
    known = [o["decision_function"] for o in members if "decision_function" in o]
    if len(known) == len(pairs) and len({d.width for d in known}) == 1:
        outputs["decision_function"] = in_precision(g, x, divided(g, _sum(g, known), len(pairs)))
    return outputs


def adaboost_classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """SAMME: each estimator votes its weight for its class, and −weight/(K−1) for each other.

    Zhu, Zou, Rosset, Hastie: Multi-class AdaBoost (2009). The votes are summed in float64, in
    order, so that classes that are equal in scikit-learn are equal here.
    """
    classes = len(est.classes_)
    if classes < 2:
        raise Unconvertible("a single class")
    weights = est.estimator_weights_[: len(est.estimators_)]
    payoffs = [_payoff(classes, w) for w in weights]
    if _all(est.estimators_, TREE_CLASSIFIERS):
        trees = [read(t.tree_) for t in est.estimators_]
        tables = [
            p[np.searchsorted(est.classes_, t.classes_)[np.argmax(t.tree_.value[:, 0, :], axis=1)]]
            for t, p in zip(est.estimators_, payoffs, strict=True)
        ]
        total = summed(g, x, trees, tables)
    else:
        votes = [_index(g, g.convert(t, x)["predict"], est.classes_) for t in est.estimators_]
        parts = [
            Matrix(
                g.add("Gather", [g.constant(p, "float64", "payoff"), v.name], "vote", axis=0),
                "float64",
                classes,
            )
            for v, p in zip(votes, payoffs, strict=True)
        ]
        total = _sum(g, parts)
    decision = g.binary("Div", total, [est.estimator_weights_.sum()], "weights")
    if classes > 2:
        p = g.unary("Softmax", g.binary("Div", decision, [classes - 1.0], "others"), axis=1)
        index, scores = largest_index(g, decision), decision
    else:
        first, second = g.column(decision, 0), g.column(decision, 1)
        scores = Matrix(g.add("Sub", [second.name, first.name], "decision"), "float64", 1)
        half = g.binary("Div", scores, [2.0], "two")
        p = g.unary("Softmax", g.join([g.unary("Neg", half), half]), axis=1)
        index = index_above(g, scores, 0.0)
    return {
        "predict": class_labels(g, index, est.classes_),
        "predict_proba": in_precision(g, x, p),
        "decision_function": in_precision(g, x, scores),
    }


def adaboost_regressor(est: Any, x: Value, g: Conversion) -> Outputs:
    """AdaBoost.R2: the weighted median of the estimators' predictions.

    Drucker: Improving Regressors using Boosting Techniques (1997). The smallest prediction at which
    the weights, summed in the predictions' order, reach half of all.
    """
    weights = est.estimator_weights_[: len(est.estimators_)]
    count = len(weights)
    if _all(est.estimators_, TREE_REGRESSORS):
        parts = [
            _own_target(read(t.tree_, t.tree_.value[:, 0, 0]), k)
            for k, t in enumerate(est.estimators_)
        ]
        with g.measured(repeated(g.scale, count)):
            answers = tree_answer(g, x, concatenate(parts, np.zeros(count)), "float64")
    else:
        predictions = [g.convert(t, x, g.scale)["predict"] for t in est.estimators_]
        answers = g.join([g.cast(m, "float64") for m in predictions])
    sizes = g.constant([count], "int64", "count")
    ordered, at = g.add_many("TopK", [answers.name, sizes], "sorted", outputs=2, axis=1, largest=0)
    table = g.constant(weights, "float64", "weights")
    mine = g.add("Gather", [table, at], "mine", axis=0)
    reached = Matrix(
        g.add("CumSum", [mine, g.constant(1, "int64", "axis")], "reached"), "float64", 0
    )
    last = g.add("Gather", [reached.name, g.constant([count - 1], "int64", "last")], "all", axis=1)
    half = g.binary("Mul", Matrix(last, "float64", 1), [0.5], "half")
    short = Matrix(g.add("Less", [reached.name, half.name], "short"), "bool", count)
    enough = g.cast(Matrix(g.unary("Not", short).name, "bool", count), "float32")
    first = g.add("ArgMax", [enough.name], "median", axis=1, keepdims=1)
    chosen = g.add("GatherElements", [ordered, first], "chosen", axis=1)
    return {"predict": answer(g, x, Matrix(chosen, "float64", 1))}


def _all(estimators: Sequence[Any], keys: set[str]) -> bool:
    return all(key_of(e) in keys for e in estimators)


def _own_target(ensemble: Any, target: int) -> Any:
    return replace(ensemble, target=np.full(len(ensemble.leaf), target, dtype=np.int64))


def _payoff(classes: int, weight: float) -> np.ndarray:
    """Return what a vote for each class adds to all, [classes, classes]."""
    return np.where(np.eye(classes, dtype=bool), weight, -1 / (classes - 1) * weight)


def _sum(g: Conversion, parts: Sequence[Matrix]) -> Matrix:
    """Return the sum in float64, in order."""
    wide = [g.cast(p, "float64") for p in parts]
    if len(wide) == 1:
        return wide[0]
    return Matrix(g.add("Sum", [p.name for p in wide], "sum"), "float64", wide[0].width)


def _spread(table: np.ndarray, at: np.ndarray, classes: int) -> np.ndarray:
    """Return columns at their classes' places, zeros at the others'."""
    placed = np.zeros((len(table), classes))
    placed[:, np.asarray(at).astype(np.int64)] = table
    return placed


def _placed(g: Conversion, p: Matrix, at: np.ndarray, classes: int) -> Matrix:
    if p.width == classes:
        return p
    wide = g.cast(p, "float64")
    table = _spread(np.eye(p.width), at, classes)
    return affine(g, wide, table, np.zeros(classes))


def _votes(g: Conversion, label: Matrix, classes: np.ndarray) -> Matrix:
    """Return 1 for the label's class and 0 for the others, [N, classes]."""
    index = _index(g, label, classes)
    table = g.constant(np.eye(len(classes)), "float64", "votes")
    name = g.add("Gather", [table, index.name], "vote", axis=0)
    return Matrix(name, "float64", len(classes))


def _index(g: Conversion, label: Matrix, classes: np.ndarray) -> Matrix:
    """Return the position of each label [N] among the classes, int64 [N]."""
    if label.dtype == "string":
        index = g.add(
            "LabelEncoder",
            [label.name],
            "class",
            domain=ML,
            keys_strings=[str(c) for c in classes],
            values_int64s=list(range(len(classes))),
        )
        return Matrix(index, "int64", 0)
    numbers = g.cast(label, "int64") if label.dtype == "bool" else label
    column = g.add("Reshape", [numbers.name, g.constant([-1, 1], "int64", "column")], "column")
    table = g.constant(np.asarray(classes).reshape(1, -1), numbers.dtype, "classes")
    equal = g.add("Equal", [column, table], "equal")
    return largest_index(g, g.cast(Matrix(equal, "bool", len(classes)), "float32"))


CONVERTERS = {
    "sklearn.AdaBoostClassifier": adaboost_classifier,
    "sklearn.AdaBoostRegressor": adaboost_regressor,
    "sklearn.BaggingClassifier": bagging_classifier,
    "sklearn.BaggingRegressor": bagging_regressor,
}
