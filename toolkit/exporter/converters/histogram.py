"""Histogram gradient boosting: thresholds in float64, missing values, sets of categories."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.answers import answer, exp_answer, in_precision
from toolkit.exporter.formulas.binary_sigmoid import binary_sigmoid
from toolkit.exporter.formulas.classes import class_labels, largest_index
from toolkit.exporter.formulas.lookup import category_codes, columns_of
from toolkit.exporter.schema.told import places_of
from toolkit.exporter.trees.answers import tree_answer
from toolkit.exporter.trees.ensemble import (
    LEQ,
    MEMBER,
    NO_CATEGORIES,
    Ensemble,
    concatenate,
    tree,
)
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value

# Whether the prediction is the exponential of the trees' sum, by the loss.
LOG_LINK = {
    "squared_error": False,
    "absolute_error": False,
    "quantile": False,
    "poisson": True,
    "gamma": True,
}


def regressor(est: Any, x: Value, g: Conversion) -> Outputs:
    """HistGradientBoostingRegressor with the inverse link of its loss."""
    if est.loss not in LOG_LINK:
        raise Unconvertible(f"loss={est.loss!r}")
    if not LOG_LINK[est.loss]:
        return {"predict": answer(g, x, _raw(est, x, g, classifies=False))}
    g.traps.append(f"loss {est.loss!r}: its exp link is applied")
    linked_answer = exp_answer(g, lambda: _raw(est, x, g, classifies=False))
    return {"predict": answer(g, x, linked_answer)}


def classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """HistGradientBoostingClassifier: sigmoid for two classes, softmax for more."""
    raw = _raw(est, x, g, classifies=True)
    if raw.width == 1:
        index, p = binary_sigmoid(g, raw)
    else:
        p = g.unary("Softmax", raw, axis=1)
        index = largest_index(
            g, p
        )  # of the probabilities, as scikit-learn: raw ones may differ by less
    return {
        "predict": class_labels(g, index, est.classes_),
        "predict_proba": in_precision(g, x, p),
        "decision_function": in_precision(g, x, raw),
    }


def _raw(est: Any, x: Value, g: Conversion, classifies: bool) -> Matrix:
    preprocessor = getattr(est, "_preprocessor", None)
    known: list[np.ndarray | None] = []
    if preprocessor is not None:
        g.traps.append("categorical_features: encoded, and split by sets of categories")
        x, known = _encoded(g, x, preprocessor), _known(est)
    base = np.asarray(est._baseline_prediction, dtype=np.float64).reshape(-1)
    parts = [
        _read(predictor, output, known)
        for iteration in est._predictors
        for output, predictor in enumerate(iteration)
    ]
    ensemble = concatenate(parts, base)
    return tree_answer(g, x, ensemble, "float64" if classifies else None, rounded=False)


def _read(predictor: Any, output: int, known: list[np.ndarray | None]) -> Ensemble:
    """Return a `TreePredictor` as an Ensemble of one."""
    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(bool)
    threshold = nodes["num_threshold"].astype(np.float64)
    mode, categories = np.full(len(leaf), LEQ, dtype=np.uint8), NO_CATEGORIES
    at = np.flatnonzero(nodes["is_categorical"].astype(bool) & ~leaf)
    if len(at):
        sets = [_left_set(predictor, nodes[i], known) for i in at]
        for i, members in zip(at, sets, strict=True):
            # No category goes left: nothing is at or below −inf.
            mode[i], threshold[i] = (MEMBER, 0.0) if len(members) else (LEQ, -np.inf)
        sizes = [len(s) for s in sets]
        categories = (np.repeat(at, sizes), np.concatenate(sets))
    return tree(
        nodes["feature_idx"],
        threshold,
        nodes["left"],
        nodes["right"],
        leaf,
        nodes["value"],
        missing_left=nodes["missing_go_to_left"],
        target=output,
        mode=mode,
        categories=categories,
        count=nodes["count"],
    )


def _left_set(predictor: Any, node: Any, known: list[np.ndarray | None]) -> np.ndarray:
    """Return the encoded categories that go left; one unknown to the trees goes where NaN goes."""
    left = _bits(predictor.raw_left_cat_bitsets[node["bitset_idx"]])
    if node["missing_go_to_left"]:
        familiar = known[node["feature_idx"]]
        assert familiar is not None
        left |= ~familiar
    return np.flatnonzero(left).astype(np.float64)


def _bits(words: np.ndarray) -> np.ndarray:
    """Return a bitset of eight 32-bit words as bool [256]."""
    return np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little").astype(bool)


def _known(est: Any) -> list[np.ndarray | None]:
    """Return for each encoded column which of 256 codes the trees know; None for numbers."""
    mapper = est._bin_mapper
    flags = np.asarray(mapper.is_categorical_).astype(bool)
    return [
        np.isin(np.arange(256), bins) if flag else None
        for flag, bins in zip(flags, mapper.bin_thresholds_, strict=True)
    ]


def _encoded(g: Conversion, x: Value, preprocessor: Any) -> Matrix:
    """Return the categorical columns as codes (NaN for an unknown one), then the numeric ones."""
    columns = columns_of(g, x)
    names = list(getattr(preprocessor, "feature_names_in_", []))
    (_, encoder, flags), (_, _, others) = preprocessor.transformers_[:2]
    picked = [columns[i] for i in places_of(flags, names, len(columns))]
    codes = [category_codes(g, c, t) for c, t in zip(picked, encoder.categories_, strict=True)]
    numbers = [columns[i] for i in places_of(others, names, len(columns))]
    floats = [g.floating(c) for c in numbers]
    wide = any(c.dtype == "float64" for c in floats)
    return g.join([g.cast(c, "float64" if wide else "float32") for c in [*codes, *floats]])


CONVERTERS = {
    "sklearn.HistGradientBoostingRegressor": regressor,
    "sklearn.HistGradientBoostingClassifier": classifier,
}
