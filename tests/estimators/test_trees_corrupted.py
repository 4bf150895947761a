"""The proof of the tree families rejects a graph with one threshold, leaf or label changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)

from tests.estimators.data import classes, labelled, regression
from toolkit.exporter.bundle_writer import Proven
from toolkit.exporter.flow import convert_and_prove
from toolkit.exporter.proof.prove import Proof, prove

MODELS = {
    "forest": (RandomForestRegressor(5, random_state=0), regression),
    "forest-classes": (RandomForestClassifier(5, random_state=0), classes),
    "boosting": (GradientBoostingRegressor(n_estimators=10, random_state=0), regression),
    "histogram": (HistGradientBoostingClassifier(max_iter=5), classes),
    "isolation": (IsolationForest(n_estimators=5, random_state=0), regression),
    "adaboost": (AdaBoostRegressor(n_estimators=5, random_state=0), regression),
    "bagging": (BaggingClassifier(n_estimators=5, random_state=0), classes),
}


def _trees(model: onnx.ModelProto) -> dict[str, Any]:
    node = next(n for n in model.graph.node if n.op_type == "TreeEnsemble")
    return {a.name: a for a in node.attribute}


def _changed(attribute: Any, change: Callable[[np.ndarray], None]) -> None:
    values = numpy_helper.to_array(attribute.t).copy()
    change(values)
    attribute.t.CopyFrom(numpy_helper.from_array(values))


def threshold(model: onnx.ModelProto) -> None:
    """The first tree's root sends every row left."""
    trees = _trees(model)
    root = trees["tree_roots"].ints[0]
    _changed(trees["nodes_splits"], lambda values: values.__setitem__(root, 1e30))


def leaf(model: onnx.ModelProto) -> None:
    """Every leaf that a row may reach most easily counts one more."""
    trees = _trees(model)

    def change(values: np.ndarray) -> None:
        values[len(values) // 2] += 1

    _changed(trees["leaf_weights"], change)


@pytest.mark.parametrize("corrupt", [threshold, leaf])
@pytest.mark.parametrize("name", MODELS)
def test_one_changed_number_fails(name: str, corrupt: Callable[[onnx.ModelProto], None]) -> None:
    estimator, data = MODELS[name]
    X, y = data()
    fitted = estimator.fit(X, y)
    proven = convert_and_prove(fitted, X, y)
    model = proven.chosen.exported.model
    corrupt(model)
    assert proven.chosen.proof.passed
    assert not _proof(model, proven).passed


def test_swapped_labels_fail() -> None:
    X, y = labelled(("a", "b", "c"))
    fitted = RandomForestClassifier(5, random_state=0).fit(X, y)
    proven = convert_and_prove(fitted, X, y)
    model = proven.chosen.exported.model
    table = next(i for i in model.graph.initializer if i.data_type == onnx.TensorProto.STRING)
    table.string_data[0], table.string_data[1] = table.string_data[1], table.string_data[0]
    assert not _proof(model, proven).passed


def _proof(model: onnx.ModelProto, proven: Proven) -> Proof:
    return prove(model.SerializeToString(), proven.evidence, proven.chosen.schema)
