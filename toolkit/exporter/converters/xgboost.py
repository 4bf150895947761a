"""XGBoost, read from its own JSON.

Source: XGBoost's doc/model.schema, src/predictor (GetNextNode, categorical Decision) and the
PredTransform functions of src/objective. It compares and sums in float32,
and so does the graph, in the same order: to answers that lie far from zero its rounding belongs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.exporter.booster_categories import coded, of_xgboost
from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.answers import answer, in_precision, is_far
from toolkit.exporter.formulas.classes import both_shares, class_labels, index_above, largest_index
from toolkit.exporter.formulas.inverse_links import (
    Link,
    exp,
    identity,
    many_classes,
    masked,
    sigmoid,
    two_classes,
)
from toolkit.exporter.formulas.matmul import affine
from toolkit.exporter.trees.ensemble import LEQ, MEMBER, Ensemble, concatenate, tree
from toolkit.exporter.trees.leaf_tables import summed
from toolkit.exporter.trees.pending import tree_sums
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value
from toolkit.precision import FLOAT32_UNIT


def hinge(g: Conversion, raw: Matrix) -> Matrix:
    """Return 1 where raw is above 0, else 0."""
    return g.cast(g.compare("Greater", raw, [0.0]), raw.dtype)


def softmax(g: Conversion, raw: Matrix) -> Matrix:
    """Return the classes' shares."""
    return g.unary("Softmax", raw, axis=1)


def first_largest(g: Conversion, raw: Matrix) -> Matrix:
    """Return the place of the largest score, a number."""
    return g.cast(g.upright(largest_index(g, raw)), raw.dtype)


PLAIN = ("squarederror", "squaredlogerror", "pseudohubererror", "absoluteerror", "quantileerror")
LINKS: dict[str, Link] = {
    **{f"reg:{name}": identity for name in PLAIN},
    "reg:logistic": sigmoid,
    "binary:logistic": sigmoid,
    "binary:logitraw": identity,
    "binary:hinge": hinge,
    "multi:softprob": softmax,
    "multi:softmax": first_largest,
    "count:poisson": exp,
    "reg:gamma": exp,
    "reg:tweedie": exp,
    "survival:cox": exp,
    "survival:aft": exp,
    "rank:pairwise": identity,
    "rank:ndcg": identity,
    "rank:map": identity,
}
# base_score is kept as a prediction: what its margin is, by the link; else it is the margin.
MARGINS: dict[Link, Callable[[np.ndarray], np.ndarray]] = {
    exp: np.log,
    sigmoid: lambda p: -np.log(1.0 / p - 1.0),
}
# The largest margin whose float32 sigmoid is still 0.5: exp(−x) has to fall below 1 − 2⁻²⁴.
HALF = 1.5 * FLOAT32_UNIT


@dataclass(frozen=True)
class Model:
    """A Booster, and how rows are given to it.

    missing: what stands for a missing value, besides NaN; iterations: how many of them answer, 0
    for all; sparse: the rows are a scipy matrix, of which what is absent is missing.
    """

    booster: Any
    missing: Any = np.nan
    iterations: int = 0
    sparse: bool = False

    @property
    def learner(self) -> dict[str, Any]:
        """XGBoost's own description of it."""
        return dict(json.loads(bytes(self.booster.save_raw("json")))["learner"])


def regressor(est: Any, x: Value, g: Conversion) -> Outputs:
    """XGBRegressor, XGBRFRegressor, XGBRanker: one output, or one a target."""
    return {"predict": answer(g, x, predicted(_model(est, g), x, g))}


def predicted(model: Model, x: Value, g: Conversion) -> Matrix:
    """Return what `Booster.predict` answers, [N, outputs]."""
    learner = model.learner
    name = learner["objective"]["name"]
    if name not in LINKS:
        raise Unconvertible(f"objective={name!r}")
    return LINKS[name](g, _raw(model, x, g, learner, LINKS[name]))


def classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """XGBClassifier, XGBRFClassifier.

    Of several labels a row each has its probability of being 1, and is a float, as XGBoost has it.
    """
    return classified(_model(est, g), est.classes_, x, g)


def classified(model: Model, classes: Any, x: Value, g: Conversion) -> Outputs:
    """Return what a classifier of these classes answers by its booster."""
    learner = model.learner
    name = learner["objective"]["name"]
    if name not in LINKS:
        raise Unconvertible(f"objective={name!r}")
    link = LINKS[name]
    raw = _raw(model, x, g, learner, link)
    if link in (softmax, first_largest):
        return many_classes(g, x, raw, classes)
    if raw.width == 1 and link is sigmoid:
        return two_classes(g, x, raw, classes, limit=HALF)
    p = link(g, raw)
    if raw.width == 1:
        label = class_labels(g, index_above(g, p, 0.5), classes)
        return {"predict": label, "predict_proba": in_precision(g, x, both_shares(g, p))}
    chosen = (
        g.compare("Greater", raw, [HALF]) if link is sigmoid else g.compare("Greater", p, [0.5])
    )
    return {"predict": g.cast(chosen, "float64"), "predict_proba": in_precision(g, x, p)}


def _model(est: Any, g: Conversion) -> Model:
    """Return the booster of a scikit-learn estimator as its `predict` uses it.

    Its best iteration is the booster's own, whatever stopped the fitting early.
    """
    booster = est.get_booster()
    best = None if est.booster == "gblinear" else booster.attr("best_iteration")
    return Model(booster, est.missing, 0 if best is None else int(best) + 1, id(est) in g.sparse)


def _raw(model: Model, x: Value, g: Conversion, learner: dict[str, Any], link: Link) -> Matrix:
    """Return the margins [N, outputs]."""
    parameters = learner["learner_model_param"]
    outputs = max(1, int(parameters["num_class"]), int(parameters["num_target"]))
    score = np.array(json.loads(parameters["base_score"]), dtype=np.float32).reshape(-1)
    # In float32, as XGBoost has it; a margin is added to the first tree's leaves.
    margins = MARGINS[link](score) if link in MARGINS else score
    margin = np.broadcast_to(margins.astype(np.float32), outputs)
    x = _with_missing(g, coded(g, x, of_xgboost(model.booster)), model.missing)
    if model.sparse:
        g.traps.append("XGBoost on sparse rows: what is absent, a zero, is missing to it")
        x = _with_missing(g, x, 0.0)
    booster = learner["gradient_booster"]
    if booster["name"] == "gblinear":
        # It adds the first output's margin to all (gblinear.cc: base_score(0)).
        return _linear(g, x, np.array(booster["model"]["weights"]), margin[:1])
    weights = booster.get("weight_drop")
    grown = booster.get("gbtree", booster)["model"]
    trees = grown["trees"]
    used = grown["iteration_indptr"][model.iterations] if model.iterations else len(trees)
    parts = [
        _read(trees[k], grown["tree_info"][k], 1.0 if weights is None else weights[k])
        for k in range(used)
    ]
    x = _whole(g, x, trees)
    if any(int(t["tree_param"]["size_leaf_vector"]) > 1 for t in trees):
        if weights is not None:
            raise Unconvertible("booster='dart' with multi_strategy='multi_output_tree'")
        tables = [_vectors(t, outputs) for t in trees[:used]]
        if is_far(g.scale):
            tables[0] = (tables[0] + margin).astype(np.float32)
            return summed(g, x, parts, tables, kind="float32")
        return g.binary("Add", summed(g, x, parts, tables), margin, "margin")
    return tree_sums(g, x, concatenate(parts, margin), "float32")


def _read(fitted: dict[str, Any], target: int, weight: float) -> Ensemble:
    """Return one tree; `x < t` is `x <= ` the float32 before t."""
    left, right = (np.array(fitted[k]) for k in ("left_children", "right_children"))
    leaf = left == -1
    condition = np.array(fitted["split_conditions"], dtype=np.float32)
    below = np.nextafter(condition, np.float32(-np.inf)).astype(np.float64)
    default_left = np.array(fitted["default_left"]).astype(bool)
    values = (condition * np.float32(weight)).astype(np.float64)
    mode = np.full(len(leaf), LEQ, dtype=np.uint8)
    nodes = np.array(fitted["categories_nodes"], dtype=np.int64)
    sizes = np.array(fitted["categories_sizes"], dtype=np.int64)
    members = np.array(fitted["categories"], dtype=np.float64)
    # The categories in a node's set go right, all others left.
    mode[nodes] = np.where(sizes > 0, MEMBER, LEQ)
    below[nodes] = np.where(sizes > 0, 0.0, -np.inf)
    swapped = np.zeros(len(leaf), dtype=bool)
    swapped[nodes] = True
    left, right = np.where(swapped, right, left), np.where(swapped, left, right)
    feature = np.array(fitted["split_indices"])
    sets = (np.repeat(nodes, sizes), members)
    return tree(
        feature,
        below,
        left,
        right,
        leaf,
        values,
        missing_left=default_left ^ swapped,
        target=target,
        mode=mode,
        categories=sets,
        count=np.array(fitted["sum_hessian"]),  # the weight of the rows, which serves as well
    )


def _vectors(fitted: dict[str, Any], outputs: int) -> np.ndarray:
    """Return the leaves' values [nodes, outputs]; a leaf's right child is its number."""
    leaf = np.array(fitted["left_children"]) == -1
    weights = np.array(fitted["leaf_weights"], dtype=np.float32).reshape(-1, outputs)
    table = np.zeros((len(leaf), outputs))
    table[leaf] = weights[np.array(fitted["right_children"])[leaf]]
    return table


def _with_missing(g: Conversion, x: Value, missing: Any) -> Value:
    """Return x with NaN for the value that stands for a missing one."""
    if missing is None or missing != missing:
        return x
    return _instead(g, g.floating(x), float(missing), np.nan)


def _instead(g: Conversion, m: Matrix, missing: float, by: float) -> Matrix:
    """Return m with `by` for `missing`; one of them is NaN."""
    if np.isnan(missing):
        absent, hint = g.add("IsNaN", [m.name], "absent"), "zero"
    else:
        value = g.constant(missing, m.dtype, "missing")
        absent, hint = g.add("Equal", [m.name, value], "absent"), "nan"
    filler = g.constant(by, m.dtype, hint)
    result = Matrix(g.add("Where", [absent, filler, m.name], "present"), m.dtype, m.width)
    return g.carry(
        m,
        result,
        lambda own, _: np.where(np.isnan(own) if np.isnan(missing) else own == missing, by, own),
        lambda part, _: _instead(g, part, missing, by),
    )


def _whole(g: Conversion, x: Value, trees: list[dict[str, Any]]) -> Value:
    """Return x with its categories cut to integers."""
    features = {t["split_indices"][n] for t in trees for n in t["categories_nodes"]}
    if not features:
        return x
    g.traps.append("categorical features: split by sets of categories")
    m = g.floating(x)
    return masked(g, m, np.isin(np.arange(m.width), list(features)), g.unary("Floor", m))


def _linear(g: Conversion, x: Value, weights: np.ndarray, margin: np.ndarray) -> Matrix:
    """`x @ weights + bias + margin`, a missing value counting as nothing."""
    m = g.floating(x)
    present = _instead(g, m, np.nan, 0.0)
    table = weights.reshape(m.width + 1, -1)
    if is_far(g.scale):
        return _one_by_one(g, present, table, margin)
    return affine(g, present, table[:-1], table[-1] + margin)


def _one_by_one(g: Conversion, x: Matrix, table: np.ndarray, margin: np.ndarray) -> Matrix:
    """Return `margin + bias + x₀ w₀ + x₁ w₁ + …`, added from the left in float32.

    table: [w; bias], [width + 1, outputs].
    """
    start = table[-1:].astype(np.float32) + margin
    terms = np.vstack([start, table[:-1]])
    one = [g.constant([0, 1, 0, 0], "int64", "pads"), g.constant(1.0, "float32", "one")]
    rows = g.add("Pad", [g.cast(x, "float32").name, *one], "extended")  # [1, x]
    column = g.add("Unsqueeze", [rows, g.constant([2], "int64", "axis")], "column")
    products = g.add("Mul", [column, g.constant(terms, "float32", "weights")], "products")
    sums = g.add("CumSum", [products, g.constant(1, "int64", "axis")], "sums")
    total = g.add("Gather", [sums, g.constant(x.width, "int64", "last")], "total", axis=1)
    return Matrix(total, "float32", terms.shape[1])


CONVERTERS = {
    "xgboost.XGBRegressor": regressor,
    "xgboost.XGBRFRegressor": regressor,
    "xgboost.XGBRanker": regressor,
    "xgboost.XGBClassifier": classifier,
    "xgboost.XGBRFClassifier": classifier,
}
