"""Trees, forests and histogram boosting: every row on scikit-learn's side of every threshold."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from tests.exporter.parity import (
    answers,
    assert_answers,
    check,
    export_proven,
    graph_of,
    right_or_refused,
)
from toolkit.exporter.grid import round_down

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 4))
Y = X[:, 0] * 3 + np.sin(5 * X[:, 1]) + RNG.normal(size=150)
CLASSES = {2: np.array([3, 8]), 3: np.array(["a", "b", "ü"])}

REGRESSORS = {
    "tree": lambda: DecisionTreeRegressor(random_state=0),
    "extra-tree": lambda: ExtraTreeRegressor(random_state=0),
    "forest": lambda: RandomForestRegressor(7, random_state=0),
    "extra-trees": lambda: ExtraTreesRegressor(7, random_state=0),
    "boosting": lambda: HistGradientBoostingRegressor(max_iter=12, min_samples_leaf=4),
}
CLASSIFIERS = {
    "tree": lambda: DecisionTreeClassifier(random_state=0, max_depth=6),
    "extra-tree": lambda: ExtraTreeClassifier(random_state=0),
    "forest": lambda: RandomForestClassifier(7, random_state=0),
    "extra-trees": lambda: ExtraTreesClassifier(7, random_state=0),
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=12, min_samples_leaf=4),
}
ONE_TARGET = ("boosting",)


def classes(count):
    """Labels of so many classes, learnable and noisy."""
    edges = np.quantile(Y, np.linspace(0, 1, count + 1)[1:-1])
    return CLASSES[count][np.searchsorted(edges, Y)]


def with_nan(rows, share=0.15):
    rows = rows.copy()
    rows[np.random.default_rng(1).random(rows.shape) < share] = np.nan
    return rows


def splits(model):
    """Return [(feature, threshold)] of every split, read here from scikit-learn's own arrays."""
    if hasattr(model, "_predictors"):
        nodes = np.concatenate([p.nodes for it in model._predictors for p in it])
        nodes = nodes[nodes["is_leaf"] == 0]
        return list(zip(nodes["feature_idx"], nodes["num_threshold"], strict=True))
    trees = [t.tree_ for t in getattr(model, "estimators_", [model])]
    return [
        (f, t)
        for tree in trees
        for f, t in zip(tree.feature, tree.threshold, strict=True)
        if f >= 0
    ]


def at_every_threshold(model, dtype):
    """Rows that differ from a sample row in one value: a threshold, and the numbers around it."""
    made = []
    for k, (feature, threshold) in enumerate(splits(model)):
        at = dtype(threshold)
        for value in (at, np.nextafter(at, dtype(-np.inf)), np.nextafter(at, dtype(np.inf))):
            row = X[k % len(X)].astype(np.float32).astype(np.float64)
            row[feature] = value
            made.append(row)
    return np.array(made)


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressor(name):
    content = check(REGRESSORS[name]().fit(X, Y), X, Y)
    operators = [n.op_type for n in onnx.load_model_from_string(content).graph.node]
    assert operators.count("TreeEnsemble") == 1


@pytest.mark.parametrize("name", [n for n in REGRESSORS if n not in ONE_TARGET])
def test_several_targets(name):
    both = np.column_stack([Y, -2 * Y + X[:, 3], X[:, 2]])
    check(REGRESSORS[name]().fit(X, both), X, both)


@pytest.mark.parametrize("count", CLASSES)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifier(name, count):
    y = classes(count)
    check(CLASSIFIERS[name]().fit(X, y), X, y)


@pytest.mark.parametrize("name", REGRESSORS)
def test_every_threshold_to_the_ulp_in_float32(name):
    model = REGRESSORS[name]().fit(X, Y)
    rows = at_every_threshold(model, np.float32)
    assert len(rows) > 50
    assert_answers(graph_of(model, X), model, rows, tolerance=1e-5)


@pytest.mark.parametrize("count", CLASSES)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_threshold_to_the_ulp_for_labels(name, count):
    model = CLASSIFIERS[name]().fit(X, classes(count))
    assert_answers(graph_of(model, X), model, at_every_threshold(model, np.float32), 1e-5)


@pytest.mark.parametrize("count", [1, 2, 3], ids=["regressor", "binary", "three-classes"])
def test_boosting_with_float64_inputs_is_exact_to_the_float64_ulp(count):
    y = Y if count == 1 else classes(count)
    table = REGRESSORS if count == 1 else CLASSIFIERS
    model = table["boosting"]().fit(X, y)
    rows = at_every_threshold(model, np.float64)
    assert_answers(graph_of(model, X, "float64"), model, rows, tolerance=1e-12, exact_rows=True)
    # The rows do tell right from wrong: in float32 some of them fall on the other side.
    apart = np.abs(
        next(v for n, v in answers(graph_of(model, X), rows).items() if n != "label")
        - next(v for n, v in answers(graph_of(model, X, "float64"), rows).items() if n != "label")
    )
    assert apart.max() > 1e-3


@pytest.mark.parametrize("floats", ["float32", "float64"])
@pytest.mark.parametrize("name", ["tree", "forest", "extra-trees"])
def test_trees_round_to_float32_themselves(name, floats):
    model = REGRESSORS[name]().fit(X, Y)
    rows = at_every_threshold(model, np.float64)
    assert_answers(graph_of(model, X, floats), model, rows, tolerance=1e-5, exact_rows=True)


@pytest.mark.parametrize("name", REGRESSORS)
def test_missing_values_go_where_they_went_in_fitting(name):
    rows = with_nan(X)
    model = REGRESSORS[name]().fit(rows, Y)
    assert_answers(check(model, rows, Y), model, np.full((4, 4), np.nan))


@pytest.mark.parametrize("count", CLASSES)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_missing_values_in_classifiers(name, count):
    rows, y = with_nan(X), classes(count)
    model = CLASSIFIERS[name]().fit(rows, y)
    assert_answers(check(model, rows, y), model, np.full((4, 4), np.nan))


@pytest.mark.parametrize("name", [n for n in REGRESSORS if n != "boosting"])
@pytest.mark.parametrize("targets", [1, 2])
def test_single_leaf_trees(name, targets):
    y = np.tile([2.5, -1.0][:targets], (150, 1))
    model = REGRESSORS[name]().fit(X, y.ravel() if targets == 1 else y)
    content = check(model, X, y)
    assert set(answers(content, X)["variable"][:, 0].tolist()) == {2.5}


def test_a_boosting_of_single_leaves():
    model = HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=100).fit(X, Y)
    assert not splits(model)
    assert_answers(check(model, X, Y), model, X, tolerance=1e-6)


def test_stumps_beside_single_leaves():
    """A forest in which some bootstrap samples give no split at all."""
    lone = np.arange(12) == 3  # a bootstrap sample misses this row once in e times
    model = RandomForestRegressor(9, max_depth=1, random_state=0).fit(X[:12], lone * 2.0)
    sizes = {t.tree_.node_count for t in model.estimators_}
    assert sizes == {1, 3}
    check(model, X, Y)


@pytest.mark.parametrize("loss", ["poisson", "gamma", "absolute_error", "quantile"])
def test_losses_of_boosting(loss):
    y = np.exp(Y / 4)
    quantile = {"quantile": 0.8} if loss == "quantile" else {}
    model = HistGradientBoostingRegressor(loss=loss, max_iter=10, **quantile).fit(X, y)
    check(model, X, y)


def test_ties_take_the_first_class():
    """Two trees of opposite mind: 0.5 each, the first class in scikit-learn."""
    rows = np.array([[0.0], [1.0], [2.0], [3.0]] * 4)
    model = RandomForestClassifier(2, bootstrap=False, random_state=0).fit(rows, [0, 0, 1, 1] * 4)
    model.estimators_[1].tree_.value[:] = model.estimators_[1].tree_.value[:, :, ::-1]
    assert set(model.predict_proba(rows).ravel().tolist()) == {0.5}
    assert_answers(graph_of(model, rows), model, rows)


def test_several_labels_a_row():
    y = (X[:, :2] > 0).astype(int)
    model = RandomForestClassifier(3, random_state=0).fit(X, y)
    found = answers(export_proven(model, X, y), X)
    rows = X.astype(np.float32).astype(np.float64)
    np.testing.assert_array_equal(found["label"], model.predict(rows))
    second = np.column_stack([p[:, 1] for p in model.predict_proba(rows)])
    np.testing.assert_allclose(found["probabilities"], second, atol=1e-6)


def test_categorical_boosting_is_exact_or_refused():
    """skl2onnx converts it wrongly without a word; whatever we do, never that."""
    rows = np.column_stack([RNG.integers(0, 6, 150), X[:, 1]]).astype(float)
    model = HistGradientBoostingRegressor(categorical_features=[0], max_iter=5).fit(rows, Y)
    right_or_refused(model, rows, Y, reason="categorical_features")


@pytest.mark.parametrize("name", ["tree", "forest", "boosting"])
def test_behind_a_scaler(name):
    """Rounding before the thresholds is what the proof is for: it passes, or says that it fails."""
    model = make_pipeline(StandardScaler(), REGRESSORS[name]()).fit(X, Y)
    check(model, X, Y)


def test_round_down_never_crosses():
    values = np.array([0.1, -0.1, 0.5, 1e-46, -1e-46, 1e39, -1e39, 3.4028235e38, 0.0, np.pi])
    down = round_down(values).astype(np.float64)
    assert (down <= values).all()
    with np.errstate(over="ignore"):
        up = np.nextafter(down.astype(np.float32), np.float32(np.inf)).astype(np.float64)
    assert ((up > values) | (values == down)).all()
