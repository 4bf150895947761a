"""Adversarial rows: they hold what they claim to hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from toolkit.exporter.adversarial import UNSEEN, accepted, adversarial_rows, which_taken
from toolkit.exporter.schema import arrays, infer
from toolkit.exporter.tasks import task_of
from toolkit.exporter.thresholds import threshold_rows
from toolkit.runtime.schema import ANY, FINITE, MISSING

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)) * [1, 10, 100]
Y = X[:, 0] + np.sin(X[:, 1])


def rows_for(estimator, data, takes=None):
    schema = infer(data)
    sample = arrays(data, schema)
    takes = takes or which_taken(estimator, sample, schema, task_of(estimator))
    return adversarial_rows(estimator, sample, schema, takes), sample


def contains(rows, column, value):
    return bool((rows[:, column] == value).any())


@pytest.mark.parametrize("column", range(3))
def test_extremes_and_one_range_beyond(column):
    rows = rows_for(LinearRegression().fit(X, Y), X)[0]["X"]
    low, high = X[:, column].min(), X[:, column].max()
    for value in (low, high, low - (high - low), high + (high - low)):
        assert contains(rows, column, value)


def test_all_columns_at_their_extremes_at_once():
    rows = rows_for(LinearRegression().fit(X, Y), X)[0]["X"].tolist()
    assert X.min(axis=0).tolist() in rows
    assert X.max(axis=0).tolist() in rows
    assert [0.0, 0.0, 0.0] in rows


TREES = {
    "tree": DecisionTreeRegressor(random_state=0, max_depth=4),
    "forest": RandomForestRegressor(3, random_state=0, max_depth=3),
    "gradient-boosting": GradientBoostingRegressor(n_estimators=3, random_state=0),
    "hist-boosting": HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=5),
}


def splits(model):
    if hasattr(model, "_predictors"):
        nodes = np.concatenate([p.nodes for it in model._predictors for p in it])
        nodes = nodes[nodes["is_leaf"] == 0]
        return list(zip(nodes["feature_idx"], nodes["num_threshold"], strict=True))
    inner = np.ravel(getattr(model, "estimators_", np.array([model], dtype=object)))
    return [
        (f, t)
        for tree in inner
        for f, t in zip(tree.tree_.feature, tree.tree_.threshold, strict=True)
        if f >= 0
    ]


@pytest.mark.parametrize("name", TREES)
def test_every_threshold_and_its_neighbours(name):
    model = TREES[name].fit(X, Y)
    rows = rows_for(model, X)[0]["X"]
    assert 0 < len(splits(model)) <= 400
    for feature, threshold in splits(model):
        at = np.float32(threshold)
        for value in (at, np.nextafter(at, np.float32(-np.inf)), np.nextafter(at, np.float32(9e9))):
            assert contains(rows, feature, np.float64(value))


@pytest.mark.parametrize("scaled", [False, True], ids=["bare", "scaled"])
def test_a_row_reaches_the_split_that_it_tests(scaled):
    """Of the three rows of a threshold, the first two go left there and the third goes right."""
    tree = DecisionTreeRegressor(random_state=0).fit(StandardScaler().fit_transform(X), Y)
    scaler = StandardScaler().fit(X)
    model = make_pipeline(scaler, tree) if scaled else tree
    sample = X if scaled else scaler.transform(X)
    rows = np.array(list(threshold_rows(model, sample)))
    before = scaler.transform(rows) if scaled else rows
    inner = tree.tree_
    assert len(rows) == 3 * (inner.children_left != -1).sum()
    paths = tree.decision_path(before).toarray().astype(bool)
    order = np.lexsort((inner.threshold, inner.feature))
    nodes = [n for n in order if inner.children_left[n] != -1]
    reached = np.array([paths[3 * k : 3 * k + 3, n] for k, n in enumerate(nodes)])
    # Undoing a scaler rounds: at most one of the three may then fall off a neighbouring threshold.
    assert reached.all() if not scaled else reached.mean() > 0.95
    for k, node in enumerate(nodes):
        left, right = inner.children_left[node], inner.children_right[node]
        if not scaled:
            assert paths[3 * k + 1, left]
            assert paths[3 * k + 2, right]


def test_thresholds_are_taken_back_through_a_scaler():
    model = make_pipeline(StandardScaler(), DecisionTreeRegressor(max_depth=3)).fit(X, Y)
    rows = rows_for(model, X)[0]["X"]
    scaler, tree = model[0], model[1].tree_
    for feature, threshold in zip(tree.feature, tree.threshold, strict=True):
        if feature >= 0:
            raw = np.float32(threshold * scaler.scale_[feature] + scaler.mean_[feature])
            assert np.nanmin(np.abs(rows[:, feature] - raw)) <= np.spacing(np.abs(raw))


def test_many_thresholds_are_thinned_over_the_whole_range():
    wide = RNG.normal(size=(3000, 1))
    model = DecisionTreeRegressor().fit(wide, RNG.normal(size=3000))
    rows = rows_for(model, wide)[0]["X"]
    assert len(rows) < 3 * 400 + 50
    assert np.nanquantile(rows, 0.02) < -1.5
    assert np.nanquantile(rows, 0.98) > 1.5


def test_which_non_finite_values_are_taken():
    sample = {"X": X}
    schema = infer(X)
    assert which_taken(LinearRegression().fit(X, Y), sample, schema, "regressor") == FINITE
    tree = DecisionTreeRegressor(max_depth=2).fit(X, Y)
    assert which_taken(tree, sample, schema, "regressor") == MISSING
    boosting = HistGradientBoostingRegressor(max_iter=2).fit(X, Y)
    assert which_taken(boosting, sample, schema, "regressor") == ANY


@pytest.mark.parametrize(
    ("takes", "values"),
    [(FINITE, []), (MISSING, [np.nan]), (ANY, [np.nan, np.inf, -np.inf])],
    ids=["finite", "nan", "any"],
)
def test_non_finite_rows(takes, values):
    rows = rows_for(LinearRegression().fit(X, Y), X, takes)[0]["X"]
    for value in (np.nan, np.inf, -np.inf):
        hit = np.isnan(rows) if np.isnan(value) else rows == value
        wanted = any(value is v or value == v for v in values)
        for column in range(3):
            alone = hit[:, column] & np.isfinite(np.delete(rows, column, axis=1)).all(axis=1)
            assert alone.any() == wanted
        assert hit.all(axis=1).any() == wanted


FRAME = pd.DataFrame({"n": X[:, 0], "t": pd.Series(RNG.choice(["ö", "p", "q"], 60), dtype=object)})


@pytest.mark.parametrize("missing", [False, True], ids=["complete", "missing"])
def test_categories(missing):
    data = FRAME.copy()
    if missing:
        data.loc[::7, "t"] = None
    parts = ColumnTransformer(
        [("c", OneHotEncoder(handle_unknown="ignore"), ["t"])], remainder="passthrough"
    )
    model = make_pipeline(parts, LogisticRegression()).fit(data, Y > 0)
    texts = rows_for(model, data, MISSING if missing else FINITE)[0]["t"].ravel().tolist()
    assert set(UNSEEN) | {"ö", "p", "q"} <= set(texts)
    assert ("" in texts) or not missing
    assert any(not u.isascii() for u in UNSEEN)


def test_only_what_scikit_learn_answers_is_kept():
    model = make_pipeline(
        ColumnTransformer([("c", OneHotEncoder(), ["t"])], remainder="passthrough"),
        LogisticRegression(),
    ).fit(FRAME, Y > 0)
    schema = infer(FRAME)
    rows, _ = rows_for(model, FRAME, FINITE)
    kept = accepted(model, rows, schema, "classifier")
    assert not set(UNSEEN) & set(kept["t"].ravel().tolist())
    assert 0 < len(kept["t"]) < len(rows["t"])
    assert len(kept["n"]) == len(kept["t"])


def test_rows_are_of_the_samples_types_and_leave_the_sample_alone():
    before = X.copy()
    rows, sample = rows_for(HistGradientBoostingRegressor(max_iter=2).fit(X, Y), X)
    np.testing.assert_array_equal(sample["X"], before)
    assert rows["X"].dtype == np.float64
    assert rows["X"].shape[1] == 3
