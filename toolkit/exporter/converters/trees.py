"""Trees and forests, read from the fitted arrays with numpy and routed exactly."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.graph import Graph, Matrix, Outputs, Unconvertible, Value
from toolkit.exporter.trees import Ensemble, concatenate

# The operator that turns a boosting's sum into its prediction, by its loss.
LINKS: dict[str, str | None] = {
    "squared_error": None,
    "absolute_error": None,
    "quantile": None,
    "poisson": "Exp",
    "gamma": "Exp",
}


def regressor(est: Any, x: Value, g: Graph) -> Outputs:
    """One tree or the mean of a forest's; several outputs are several values a leaf."""
    trees = _trees(est)
    parts = [_read(t.tree_, t.tree_.value[:, :, 0] / len(trees)) for t in trees]
    return {"predict": _routed(g, x, concatenate(parts, np.zeros(est.n_outputs_)))}


def classifier(est: Any, x: Value, g: Graph) -> Outputs:
    """The mean of the leaves' class shares; the label of the largest, the first of equals."""
    if est.n_outputs_ > 1:
        raise Unconvertible("several outputs a row")
    trees = _trees(est)
    shares = [_shares(t.tree_) / len(trees) for t in trees]
    classes = len(est.classes_)
    if classes == 2:
        # One value a leaf is half the size, and 1 − p is as exact as its own sum would be.
        parts = [_read(t.tree_, s[:, 1:]) for t, s in zip(trees, shares, strict=True)]
        p = g.complement(_routed(g, x, concatenate(parts, np.zeros(1))))
    else:
        parts = [_read(t.tree_, s) for t, s in zip(trees, shares, strict=True)]
        p = _routed(g, x, concatenate(parts, np.zeros(classes)))
    return {"predict": g.labels(g.argmax(p), est.classes_), "predict_proba": p}


def hist_regressor(est: Any, x: Value, g: Graph) -> Outputs:
    """HistGradientBoostingRegressor with the inverse link of its loss."""
    raw = _hist_raw(est, x, g)
    if est.loss not in LINKS:
        raise Unconvertible(f"loss {est.loss!r}")
    operator = LINKS[est.loss]
    if operator:
        g.traps.append(f"loss {est.loss!r}: its exp link is applied")
    return {"predict": g.unary(operator, raw) if operator else raw}


def hist_classifier(est: Any, x: Value, g: Graph) -> Outputs:
    """HistGradientBoostingClassifier: sigmoid for two classes, softmax for more."""
    raw = _hist_raw(est, x, g)
    if raw.width == 1:
        index, p = g.above(raw, 0.0), g.complement(g.unary("Sigmoid", raw))
    else:
        index, p = g.argmax(raw), g.unary("Softmax", raw, axis=1)
    labels = g.labels(index, est.classes_)
    return {"predict": labels, "predict_proba": p, "decision_function": raw}


def _trees(est: Any) -> list[Any]:
    return [est] if hasattr(est, "tree_") else list(est.estimators_)


def _routed(g: Graph, x: Value, ensemble: Ensemble) -> Matrix:
    # These trees round their input to float32 themselves, whatever type it has.
    return g.trees(g.cast(g.matrix(x), "float32"), ensemble)


def _shares(tree: Any) -> np.ndarray:
    """Return class shares [nodes, classes]; scikit-learn before 1.3 kept weighted counts."""
    values = tree.value[:, 0, :]
    total = values.sum(axis=1, keepdims=True)
    return values / np.where(total == 0, 1.0, total)


def _read(tree: Any, values: np.ndarray) -> Ensemble:
    """Return a fitted `Tree` as an Ensemble of one; values [nodes, k]."""
    leaf = tree.children_left == -1
    missing = getattr(tree, "missing_go_to_left", None)
    return Ensemble(
        feature=np.where(leaf, 0, tree.feature).astype(np.int64),
        threshold=np.where(leaf, 0.0, tree.threshold),
        left=np.where(leaf, 0, tree.children_left).astype(np.int64),
        right=np.where(leaf, 0, tree.children_right).astype(np.int64),
        missing_left=np.zeros(len(leaf), bool) if missing is None else missing.astype(bool) & ~leaf,
        leaf=leaf,
        values=np.ascontiguousarray(values, dtype=np.float64),
        target=np.zeros(len(leaf), dtype=np.int64),
        roots=np.zeros(1, dtype=np.int64),
        base=np.zeros(values.shape[1]),
    )


def _hist_raw(est: Any, x: Value, g: Graph) -> Matrix:
    if getattr(est, "_preprocessor", None) is not None:
        raise Unconvertible("categorical_features")
    base = np.asarray(est._baseline_prediction, dtype=np.float64).reshape(-1)
    parts = [
        _read_hist(predictor.nodes, output)
        for iteration in est._predictors
        for output, predictor in enumerate(iteration)
    ]
    return g.trees(g.floating(x), concatenate(parts, base))


def _read_hist(nodes: np.ndarray, output: int) -> Ensemble:
    """Return a `TreePredictor`'s nodes as an Ensemble of one."""
    leaf = nodes["is_leaf"].astype(bool)
    return Ensemble(
        feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64),
        threshold=np.where(leaf, 0.0, nodes["num_threshold"]),
        left=np.where(leaf, 0, nodes["left"]).astype(np.int64),
        right=np.where(leaf, 0, nodes["right"]).astype(np.int64),
        missing_left=nodes["missing_go_to_left"].astype(bool) & ~leaf,
        leaf=leaf,
        values=nodes["value"].astype(np.float64)[:, None],
        target=np.full(len(leaf), output, dtype=np.int64),
        roots=np.zeros(1, dtype=np.int64),
        base=np.zeros(1),
    )


CONVERTERS = {
    "sklearn.DecisionTreeRegressor": regressor,
    "sklearn.ExtraTreeRegressor": regressor,
    "sklearn.ExtraTreesRegressor": regressor,
    "sklearn.RandomForestRegressor": regressor,
    "sklearn.DecisionTreeClassifier": classifier,
    "sklearn.ExtraTreeClassifier": classifier,
    "sklearn.ExtraTreesClassifier": classifier,
    "sklearn.RandomForestClassifier": classifier,
    "sklearn.HistGradientBoostingRegressor": hist_regressor,
    "sklearn.HistGradientBoostingClassifier": hist_classifier,
}
