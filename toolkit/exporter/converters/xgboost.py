"""XGBoost, read from its own JSON.

Source: XGBoost's doc/model.schema, src/predictor (GetNextNode, categorical Decision) and the
PredTransform functions of src/objective. It compares and sums in float32,
and so does the graph, in the same order: to answers that lie far from zero its rounding belongs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from toolkit.exporter.booster_categories import coded, of_xgboost
from toolkit.exporter.converters.trees import result
from toolkit.exporter.formulas.answers import answer, is_far
from toolkit.exporter.formulas.links import (
    Link,
    exp,
    identity,
    many_classes,
    masked,
    sigmoid,
    two_classes,
)
from toolkit.exporter.formulas.sparse import is_sparse
from toolkit.exporter.graph import Graph, Matrix, Outputs, Unconvertible, Value
from toolkit.exporter.trees.ensemble import LEQ, MEMBER, Ensemble, concatenate, tree
from toolkit.exporter.trees.leaf_tables import summed


def step(g: Graph, raw: Matrix) -> Matrix:
    """1 where raw is above 0, else 0."""
    return g.cast(g.compare("Greater", raw, [0.0]), raw.dtype)


def logit(g: Graph, raw: Matrix) -> Matrix:
    """`raw`, whose base score is kept as a probability."""
    return raw


LINKS: dict[str, Link] = {
    "binary:hinge": step,
    "binary:logitraw": logit,
    "reg:expectileerror": identity,
    "reg:squarederror": identity,
    "reg:squaredlogerror": identity,
    "reg:pseudohubererror": identity,
    "reg:absoluteerror": identity,
    "reg:quantileerror": identity,
    "reg:logistic": sigmoid,
    "binary:logistic": sigmoid,
    "count:poisson": exp,
    "reg:gamma": exp,
    "reg:tweedie": exp,
    "survival:cox": exp,
    "survival:aft": exp,
    "rank:pairwise": identity,
    "rank:ndcg": identity,
    "rank:map": identity,
}
# base_score is kept as a prediction: what its margin is, by the link.
MARGINS: dict[Link, Callable[[np.ndarray], np.ndarray]] = {
    identity: lambda p: p,
    exp: np.log,
    sigmoid: lambda p: -np.log(1.0 / p - 1.0),
    logit: lambda p: -np.log(1.0 / p - 1.0),
    step: lambda p: p,
}
# The largest margin whose float32 sigmoid is still 0.5: exp(−x) has to fall below 1 − 2⁻²⁴.
HALF = 1.5 * 2.0**-24


def regressor(est: Any, x: Value, g: Graph) -> Outputs:
    """XGBRegressor, XGBRFRegressor, XGBRanker: one output, or one a target."""
    learner = _learner(est)
    link = _link(learner)
    return {"predict": answer(g, x, link(g, _raw(est, x, g, learner, link)))}


def classifier(est: Any, x: Value, g: Graph) -> Outputs:
    """XGBClassifier, XGBRFClassifier: two classes by 0.5, whatever the objective's answers are.

    Several labels a row have a column each.
    """
    learner = _learner(est)
    name = learner["objective"]["name"]
    if name in ("multi:softprob", "multi:softmax"):
        return many_classes(g, x, _raw(est, x, g, learner, identity), est.classes_)
    link = _link(learner)
    raw = _raw(est, x, g, learner, link)
    if raw.width > 1:
        p = link(g, raw)
        limit = HALF if link is sigmoid else 0.5
        label = g.compare("Greater", raw if link is sigmoid else p, [limit])
        return {"predict": g.cast(label, "int64"), "predict_proba": result(g, x, p)}
    if link is sigmoid:
        return two_classes(g, x, raw, est.classes_, limit=HALF)
    p = link(g, raw)
    label = g.labels(g.above(p, 0.5), est.classes_)
    return {"predict": label, "predict_proba": result(g, x, g.complement(p))}


def _link(learner: dict[str, Any]) -> Link:
    name = learner["objective"]["name"]
    if name not in LINKS:
        raise Unconvertible(f"objective={name!r}")
    return LINKS[name]


def _learner(est: Any) -> dict[str, Any]:
    return dict(json.loads(bytes(est.get_booster().save_raw("json")))["learner"])


def _raw(est: Any, x: Value, g: Graph, learner: dict[str, Any], link: Link) -> Matrix:
    """Return the margins [N, outputs]."""
    parameters = learner["learner_model_param"]
    outputs = max(1, int(parameters["num_class"]), int(parameters["num_target"]))
    score = np.array(json.loads(parameters["base_score"]), dtype=np.float32).reshape(-1)
    # In float32, as XGBoost has it; a margin is added to the first tree's leaves.
    margin = np.broadcast_to(MARGINS[link](score).astype(np.float32), outputs)
    x = _with_missing(g, coded(g, x, of_xgboost(est)), est.missing)
    booster = learner["gradient_booster"]
    if booster["name"] == "gblinear":
        # It adds the first output's margin to all (gblinear.cc: base_score(0)).
        return _linear(g, x, np.array(booster["model"]["weights"]), margin[:1])
    weights = booster.get("weight_drop")
    model = booster.get("gbtree", booster)["model"]
    used = _used(est, model)
    parts = [
        _read(model["trees"][k], model["tree_info"][k], 1.0 if weights is None else weights[k])
        for k in range(used)
    ]
    x = _whole(g, x, model["trees"])
    if any(int(t["tree_param"]["size_leaf_vector"]) > 1 for t in model["trees"]):
        if weights is not None:
            raise Unconvertible("booster='dart' with multi_strategy='multi_output_tree'")
        tables = [_vectors(t, outputs) for t in model["trees"][:used]]
        if is_far(g.scale):
            tables[0] = (tables[0] + margin).astype(np.float32)
            return summed(g, x, parts, tables, kind="float32")
        return g.binary("Add", summed(g, x, parts, tables), margin, "margin")
    return g.trees(x, concatenate(parts, margin), "float32")


def _used(est: Any, model: dict[str, Any]) -> int:
    """Return the number of trees up to the best iteration, where fitting stopped early.

    The booster keeps it, whoever stopped: its setting, a callback, or before its file was read.
    """
    best = est.get_booster().attr("best_iteration")
    return len(model["trees"]) if best is None else model["iteration_indptr"][int(best) + 1]


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


def _with_missing(g: Graph, x: Value, missing: Any) -> Value:
    """Return x with NaN for the value that stands for a missing one.

    What a sparse matrix does not hold is missing too: its zeros.
    """
    if is_sparse(x):
        g.traps.append("XGBoost after a sparse step: zeros are missing values to it")
        m = g.floating(x)
        x, missing = m, 0.0
    if missing is None or missing != missing:
        return x
    return _gone(g, g.floating(x), float(missing))


def _gone(g: Graph, m: Matrix, missing: float) -> Matrix:
    absent = g.add("Equal", [m.name, g.constant(missing, m.dtype, "missing")], "absent")
    nan = g.constant(np.nan, m.dtype, "nan")
    result = Matrix(g.add("Where", [absent, nan, m.name], "present"), m.dtype, m.width)
    g.carry(
        m,
        result,
        lambda own, _: np.where(own == missing, np.nan, own),
        lambda part, _: _gone(g, part, missing),
    )
    return result


def _whole(g: Graph, x: Value, trees: list[dict[str, Any]]) -> Value:
    """Return x with its categories cut to integers."""
    features = {t["split_indices"][n] for t in trees for n in t["categories_nodes"]}
    if not features:
        return x
    g.traps.append("categorical features: split by sets of categories")
    m = g.floating(x)
    return masked(g, m, np.isin(np.arange(m.width), list(features)), g.unary("Floor", m))


def _linear(g: Graph, x: Value, weights: np.ndarray, margin: np.ndarray) -> Matrix:
    """`x @ weights + bias + margin`, a missing value counting as nothing."""
    m = g.floating(x)
    present = _present(g, m)
    table = weights.reshape(m.width + 1, -1)
    if is_far(g.scale):
        return _one_by_one(g, present, table, margin)
    return g.affine(present, table[:-1], table[-1] + margin)


def _present(g: Graph, m: Matrix) -> Matrix:
    """Return m with 0 for NaN."""
    absent = g.add("IsNaN", [m.name], "absent")
    zero = g.constant(0.0, m.dtype, "zero")
    result = Matrix(g.add("Where", [absent, zero, m.name], "present"), m.dtype, m.width)
    g.carry(m, result, lambda own, _: np.nan_to_num(own), lambda part, _: _present(g, part))
    return result


def _one_by_one(g: Graph, x: Matrix, table: np.ndarray, margin: np.ndarray) -> Matrix:
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
