"""Estimators of trees in the throughput form."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)

from tests.exporter.parity import assert_answers
from toolkit.exporter.flow import convert_and_prove
from toolkit.exporter.tuning import THROUGHPUT

pytestmark = pytest.mark.usefixtures("forms_of_small_forests")

RNG = np.random.default_rng(0)


X = RNG.normal(size=(300, 5))


Y = X[:, 0] * 3 + np.sin(5 * X[:, 1]) + RNG.normal(size=300)


C = np.digitize(Y, [-1, 1])


HOLES = np.where(RNG.random(X.shape) < 0.1, np.nan, X)


MODELS = {
    "forest": (lambda: RandomForestRegressor(9, random_state=0), X, Y),
    "forest-nan": (lambda: RandomForestRegressor(9, random_state=0), HOLES, Y),
    "extra-trees": (lambda: ExtraTreesRegressor(9, random_state=0), X, Y),
    "several-targets": (
        lambda: RandomForestRegressor(9, random_state=0),
        X,
        np.column_stack([Y, -Y]),
    ),
    "classes": (lambda: RandomForestClassifier(9, random_state=0), X, C),
    "shares": (lambda: RandomForestClassifier(9, min_samples_leaf=5, random_state=0), X, C),
    "several-labels": (
        lambda: RandomForestClassifier(9, random_state=0),
        X,
        np.column_stack([C, C % 2]),
    ),
    "isolation": (lambda: IsolationForest(n_estimators=9, random_state=0), X, None),
    "boosting": (lambda: GradientBoostingRegressor(n_estimators=20), X, Y),
    "histogram": (lambda: HistGradientBoostingRegressor(max_iter=20), HOLES, Y),
    "histogram-classes": (lambda: HistGradientBoostingClassifier(max_iter=10), HOLES, C),
    "categories": (
        lambda: HistGradientBoostingRegressor(max_iter=20, categorical_features=[2]),
        np.column_stack([HOLES[:, :2], C, HOLES[:, 3:]]),
        Y,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("opset", [15, 21])
@pytest.mark.parametrize("name", MODELS)
def test_estimators_in_the_throughput_form(name, opset):
    fit, rows, y = MODELS[name]
    model = fit().fit(rows, y)
    chosen = convert_and_prove(model, rows, y, opset=opset, tune=THROUGHPUT).chosen
    operators = [n.op_type for n in chosen.exported.model.graph.node]
    assert "GatherND" in operators
    assert chosen.proof.passed
    assert chosen.proof.no_rows


def test_labels_of_many_rows_in_the_throughput_form():
    X, y = make_classification(3000, 8, n_classes=3, n_informative=5, random_state=0)
    model = RandomForestClassifier(20, random_state=0).fit(X, y)
    chosen = convert_and_prove(model, X, y, tune=THROUGHPUT).chosen
    assert_answers(chosen.content, model, X.astype(np.float32).astype(np.float64), 1e-5)
