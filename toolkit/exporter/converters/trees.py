"""Trees and forests, read from the fitted arrays with numpy and routed exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.answers import about, answer, center_of, in_precision
from toolkit.exporter.formulas.classes import class_labels, largest_index
from toolkit.exporter.formulas.response import of_several
from toolkit.exporter.trees.answers import tree_answer
from toolkit.exporter.trees.ensemble import Ensemble, concatenate, tree
from toolkit.exporter.trees.leaf_tables import summed
from toolkit.exporter.trees.pending import tree_sums
from toolkit.exporter.values import Matrix, Outputs, Value


def regressor(est: Any, x: Value, g: Conversion) -> Outputs:
    """One tree or the mean of a forest's; several outputs are several values a leaf."""
    trees = members(est)
    parts = [read(t.tree_, t.tree_.value[:, 0, 0] / len(trees)) for t in trees]
    if est.n_outputs_ > 1:
        center = center_of(g, est.n_outputs_)
        total = summed(g, x, parts, [t.tree_.value[:, :, 0] - center for t in trees])
        return {"predict": answer(g, x, about(g, divided(g, total, len(trees)), center))}
    return {"predict": answer(g, x, mean(g, x, parts))}


def classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """The mean of the leaves' class shares; the label of the largest, the first of equals.

    Several outputs: labels [N, outputs], and their probabilities as tasks.side_by_side says.
    """
    trees = members(est)
    routes = [read(t.tree_) for t in trees]
    answers = []
    for output, classes in enumerate(est.classes_ if est.n_outputs_ > 1 else [est.classes_]):
        tables = [t.tree_.value[:, output, : len(classes)] for t in trees]
        answers.append(classified(g, x, shares(g, x, routes, tables), classes))
    if est.n_outputs_ == 1:
        return answers[0]
    return {
        "predict": g.join([g.upright(a["predict"]) for a in answers]),
        "predict_proba": of_several([a["predict_proba"] for a in answers], g),
    }


def embedding(est: Any, x: Value, g: Conversion) -> Outputs:
    """RandomTreesEmbedding: a 1 for the leaf of each tree, in the order of the encoder's."""
    parts, start = [], 0
    for t, leaves in zip(est.estimators_, est.one_hot_encoder_.categories_, strict=True):
        single = read(t.tree_)
        known = np.isin(np.arange(len(single.leaf)), leaves)
        target = np.zeros(len(single.leaf), dtype=np.int64)
        target[leaves.astype(np.int64)] = start + np.arange(len(leaves))
        parts.append(replace(single, values=known.astype(np.float64), target=target))
        start += len(leaves)
    return {"transform": in_precision(g, x, tree_sums(g, x, concatenate(parts, np.zeros(start))))}


def isolation_forest(est: Any, x: Value, g: Conversion) -> Outputs:
    """`−2^(−d / c) − offset_` with the summed depth d of the leaves; below 0 is an outlier.

    Liu, Ting, Zhou: Isolation Forest (2008). The label is decided on d, at the depth where
    scikit-learn's own arithmetic turns: a training row may lie on the limit exactly.
    """
    trees, tables = [], []
    lengths = zip(est._decision_path_lengths, est._average_path_length_per_tree, strict=True)
    for t, features, (path, more) in zip(
        est.estimators_, est.estimators_features_, lengths, strict=True
    ):
        trees.append(read(t.tree_, features=features))
        tables.append((path + more - 1.0).reshape(-1, 1))
    depth = summed(g, x, trees, tables)
    scale = len(trees) * _average_path_length(est._max_samples)

    def decision(d: float) -> float:
        ratio = np.array([d]) / scale if scale else np.ones(1)
        return float((-(2**-ratio))[0] - est.offset_)

    limit = g.constant([_first_inlier(decision)], "float64", "limit")
    outlier = g.add("Less", [depth.name, limit], "outlier")
    shape = g.constant([-1], "int64", "flat")
    inlier = g.add("Reshape", [g.add("Not", [outlier], "inlier"), shape], "inlier")
    index = g.cast(Matrix(inlier, "bool", 0), "int64")
    exponent = g.binary("Mul", depth, [-1.0 / scale if scale else 0.0], "scale")
    exponent = exponent if scale else g.binary("Sub", exponent, [1.0], "one")
    two = g.constant([2.0], "float64", "two")
    anomaly = Matrix(g.add("Pow", [two, exponent.name], "anomaly"), "float64", 1)
    scores = g.binary("Sub", g.unary("Neg", anomaly), [est.offset_], "offset")
    return {
        "predict": class_labels(g, index, np.array([-1, 1])),
        "decision_function": in_precision(g, x, scores),
    }


def _first_inlier(decision: Any) -> float:
    """Return the smallest depth sum whose decision is not below 0; it rises with the depth."""
    low, high = 0.0, 1.0
    if not decision(low) < 0:
        return -np.inf
    while decision(high) < 0:
        high *= 2
        if high > 1e12:
            return np.inf
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if decision(middle) < 0 else (low, middle)
    return high


def _average_path_length(n: int) -> float:
    """Return the mean depth of an unsuccessful search in a binary search tree of n rows."""
    if n <= 2:
        return float(n == 2)
    return 2.0 * (np.log(n - 1.0) + np.euler_gamma) - 2.0 * (n - 1.0) / n


def members(est: Any) -> list[Any]:
    """Return the trees of a forest, or the tree itself."""
    return [est] if hasattr(est, "tree_") else list(est.estimators_)


def read(fitted: Any, values: Any = None, features: Any = None) -> Ensemble:
    """Return a fitted `Tree` as an Ensemble of one.

    values: [nodes], zeros if None; features: the columns of the input that the tree was given.
    """
    feature, n = fitted.feature, fitted.node_count
    return tree(
        feature if features is None else np.asarray(features)[np.maximum(feature, 0)],
        fitted.threshold,
        fitted.children_left,
        fitted.children_right,
        fitted.children_left == -1,
        np.broadcast_to(0.0, n) if values is None else values,
        missing_left=getattr(fitted, "missing_go_to_left", None),
        count=fitted.n_node_samples,
    )


def mean(g: Conversion, x: Value, parts: Sequence[Ensemble]) -> Matrix:
    """Return the sum of trees whose values are divided by their number already."""
    return tree_answer(g, x, concatenate(parts, np.zeros(1)))


def shares(
    g: Conversion, x: Value, trees: Sequence[Ensemble], tables: Sequence[np.ndarray]
) -> Matrix:
    """Return the mean of the leaves' class shares [N, classes]; equal where scikit-learn's are.

    tables: [nodes, classes] a tree. Where every leaf is of one class its votes are counted, exactly
    in any order; where not, shares are added as scikit-learn adds them.
    """
    classes, count = tables[0].shape[1], len(trees)
    pure = all(
        ((table == 0) | (table == 1))[t.leaf].all() for t, table in zip(trees, tables, strict=True)
    )
    if not pure:
        g.traps.append("class shares: added in float64 in scikit-learn's order, so that ties hold")
        return divided(g, summed(g, x, trees, tables), count)
    if classes == 2:  # one output is enough: the others' votes are the rest
        votes = [replace(t, values=table[:, 1]) for t, table in zip(trees, tables, strict=True)]
        second = tree_sums(g, x, concatenate(votes, np.zeros(1)))
        all_votes = g.constant([float(count)], second.dtype, "trees")
        first = Matrix(g.add("Sub", [all_votes, second.name], "rest"), second.dtype, 1)
        return divided(g, g.join([first, second]), count)
    votes = [
        replace(t, values=np.ones(len(table)), target=np.argmax(table, axis=1))
        for t, table in zip(trees, tables, strict=True)
    ]
    return divided(g, tree_sums(g, x, concatenate(votes, np.zeros(classes))), count)


def divided(g: Conversion, total: Matrix, count: int) -> Matrix:
    """Return a sum over `count` trees as their mean."""
    return total if count == 1 else g.binary("Div", total, [float(count)], "trees")


def classified(g: Conversion, x: Value, p: Matrix, classes: np.ndarray) -> Outputs:
    """Return probabilities, and the label of the first largest of them."""
    return {
        "predict": class_labels(g, largest_index(g, p), classes),
        "predict_proba": in_precision(g, x, p),
    }


CONVERTERS = {
    "sklearn.DecisionTreeRegressor": regressor,
    "sklearn.ExtraTreeRegressor": regressor,
    "sklearn.ExtraTreesRegressor": regressor,
    "sklearn.RandomForestRegressor": regressor,
    "sklearn.DecisionTreeClassifier": classifier,
    "sklearn.ExtraTreeClassifier": classifier,
    "sklearn.ExtraTreesClassifier": classifier,
    "sklearn.RandomForestClassifier": classifier,
    "sklearn.RandomTreesEmbedding": embedding,
    "sklearn.IsolationForest": isolation_forest,
}
