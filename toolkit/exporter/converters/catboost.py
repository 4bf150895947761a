"""CatBoost on numbers, read from its own JSON.

Source: CatBoost's docs on the JSON model (a tree's bit k is `x > border` of its split k, its leaf
the number that the bits make) and catboost/libs/model/eval_processing.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.answers import answer, in_precision
from toolkit.exporter.formulas.classes import class_labels, largest_index
from toolkit.exporter.formulas.inverse_links import (
    Link,
    exp,
    identity,
    linked,
    many_classes,
    sigmoid,
    two_classes,
)
from toolkit.exporter.trees.answers import tree_answer
from toolkit.exporter.trees.ensemble import Ensemble, concatenate, tree
from toolkit.exporter.trees.leaf_tables import summed
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value

THRESHOLD = "binclass_probability_threshold"
INPUTS = ("categorical_features", "text_features", "embedding_features")
LABELS = ("MultiLogloss", "MultiCrossEntropy")  # losses of several labels a row


def uncertain(g: Conversion, raw: Matrix) -> Matrix:
    """Return the mean `raw₀` and the variance `exp(2 raw₁)`."""
    variance = g.unary("Exp", g.binary("Mul", g.column(raw, 1), [2.0], "two"))
    return g.join([g.column(raw, 0), variance])


# CatBoost's kinds of prediction.
LINKS: dict[str, Link] = {
    "RawFormulaVal": identity,
    "Exponent": exp,
    "RMSEWithUncertainty": uncertain,
}


def regressor(est: Any, x: Value, g: Conversion) -> Outputs:
    """CatBoostRegressor with the kind of prediction that its loss has."""
    link = LINKS[est._get_default_prediction_type()]
    linked_answer = linked(g, link, lambda: _raw(est, x, g, classifies=False))
    return {"predict": answer(g, x, linked_answer)}


def plain(est: Any, x: Value, g: Conversion) -> Outputs:
    """CatBoost and CatBoostRanker: the raw scores, whatever the loss."""
    return {"predict": answer(g, x, _raw(est, x, g, classifies=False))}


def classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """CatBoostClassifier: sigmoid, softmax, or a sigmoid a class or label.

    Its threshold (set_probability_threshold) is one of probabilities, in the model's metadata; it
    counts for two classes and for labels.
    """
    return classified(est, x, g)


def classified(est: Any, x: Value, g: Conversion) -> Outputs:
    """Return what a classifier answers by a fitted CatBoost model."""
    loss, classes = _loss(est), np.asarray(est.classes_)
    raw = _raw(est, x, g, classifies=True)
    if loss in LABELS:
        chosen = g.compare("Greater", raw, [_limit(est)])
        return {
            "predict": g.cast(chosen, "int64"),
            "predict_proba": in_precision(g, x, sigmoid(g, raw)),
        }
    if raw.width == 1:
        return two_classes(g, x, raw, classes, limit=_limit(est))
    if loss == "MultiClassOneVsAll":
        p = sigmoid(g, raw)
        return {
            "predict": class_labels(g, largest_index(g, raw), classes),
            "predict_proba": in_precision(g, x, p),
        }
    return many_classes(g, x, raw, classes)


def _limit(est: Any) -> float:
    """Return the raw score above which a class is chosen, `−log(1/p − 1)` of its probability."""
    known = est.get_metadata()
    if THRESHOLD not in known.keys():  # noqa: SIM118 (it is no dict, and iterates over nothing)
        return 0.0
    with np.errstate(divide="ignore"):
        return float(-np.log(1.0 / np.float64(known[THRESHOLD]) - 1.0))


def _loss(est: Any) -> str:
    return str(est.get_all_params()["loss_function"]).partition(":")[0]


def _model(est: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        est.save_model(str(path), format="json")
        return dict(json.loads(path.read_text(encoding="utf-8")))


def _check(est: Any) -> None:
    """Raise Unconvertible where a column is no number; some of these no JSON can hold."""
    for kind, columns in zip(
        INPUTS,
        (
            est.get_cat_feature_indices(),
            est.get_text_feature_indices(),
            est.get_embedding_feature_indices(),
        ),
        strict=True,
    ):
        if len(columns):
            raise Unconvertible(f"{kind} (CatBoost makes numbers of them, which no operator does)")


def _raw(est: Any, x: Value, g: Conversion, classifies: bool) -> Matrix:
    """Return `scale · Σ leaves + bias` [N, outputs]."""
    _check(est)
    model = _model(est)
    features = model["features_info"]
    columns = {f["feature_index"]: f["flat_feature_index"] for f in features["float_features"]}
    # NaN is below every border, except where it is treated as the largest value.
    high = {
        f["feature_index"]: f["nan_value_treatment"] == "AsTrue" for f in features["float_features"]
    }
    scale, bias = model["scale_and_bias"]
    bias = np.asarray(bias, dtype=np.float64).reshape(-1)
    if "oblivious_trees" in model:
        read = [_oblivious(t, columns, high) for t in model["oblivious_trees"]]
    else:
        read = [_grown(t, columns, high) for t in model["trees"]]
    trees, tables = [t for t, _ in read], [scale * values for _, values in read]
    if tables[0].shape[1] > 1:
        return g.binary("Add", summed(g, x, trees, tables), bias, "bias")
    single = [replace(t, values=v[:, 0]) for t, v in zip(trees, tables, strict=True)]
    return tree_answer(g, x, concatenate(single, bias), "float64" if classifies else None)


def _oblivious(
    fitted: dict[str, Any], columns: dict[int, int], high: dict[int, bool]
) -> tuple[Ensemble, np.ndarray]:
    """Return a symmetric tree and its values [nodes, outputs]; node k has children 2k+1, 2k+2.

    The last split is at the root, so that the leaves stand in the order of their numbers.
    """
    splits = [_split(s, columns, high) for s in reversed(fitted["splits"])]
    depth = len(splits)
    leaves = 2**depth
    values = np.array(fitted["leaf_values"], dtype=np.float64).reshape(leaves, -1)
    level = np.repeat(np.arange(depth), 2 ** np.arange(depth))
    table = np.array(splits, dtype=np.float64).reshape(depth, 3)[level]
    inner = np.arange(leaves - 1)
    pad = np.zeros(leaves)
    structure = tree(
        np.append(table[:, 0], pad),
        np.append(table[:, 1], pad),
        np.append(2 * inner + 1, pad),
        np.append(2 * inner + 2, pad),
        np.arange(2 * leaves - 1) >= leaves - 1,
        np.zeros(2 * leaves - 1),
        missing_left=np.append(table[:, 2], pad),
    )
    return structure, np.concatenate([np.zeros((leaves - 1, values.shape[1])), values])


def _grown(
    fitted: dict[str, Any], columns: dict[int, int], high: dict[int, bool]
) -> tuple[Ensemble, np.ndarray]:
    """Return a tree that grew leaf by leaf (nested left, right, split) and its values."""
    queue, rows = [fitted], []
    width = 1
    for node in queue:
        if "split" in node:
            rows.append([*_split(node["split"], columns, high), len(queue), len(queue) + 1])
            queue += [node["left"], node["right"]]
        else:
            rows.append([0.0, 0.0, 0.0, -1, -1])
            width = np.size(node["value"])
    table = np.array(rows, dtype=np.float64)
    values = np.array(
        [np.broadcast_to(n.get("value", 0.0), width) for n in queue], dtype=np.float64
    )
    structure = tree(
        table[:, 0],
        table[:, 1],
        table[:, 3],
        table[:, 4],
        table[:, 3] < 0,
        np.zeros(len(table)),
        missing_left=table[:, 2],
    )
    return structure, values


def _split(
    split: dict[str, Any], columns: dict[int, int], high: dict[int, bool]
) -> tuple[float, float, float]:
    """Return (column, border, whether NaN goes left)."""
    if split["split_type"] != "FloatFeature":
        raise Unconvertible(f"a split of type {split['split_type']!r}")
    feature = split["float_feature_index"]
    return float(columns[feature]), float(split["border"]), float(not high[feature])


CONVERTERS = {
    "catboost.CatBoostRegressor": regressor,
    "catboost.CatBoostClassifier": classifier,
    "catboost.CatBoostRanker": plain,
    "catboost.CatBoost": plain,
}
