"""LightGBM, read from its own text dump (the "tree" format, version 4).

Source: LightGBM's include/LightGBM/tree.h (NumericalDecision, CategoricalDecision) and the
ConvertOutput functions of src/objective.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from toolkit.exporter.booster_categories import coded, of_lightgbm
from toolkit.exporter.conversion import Conversion, categories_in
from toolkit.exporter.formulas.answers import answer, in_precision
from toolkit.exporter.formulas.classes import both_shares, class_labels, largest_index
from toolkit.exporter.formulas.inverse_links import (
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
from toolkit.exporter.trees.answers import tree_answer
from toolkit.exporter.trees.ensemble import (
    LEQ,
    MEMBER,
    Ensemble,
    concatenate,
    tree,
)
from toolkit.exporter.trees.linear_leaves import Line, linear_sums
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value

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
    "custom": identity,  # a function of the caller's: LightGBM answers with the raw scores
}
# Bits of decision_type.
CATEGORICAL, DEFAULT_LEFT = 1, 2
MISSING_ZERO = 1  # in its bits 2 and 3, where 0 is none and 2 is NaN
ZERO = float(np.float32(1e-35))  # what is as near to 0 is 0


@dataclass(frozen=True)
class Model:
    """A Booster, and whether it is given its rows as a scipy matrix."""

    booster: Any
    sparse: bool = False

    @cached_property
    def _parts(self) -> tuple[dict[str, str], list[dict[str, str]]]:
        text = self.booster.model_to_string().split("end of trees")[0]
        head, *blocks = text.split("\nTree=")
        return _lines(head), [_lines(b) for b in blocks]

    @property
    def header(self) -> dict[str, str]:
        """The lines of the head of its text, `key=value`."""
        return self._parts[0]

    @property
    def trees(self) -> list[dict[str, str]]:
        """Those of each tree, up to the best iteration."""
        return self._parts[1]

    @property
    def objective(self) -> tuple[str, list[str]]:
        """The objective and its options; "custom" for a function."""
        name, *options = self.header.get("objective", "custom").split()
        return name, options


def regressor(est: Any, x: Value, g: Conversion) -> Outputs:
    """LGBMRegressor and LGBMRanker with the objective's output transform."""
    model = Model(est.booster_, id(est) in g.sparse)
    return {"predict": answer(g, x, predicted(model, x, g))}


def predicted(model: Model, x: Value, g: Conversion) -> Matrix:
    """Return what `Booster.predict` answers: one number a row, or one a class."""
    name, options = model.objective
    if name in ("binary", "multiclass", "multiclassova"):
        return _probabilities(g, _raw(model, x, g, classifies=True), name, options)
    return linked(g, _link(name, options), lambda: _raw(model, x, g, classifies=False))


def classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """LGBMClassifier: sigmoid, softmax, or normalised sigmoids (multiclassova).

    Its decision function is the raw score. Where the objective is a function, so is all else.
    """
    return classified(Model(est.booster_, id(est) in g.sparse), est.classes_, x, g)


def classified(model: Model, classes: Any, x: Value, g: Conversion) -> Outputs:
    """Return what a classifier of these classes answers by its booster."""
    name, options = model.objective
    raw = _raw(model, x, g, classifies=True)
    decision = {"decision_function": in_precision(g, x, raw)}
    if name == "custom":
        return dict.fromkeys(("predict", "predict_proba", *decision), in_precision(g, x, raw))
    if name in ("binary", "cross_entropy"):
        return decision | two_classes(g, x, raw, classes, _slope(options))
    if name == "multiclass":
        return decision | many_classes(g, x, raw, classes)
    if name == "multiclassova":  # not normalised to a sum of 1
        p = _probabilities(g, raw, name, options)
    else:
        p = both_shares(g, _link(name, options)(g, raw))
    labels = class_labels(g, largest_index(g, p), classes)
    return decision | {"predict": labels, "predict_proba": in_precision(g, x, p)}


def _link(name: str, options: list[str]) -> Link:
    if name not in LINKS:
        raise Unconvertible(f"objective={name!r}")
    return signed_square if "sqrt" in options else LINKS[name]


def _probabilities(g: Conversion, raw: Matrix, name: str, options: list[str]) -> Matrix:
    if name == "multiclass":
        return g.unary("Softmax", raw, axis=1)
    return sigmoid(g, g.binary("Mul", raw, [_slope(options)], "scale"))


def _slope(options: list[str]) -> float:
    return float(dict(o.split(":") for o in options if ":" in o).get("sigmoid", 1.0))


def _categories(g: Conversion, x: Value, booster: Any) -> Value:
    """Return x with the numbers of pandas' categories, where the booster was fitted on such."""
    known = of_lightgbm(booster, categories_in(x))
    if len(known) < len(booster.pandas_categorical or []):
        raise Unconvertible(
            "ordered categories, of whose columns it keeps no list (give X as the data frame with "
            "its categories)"
        )
    return coded(g, x, known)


def _lines(block: str) -> dict[str, str]:
    pairs = [line.partition("=") for line in block.splitlines()]
    return {key: value for key, _, value in pairs}


def _raw(model: Model, x: Value, g: Conversion, classifies: bool) -> Matrix:
    """Return the raw scores [N, outputs]."""
    header, trees = model.header, model.trees
    x = _categories(g, x, model.booster)
    outputs = int(header["num_tree_per_iteration"])
    average = "average_output" in header
    share = outputs / len(trees) if average and trees else 1.0
    if average:
        g.traps.append("boosting_type 'rf': the mean over the trees that there are")
    parts = [_read(t, k % outputs, share, model.sparse) for k, t in enumerate(trees)]
    prepared = _prepared(g, x, trees)
    if any(t.get("is_linear") == "1" for t in trees):
        if prepared is not x:
            raise Unconvertible("linear_tree=True beside categories or zero_as_missing=True")
        return linear_sums(g, x, parts, [_leaf_lines(t, share) for t in trees], outputs)
    ensemble = concatenate(parts, np.zeros(outputs))
    return tree_answer(g, prepared, ensemble, "float64" if classifies else None, rounded=False)


def _read(lines: dict[str, str], target: int, share: float, sparse: bool) -> Ensemble:
    """Return one tree; splits come first, then its leaves. sparse: of rows in a scipy matrix."""
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
    # LightGBM reads what is as near to 0 as ZERO as 0: it goes where 0 goes, all of it. What a
    # scipy matrix holds is compared as it is.
    tiny = (np.abs(threshold) <= ZERO) & ~categorical & (not sparse)
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


def _leaf_lines(lines: dict[str, str], share: float) -> list[Line]:
    """Return each leaf's line, in the leaves' order; none has terms in a tree of plain values."""
    values = _floats(lines["leaf_value"]) * share
    if lines.get("is_linear") != "1":
        return [Line(v, v) for v in values.tolist()]
    ends = np.cumsum(_integers(lines["num_features"]))[:-1]
    features = np.split(_integers(lines["leaf_features"]), ends)
    slopes = np.split(_floats(lines["leaf_coeff"]) * share, ends)
    starts = (_floats(lines["leaf_const"]) * share).tolist()
    return [Line(*line) for line in zip(values.tolist(), starts, features, slopes, strict=True)]


def _members(lines: dict[str, str], number: int) -> np.ndarray:
    """Return the categories of the tree's set of this number."""
    bounds = _integers(lines["cat_boundaries"])
    words = np.array(lines["cat_threshold"].split(), dtype="<u4")[
        bounds[number] : bounds[number + 1]
    ]
    return np.flatnonzero(np.unpackbits(words.view(np.uint8), bitorder="little")).astype(np.float64)


def _prepared(g: Conversion, x: Value, trees: list[dict[str, str]]) -> Value:
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
        whole = g.mul(g.unary("Floor", g.unary("Abs", m)), g.unary("Sign", m))
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
