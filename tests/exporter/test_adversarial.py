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

from toolkit.exporter.grid import Grid, grids_of
from toolkit.exporter.proof.acceptance import accepted_positions, non_finite_accepted
from toolkit.exporter.proof.adversarial import UNSEEN, adversarial_rows
from toolkit.exporter.proof.edits import Sample
from toolkit.exporter.schema import arrays, infer
from toolkit.runtime.schema import ANY, FINITE, MISSING

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)) * [1, 10, 100]
Y = X[:, 0] + np.sin(X[:, 1])


def hostile_for(estimator, data, non_finite=None):
    schema = infer(data)
    rows = arrays(data, schema)
    non_finite = non_finite or non_finite_accepted(estimator, rows, schema)
    return adversarial_rows(estimator, Sample(rows, rows, schema, non_finite, grids_of(rows)))


def rows_for(estimator, data, non_finite=None):
    return hostile_for(estimator, data, non_finite).rows


def contains(rows, column, value):
    return bool((rows[:, column] == value).any())


@pytest.mark.parametrize("column", range(3))
def test_extremes_and_one_range_beyond(column):
    rows = rows_for(LinearRegression().fit(X, Y), X)["X"]
    low, high = X[:, column].min(), X[:, column].max()
    for value in (low, high, low - (high - low), high + (high - low)):
        assert contains(rows, column, value)


def test_all_columns_at_their_extremes_at_once():
    rows = rows_for(LinearRegression().fit(X, Y), X)["X"].tolist()
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
    rows = rows_for(model, X)["X"]
    assert 0 < len(splits(model)) <= 400
    for feature, threshold in splits(model):
        at = np.float32(threshold)
        for value in (at, np.nextafter(at, np.float32(-np.inf)), np.nextafter(at, np.float32(9e9))):
            assert contains(rows, feature, np.float64(value))


def at_a_split(hostile, column):
    """Return the rows made for thresholds of a column, [n, features]."""
    mine = [k == f"threshold of X[{column}]" for k in hostile.kinds]
    return hostile.rows["X"][mine]


@pytest.mark.parametrize("scaled", [False, True], ids=["bare", "scaled"])
def test_rows_reach_every_split_and_leave_it_both_ways(scaled):
    scaler = StandardScaler().fit(X)
    before = scaler.transform if scaled else lambda rows: rows
    tree = DecisionTreeRegressor(random_state=0).fit(before(X), Y)
    hostile = hostile_for(make_pipeline(scaler, tree) if scaled else tree, X)
    inner = tree.tree_
    for node in np.flatnonzero(inner.children_left != -1):
        rows = at_a_split(hostile, inner.feature[node])
        paths = tree.decision_path(before(rows)).toarray().astype(bool)
        assert paths[:, inner.children_left[node]].any()
        assert paths[:, inner.children_right[node]].any()


DECIMALS = np.column_stack([np.round(RNG.random(300) * 50, 1), np.round(RNG.random(300), 2)])


@pytest.mark.parametrize("scaled", [False, True], ids=["bare", "scaled"])
def test_decimal_data_have_decimal_rows(scaled):
    """All numbers are of the data's own grids, and every threshold has one on either side."""
    target = np.sin(DECIMALS[:, 0]) + DECIMALS[:, 1]
    tree = DecisionTreeRegressor(random_state=0, max_depth=6)
    model = make_pipeline(StandardScaler(), tree) if scaled else tree
    hostile = hostile_for(model.fit(DECIMALS, target), DECIMALS)
    for column, decimals in enumerate((1, 2)):
        values = hostile.rows["X"][:, column]
        values = values[np.isfinite(values)]
        np.testing.assert_array_equal(values, Grid(decimals).snapped(values))
    scaler = StandardScaler().fit(DECIMALS)
    for feature, threshold in splits(tree):
        raw = threshold * scaler.scale_[feature] + scaler.mean_[feature] if scaled else threshold
        rows = at_a_split(hostile, feature)[:, feature]
        step = (0.1, 0.01)[feature]
        assert ((rows >= raw - step * 1.001) & (rows < raw + step / 1000)).any()
        assert ((rows > raw - step / 1000) & (rows <= raw + step * 1.001)).any()


def test_every_row_says_what_it_is():
    hostile = hostile_for(RandomForestRegressor(3, random_state=0, max_depth=3).fit(X, Y), X)
    assert len(hostile.kinds) == len(hostile.changed) == len(hostile) == len(hostile.rows["X"])
    at = hostile.kinds.index("extreme of X[1]")
    assert hostile.changed[at] == (("X", 1),)


def test_thresholds_are_taken_back_through_a_scaler():
    model = make_pipeline(StandardScaler(), DecisionTreeRegressor(max_depth=3)).fit(X, Y)
    rows = rows_for(model, X)["X"]
    scaler, tree = model[0], model[1].tree_
    for feature, threshold in zip(tree.feature, tree.threshold, strict=True):
        if feature >= 0:
            raw = np.float32(threshold * scaler.scale_[feature] + scaler.mean_[feature])
            assert np.nanmin(np.abs(rows[:, feature] - raw)) <= np.spacing(np.abs(raw))


def test_many_thresholds_are_thinned_over_the_whole_range():
    wide = RNG.normal(size=(3000, 1))
    model = DecisionTreeRegressor().fit(wide, RNG.normal(size=3000))
    rows = at_a_split(hostile_for(model, wide), 0)
    assert len(rows) <= 6 * 400
    assert np.nanquantile(rows, 0.02) < -1.5
    assert np.nanquantile(rows, 0.98) > 1.5


def test_which_non_finite_values_are_taken():
    sample = {"X": X}
    schema = infer(X)
    assert non_finite_accepted(LinearRegression().fit(X, Y), sample, schema) == FINITE
    tree = DecisionTreeRegressor(max_depth=2).fit(X, Y)
    assert non_finite_accepted(tree, sample, schema) == MISSING
    boosting = HistGradientBoostingRegressor(max_iter=2).fit(X, Y)
    assert non_finite_accepted(boosting, sample, schema) == ANY


@pytest.mark.parametrize(
    ("non_finite", "values"),
    [(FINITE, []), (MISSING, [np.nan]), (ANY, [np.nan, np.inf, -np.inf])],
    ids=["finite", "nan", "any"],
)
def test_non_finite_rows(non_finite, values):
    rows = rows_for(LinearRegression().fit(X, Y), X, non_finite)["X"]
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
    texts = rows_for(model, data, MISSING if missing else FINITE)["t"].ravel().tolist()
    assert set(UNSEEN) | {"ö", "p", "q"} <= set(texts)
    assert ("" in texts) or not missing
    assert any(not u.isascii() for u in UNSEEN)


def test_only_what_scikit_learn_answers_is_kept():
    model = make_pipeline(
        ColumnTransformer([("c", OneHotEncoder(), ["t"])], remainder="passthrough"),
        LogisticRegression(),
    ).fit(FRAME, Y > 0)
    schema = infer(FRAME)
    hostile = hostile_for(model, FRAME, FINITE)
    kept = hostile.only(accepted_positions(model, hostile.rows, schema))
    assert not set(UNSEEN) & set(kept.rows["t"].ravel().tolist())
    assert 0 < len(kept) < len(hostile)
    assert len(kept.rows["n"]) == len(kept.rows["t"]) == len(kept)
    alike = "look-alike of a known text in t"
    assert kept.lost == {"unseen text in t": len(UNSEEN), alike: 2}


def test_rows_are_of_the_samples_types_and_leave_the_sample_alone():
    before = X.copy()
    rows = rows_for(HistGradientBoostingRegressor(max_iter=2).fit(X, Y), X)
    np.testing.assert_array_equal(X, before)
    assert rows["X"].dtype == np.float64
    assert rows["X"].shape[1] == 3
