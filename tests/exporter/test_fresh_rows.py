"""Rows of the data's own grid that nobody has seen: a passed proof means that all are right."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeRegressor

from toolkit.exporter.flow import convert_and_prove
from toolkit.exporter.proof.ties import ties_of
from toolkit.exporter.tasks import reference_outputs, task_of
from toolkit.runtime.predictor import Predictor

FRESH = 50_000


def prices(count, seed):
    """Return numbers with two, one and no decimals, and one with three that is mostly 0."""
    rng = np.random.default_rng(seed)
    price, warmth = np.round(rng.gamma(2, 20, count), 2), np.round(rng.normal(15, 9, count), 1)
    share = np.round(rng.random(count) * (rng.random(count) < 0.3), 3)
    return np.column_stack([price, warmth, rng.integers(0, 500, count), share])


def target(X):
    return np.sin(X[:, 0] / 3) + X[:, 1] / 9 + (X[:, 2] > 250) + np.sqrt(X[:, 3])


def boosters():
    import catboost
    import lightgbm
    import xgboost

    return {
        "lightgbm": lightgbm.LGBMRegressor(n_estimators=80, verbose=-1, n_jobs=1),
        "lightgbm-classes": lightgbm.LGBMClassifier(n_estimators=40, verbose=-1, n_jobs=1),
        "xgboost": xgboost.XGBRegressor(n_estimators=60, n_jobs=1),
        "catboost": catboost.CatBoostRegressor(
            iterations=60, verbose=False, allow_writing_files=False, thread_count=1
        ),
    }


TREE = DecisionTreeRegressor(random_state=0)
MODELS = {
    "boosting": HistGradientBoostingRegressor(max_iter=60),
    "boosting-classes": HistGradientBoostingClassifier(max_iter=30),
    "forest": RandomForestClassifier(20, random_state=0),
    **{
        f"{type(s).__name__}-tree": make_pipeline(s, TREE)
        for s in (
            StandardScaler(),
            MinMaxScaler(),
            MaxAbsScaler(),
            RobustScaler(),
            QuantileTransformer(n_quantiles=100, random_state=0),
            PowerTransformer(),
        )
    },
    "products-tree": make_pipeline(PolynomialFeatures(2), TREE),
    "products-boosting": make_pipeline(
        PolynomialFeatures(2), HistGradientBoostingRegressor(max_iter=20)
    ),
    "normalizer-tree": make_pipeline(Normalizer("max"), TREE),
    "projection-forest": make_pipeline(PCA(3), ExtraTreesRegressor(10, random_state=0)),
    "stacked": StackingRegressor(
        [("r", Ridge()), ("t", DecisionTreeRegressor(min_samples_leaf=9, random_state=0))],
        final_estimator=ExtraTreesRegressor(10, random_state=0),
        cv=3,
    ),
    "scaler-extra-trees": make_pipeline(StandardScaler(), ExtraTreesRegressor(20, random_state=0)),
    "scaler-gradient-boosting": make_pipeline(
        RobustScaler(), GradientBoostingRegressor(n_estimators=40, random_state=0)
    ),
    "scaler-boosting": make_pipeline(MinMaxScaler(), HistGradientBoostingRegressor(max_iter=30)),
    "uniform-bins": make_pipeline(KBinsDiscretizer(10, strategy="uniform"), Ridge()),
    "quantile-bins": make_pipeline(
        KBinsDiscretizer(7, encode="ordinal", quantile_method="averaged_inverted_cdf"), TREE
    ),
    "scaled-bins": make_pipeline(
        StandardScaler(), KBinsDiscretizer(6, strategy="uniform"), Ridge()
    ),
    "binarizer": make_pipeline(Binarizer(threshold=12.3), Ridge()),
    "scaled-binarizer": make_pipeline(StandardScaler(), Binarizer(threshold=0.1), Ridge()),
    "codes": make_pipeline(
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), TREE
    ),
    "one-hot": make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge()),
}
NAMES = [*MODELS, "lightgbm", "lightgbm-classes", "xgboost", "catboost"]


def answers_of(model, rows):
    return reference_outputs(model, rows, task_of(model))


def assert_right(content, model, fresh, same=None):
    """Hold predictions to 1e-4 of their spread, labels to equality, on all rows but `same`."""
    wanted, got = model.predict(fresh), Predictor(content, "graph").predict(fresh)
    if wanted.dtype.kind == "f":
        apart = np.abs(got - wanted) > 1e-4 * np.abs(wanted - wanted.mean()).max()
    else:
        apart = got != wanted
    apart &= True if same is None else ~same
    assert not apart.any(), f"{apart.sum()} rows, first {np.asarray(fresh)[apart.argmax()]}"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_all_fresh_rows_are_right(name):
    X, fresh = prices(1500, 1), prices(FRESH, 2)
    model = MODELS[name] if name in MODELS else boosters()[name]
    labels = "classes" in name or name == "forest"
    y = np.digitize(target(X), [1.5, 3]) if labels else target(X)
    proven = convert_and_prove(model.fit(X, y), X, y, tune="latency")
    assert proven.chosen.proof.passed, proven.chosen.proof.worst()
    assert_right(proven.chosen.content, model, fresh)


@pytest.mark.parametrize("kind", ["boosting", "scaler-tree"])
def test_decimals_need_no_float64(kind):
    """Two decimals below some thousands are apart in float32: the faster type is right."""
    X = prices(800, 3)
    model = {
        "boosting": HistGradientBoostingRegressor(max_iter=20),
        "scaler-tree": make_pipeline(StandardScaler(), TREE),
    }[kind]
    proven = convert_and_prove(model.fit(X, target(X)), X, target(X), tune="latency")
    assert proven.chosen.proof.passed
    assert proven.chosen.proof.input_dtype == "float32"
    assert_right(proven.chosen.content, model, prices(5000, 4))


def test_decimals_that_float32_cannot_tell_apart_take_float64():
    rng = np.random.default_rng(5)
    X = np.round(5e5 + rng.random((1000, 2)) * 100, 2)
    y = np.sin(X[:, 0]) + X[:, 1] / 50
    model = HistGradientBoostingRegressor(max_iter=30).fit(X, y)
    proven = convert_and_prove(model, X, y, tune="latency")
    assert proven.chosen.proof.passed
    assert proven.chosen.proof.input_dtype == "float64"
    assert_right(proven.chosen.content, model, np.round(5e5 + rng.random((20_000, 2)) * 100, 2))


def test_whole_numbers_before_arithmetic_keep_float32_inputs():
    rng = np.random.default_rng(11)
    X = rng.integers(0, 100, (600, 3)).astype(float)
    y = X[:, 0] * X[:, 1] / 100 + X[:, 2]
    model = make_pipeline(PolynomialFeatures(2), TREE).fit(X, y)
    chosen = convert_and_prove(model, X, y, tune="latency").chosen
    assert chosen.proof.passed
    assert (chosen.proof.input_dtype, chosen.compute) == ("float32", "float64")
    assert_right(chosen.content, model, rng.integers(0, 100, (20_000, 3)).astype(float))


def test_ties_of_neighbours_that_vote():
    rng = np.random.default_rng(12)
    X = np.unique(rng.integers(0, 20, (200, 2)), axis=0).astype(float)
    y = rng.normal(size=len(X))
    single = KNeighborsRegressor(3).fit(X, y)
    vote = VotingRegressor([("k", KNeighborsRegressor(3)), ("r", Ridge())]).fit(X, y)
    found, wanted = (ties_of(m, X, answers_of(m, X)).rows for m in (vote, single))
    np.testing.assert_array_equal(found, wanted)
    assert ties_of(Ridge().fit(X, y), X, {}) is None


def test_a_tie_may_have_what_some_choice_gives_and_nothing_else():
    X = np.array([[0.0], [2.0], [4.0], [10.0]])
    model = KNeighborsRegressor(2).fit(X, [1.0, 3.0, 9.0, 50.0])
    rows = np.array([[2.0], [9.0]])  # of the points next to 2 one is taken: 0 or 4
    ties = ties_of(model, rows, answers_of(model, rows))
    assert ties.rows.tolist() == [True, False]
    for answer, allowed in ((2.0, True), (6.0, True), (1.0, False), (1e6, False)):
        assert ties.allow({"variable": np.array([[answer], [0.0]])})[0] == allowed


@pytest.mark.parametrize("given", [1, 4, 40])
@pytest.mark.parametrize("scaled", [False, True])
def test_thresholds_tell_a_finer_grid_than_the_few_rows_given(given, scaled):
    """The rows given to the export happen to be whole numbers; those of fitting were not."""
    rng = np.random.default_rng(13)
    X = np.round(rng.uniform(0, 20, (1500, 3)), 2)
    X[:40] = np.rint(X[:40])
    y = X.sum(axis=1) + np.sin(X[:, 0])
    model = HistGradientBoostingRegressor(max_iter=30)
    model = make_pipeline(StandardScaler(), TREE) if scaled else model
    model.fit(X, y)
    proven = convert_and_prove(model, X[:given], y[:given], tune="latency")
    assert proven.chosen.proof.passed
    assert {g.decimals for g in proven.evidence.grids["X"]} == {2}
    assert_right(proven.chosen.content, model, np.round(rng.uniform(0, 20, (20_000, 3)), 2))


def test_whole_numbers_that_float32_merges_take_float64():
    """Seconds since 1970: a line through them is right in float64 inputs alone, to the second."""
    rng = np.random.default_rng(14)
    X = (1.7e9 + rng.integers(0, 90 * 86_400, (500, 1))).astype(float)
    model = Ridge(1e-6).fit(X - 0.0, X[:, 0] + 600)
    proven = convert_and_prove(model, X, X[:, 0] + 600, tune="latency")
    assert proven.chosen.proof.passed
    assert proven.chosen.proof.input_dtype == "float64"


@pytest.mark.parametrize("before", ["alone", "scaled", "parts"])
def test_thresholds_in_a_table_of_text_and_numbers(before):
    def table(count, seed):
        X = prices(count, seed)
        kind = np.random.default_rng(seed).choice(["a", "b", "c"], count)
        return pd.DataFrame({"price": X[:, 0], "kind": kind, "warmth": X[:, 1]}), target(X)

    rest = {"alone": "passthrough", "scaled": StandardScaler(), "parts": MinMaxScaler()}[before]
    columns = ColumnTransformer(
        [("kind", OneHotEncoder(), ["kind"]), ("numbers", rest, ["warmth", "price"])]
    )
    (X, y), (fresh, _) = table(1000, 6), table(20_000, 7)
    model = make_pipeline(columns, HistGradientBoostingRegressor(max_iter=40)).fit(X, y)
    proven = convert_and_prove(model, X, y, tune="latency")
    assert proven.chosen.proof.passed, proven.chosen.proof.worst()
    kinds = set(proven.evidence.adversarial.kinds)
    assert {"threshold of price", "threshold of warmth"} <= kinds
    assert_right(proven.chosen.content, model, fresh)


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("kind", [KNeighborsRegressor, KNeighborsClassifier])
def test_neighbours_are_right_but_for_ties(kind, weights):
    X, fresh = prices(900, 8)[:, :2], prices(20_000, 9)[:, :2]
    y = target(prices(900, 8))
    y = np.digitize(y, [1, 3]) if kind is KNeighborsClassifier else y
    model = make_pipeline(StandardScaler(), kind(4, weights=weights)).fit(X, y)
    proven = convert_and_prove(model, X, y, tune="latency")
    assert proven.chosen.proof.passed, proven.chosen.proof.worst()
    assert_right(
        proven.chosen.content,
        model,
        fresh,
        same=ties_of(model, fresh, answers_of(model, fresh)).rows,
    )


def test_ties_are_named_where_they_differ():
    """On a grid of whole numbers many points are equally far; the proof counts what may differ."""
    rng = np.random.default_rng(10)
    X = np.unique(rng.integers(0, 25, (300, 2)), axis=0).astype(float)
    model = KNeighborsRegressor(3).fit(X, rng.normal(size=len(X)))
    rows = rng.integers(0, 25, (80, 2)).astype(float)
    proof = convert_and_prove(model, rows, tune="latency").chosen.proof
    ties = ties_of(model, rows, answers_of(model, rows))
    assert 0 < ties.rows.sum() < len(rows)
    for c in proof.comparisons["float64"].values():
        assert c.wrong == 0
        assert c.ties >= 0
