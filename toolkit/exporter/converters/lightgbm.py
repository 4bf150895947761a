"""LightGBM, read from its own text dump (the "tree" format, version 4).

Source: LightGBM's include/LightGBM/tree.h (NumericalDecision, CategoricalDecision) and the
ConvertOutput functions of src/objective.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.booster_categories import coded, of_lightgbm
from toolkit.exporter.converters.trees import result
from toolkit.exporter.formulas.answers import answer
from toolkit.exporter.formulas.leaf_models import leaves_of, linear_trees
from toolkit.exporter.formulas.links import (
    Link,
    exp,
    identity,
    linked,
    many_classes,
    masked,
    sigmoid,
    signed_square,
    softplus,
    two_classes,
)
from toolkit.exporter.graph import Graph, Matrix, Outputs, Unconvertible, Value
from toolkit.exporter.trees.answers import tree_answer
from toolkit.exporter.trees.ensemble import (
    LEQ,
    MEMBER,
    Ensemble,
    concatenate,
    tree,
)

LINKS: dict[str, Link] = {
    "regression": identity,
    "regression_l1": identity,
    "huber": identity,
    "fair": identity,
    "quantile": identity,
    "mape": identity,
    "poisson": exp,
    "gamma": exp,
    "tweedie": exp,
    "cross_entropy": sigmoid,
    "cross_entropy_lambda": softplus,
    "lambdarank": identity,
    "rank_xendcg": identity,
    "custom": identity,
}
# Bits of decision_type.
CATEGORICAL, DEFAULT_LEFT = 1, 2
MISSING_ZERO = 1  # in its bits 2 and 3, where 0 is none and 2 is NaN
ZERO = float(np.float32(1e-35))  # what is as near to 0 is 0


def regressor(est: Any, x: Value, g: Graph) -> Outputs:
    """LGBMRegressor and LGBMRanker with the objective's output transform."""
    header, trees = _dump(est)
    x = _categories(g, x, est.booster_)
    name, options = _objective(header)
    if name not in LINKS:
        raise Unconvertible(f"objective={name!r}")
    link = signed_square if "sqrt" in options else LINKS[name]
    found = linked(g, link, lambda: _raw(x, g, header, trees, classifies=False))
    return {"predict": answer(g, x, found)}


def classifier(est: Any, x: Value, g: Graph) -> Outputs:
    """LGBMClassifier: sigmoid, softmax, or normalised sigmoids (multiclassova)."""
    header, trees = _dump(est)
    x = _categories(g, x, est.booster_)
    name, options = _objective(header)
    scale = float(dict(o.split(":") for o in options if ":" in o).get("sigmoid", 1.0))
    raw = _raw(x, g, header, trees, classifies=True)
    found = {"decision_function": result(g, x, raw)}
    if name in ("binary", "cross_entropy"):
        return found | two_classes(g, x, raw, est.classes_, scale)
    if name == "multiclass":
        return found | many_classes(g, x, raw, est.classes_)
    if name == "multiclassova":  # not normalised to a sum of 1
        p = sigmoid(g, g.binary("Mul", raw, [scale], "scale"))
        label = g.labels(g.argmax(p), est.classes_)
        return found | {"predict": label, "predict_proba": result(g, x, p)}
    if name == "custom":
        return found | {"predict": result(g, x, raw)}
    raise Unconvertible(f"objective={name!r}")


def _dump(est: Any) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Return the header's and each tree's lines, `key=value`."""
    booster = est.booster_
    text = booster.model_to_string().split("end of trees")[0]
    head, *blocks = text.split("\nTree=")
    return _lines(head), [_lines(b) for b in blocks]


def _categories(g: Graph, x: Value, booster: Any) -> Value:
    """Return x with the numbers of pandas' categories, where the booster was fitted on such."""
    known = of_lightgbm(booster, g.categorical)
    if len(known) < len(booster.pandas_categorical or []):
        raise Unconvertible(
            "ordered categories, of whose columns it keeps no list (give X as the data frame with "
            "its categories)"
        )
    return coded(g, x, known)


def _lines(block: str) -> dict[str, str]:
    pairs = [line.partition("=") for line in block.splitlines()]
    return {key: value for key, _, value in pairs}


def _objective(header: dict[str, str]) -> tuple[str, list[str]]:
    name, *options = header.get("objective", "custom").split()
    return name, options


def _raw(
    x: Value, g: Graph, header: dict[str, str], trees: list[dict[str, str]], classifies: bool
) -> Matrix:
    outputs = int(header["num_tree_per_iteration"])
    average = "average_output" in header
    share = outputs / len(trees) if average and trees else 1.0
    if average:
        g.traps.append("boosting_type 'rf': the mean over the trees that there are")
    parts = [_read(t, k % outputs, share) for k, t in enumerate(trees)]
    if any(t.get("is_linear") == "1" for t in trees):
        width = x.width if isinstance(x, Matrix) else len(x.columns)
        if average:
            raise Unconvertible("linear_tree=True with boosting_type='rf'")
        leaves = [leaves_of(t, width) for t in trees]
        return linear_trees(g, _prepared(g, x, trees), x, parts, leaves, outputs)
    ensemble = concatenate(parts, np.zeros(outputs))
    prepared = _prepared(g, x, trees)
    return tree_answer(g, prepared, ensemble, "float64" if classifies else None, rounded=False)


def _read(lines: dict[str, str], target: int, share: float) -> Ensemble:
    """Return one tree; splits come first, then its leaves."""
    values = _floats(lines["leaf_value"]) * share
    if len(values) == 1:
        zero = np.zeros(1)
        return tree(zero, zero, zero, zero, np.ones(1), values, target=target)
    feature, kind = _integers(lines["split_feature"]), _integers(lines["decision_type"])
    left, right = (_integers(lines[k]) for k in ("left_child", "right_child"))
    splits, leaves = len(feature), len(values)
    threshold = _floats(lines["threshold"])
    categorical = (kind & CATEGORICAL).astype(bool)
    missing = kind >> 2 & 3
    # NaN goes its default way where the feature had missing values, else it counts as 0.
    default_left = (kind & DEFAULT_LEFT).astype(bool)
    missing_left = np.where(missing == 0, threshold >= 0, default_left) & ~categorical
    # LightGBM reads what is as near to 0 as ZERO as 0: it goes where 0 goes, all of it.
    tiny = (np.abs(threshold) <= ZERO) & ~categorical
    at_zero = np.where(threshold >= 0, ZERO, np.nextafter(-ZERO, -np.inf))
    limit = np.where(tiny, at_zero, threshold)
    padding = np.zeros(leaves)
    at = np.flatnonzero(categorical)
    sets = [_members(lines, int(threshold[i])) for i in at]
    return tree(
        np.append(feature, padding),
        np.append(limit, padding),
        np.append(np.where(left < 0, splits + ~left, left), padding),
        np.append(np.where(right < 0, splits + ~right, right), padding),
        np.arange(splits + leaves) >= splits,
        np.append(np.zeros(splits), values),
        missing_left=np.append(missing_left, padding),
        target=target,
        mode=np.append(np.where(categorical, MEMBER, LEQ), padding).astype(np.uint8),
        categories=(
            np.repeat(at, [len(s) for s in sets]),
            np.concatenate([np.zeros(0), *sets]),
        ),
        count=np.append(_floats(lines["internal_count"]), _floats(lines["leaf_count"])),
    )


def _members(lines: dict[str, str], number: int) -> np.ndarray:
    """Return the categories of the tree's set of this number."""
    bounds = _integers(lines["cat_boundaries"])
    words = np.array(lines["cat_threshold"].split(), dtype="<u4")[
        bounds[number] : bounds[number + 1]
    ]
    return np.flatnonzero(np.unpackbits(words.view(np.uint8), bitorder="little")).astype(np.float64)


def _prepared(g: Graph, x: Value, trees: list[dict[str, str]]) -> Value:
    """Return x with what LightGBM does to a value before it compares it.

    A category is cut to an integer; where zeros count as missing, a zero becomes NaN.
    """
    width = x.width if isinstance(x, Matrix) else len(x.columns)
    cut, zero = np.zeros(width, dtype=bool), np.zeros(width, dtype=bool)
    for lines in trees:
        if "split_feature" in lines:
            feature, kind = _integers(lines["split_feature"]), _integers(lines["decision_type"])
            categorical = (kind & CATEGORICAL).astype(bool)
            cut[feature[categorical]] = True
            zero[feature[(kind >> 2 & 3 == MISSING_ZERO) & ~categorical]] = True
    if not cut.any() and not zero.any():
        return x
    m = g.floating(x)
    if cut.any():
        g.traps.append("categorical features: split by sets of categories")
        whole = g.product(g.unary("Floor", g.unary("Abs", m)), g.unary("Sign", m))
        m = masked(g, m, cut, whole)
    if zero.any():
        size = g.unary("Abs", m)
        small = g.add("LessOrEqual", [size.name, g.constant(ZERO, m.dtype, "zero")], "small")
        nan = g.constant(np.nan, m.dtype, "nan")
        m = masked(g, m, zero, Matrix(g.add("Where", [small, nan, m.name], "seen"), m.dtype, width))
    return m


def _integers(text: str) -> np.ndarray:
    return np.array(text.split(), dtype=np.int64)


def _floats(text: str) -> np.ndarray:
    return np.array(text.split(), dtype=np.float64)


CONVERTERS = {
    "lightgbm.LGBMRegressor": regressor,
    "lightgbm.LGBMRanker": regressor,
    "lightgbm.LGBMClassifier": classifier,
}
