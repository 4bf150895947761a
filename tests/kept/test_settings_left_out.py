"""Columns, boosters' settings and metadata routing are no obstacle to keeping an estimator."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import sklearn
from sklearn.compose import (
    make_column_selector,
    make_column_transformer,
)
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tests.kept.test_keeping import FRAME, Metric, X, Y, same_as
from toolkit.estimators.keeping import keep


def columns(numbers, text):
    parts = make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(), text))
    return make_pipeline(parts, LogisticRegression())


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        (FRAME.columns[:3], FRAME.columns[3:]),
        (
            make_column_selector(dtype_include=np.number),
            make_column_selector(dtype_exclude=np.number),
        ),
        (make_column_selector(dtype_include=[np.float64, np.integer]), ["kind"]),
        (slice(0, 3), [3]),
        (pd.Series(["a", "b"]), np.array(["kind"], dtype=object)),
        (pd.Series([True, True, False, False]), np.array([False, False, False, True])),
    ],
    ids=["index", "number", "types", "slice", "series", "masks"],
)
def test_columns_however_they_are_chosen(numbers, text):
    estimator = columns(numbers, text).fit(FRAME, Y)
    kept = keep(estimator, same_as(estimator, FRAME))
    assert kept.content is not None
    assert kept.left_out == ()


def test_columns_that_a_function_or_type_chooses_are_left_out_by_their_place():
    chosen = make_column_selector(dtype_include=pd.CategoricalDtype)
    frame = FRAME.assign(kind=FRAME["kind"].astype("category"))
    estimator = columns(lambda _: ["a"], chosen).fit(frame, Y)
    kept = keep(estimator, same_as(estimator, frame))
    assert kept.content is not None
    assert kept.left_out == tuple(f"ColumnTransformer.transformers[{k}][2]" for k in (0, 1))


def test_metadata_routing_is_no_obstacle():
    with sklearn.config_context(enable_metadata_routing=True):
        model = LogisticRegression().set_fit_request(sample_weight=True)
        estimator = GridSearchCV(model.set_score_request(sample_weight=True), {"C": [1, 2]}, cv=2)
        estimator.fit(X, Y, sample_weight=np.ones(len(X)))
    kept = keep(estimator, same_as(estimator, X))
    assert kept.content is not None


def boosters():
    """Estimators of the three libraries whose settings of fitting skops does not take."""
    lightgbm = pytest.importorskip("lightgbm")
    xgboost = pytest.importorskip("xgboost")
    catboost = pytest.importorskip("catboost")

    def light():
        return lightgbm.LGBMClassifier(n_estimators=3, verbose=-1)

    def cat(**settings):
        return catboost.CatBoostClassifier(
            iterations=3, verbose=0, allow_writing_files=False, **settings
        )

    def extreme(**settings):
        return xgboost.XGBClassifier(n_estimators=3, **settings)

    class Callback(xgboost.callback.TrainingCallback):
        """Of one's own."""

    yield light().fit(X, Y, init_model=light().fit(X, Y))
    yield light().fit(X, Y, eval_set=[(X, Y)], eval_metric=lambda a, b: ("m", 1.0, True))
    yield extreme(callbacks=[Callback()]).fit(X, Y)
    yield extreme(eval_metric=mean_absolute_error).fit(X, Y, eval_set=[(X, Y)], verbose=False)
    yield cat(eval_metric=Metric()).fit(X, Y)
    yield make_pipeline(SelectKBest(lambda *_: np.arange(3.0), k=2), cat()).fit(X, Y)
    search = RandomizedSearchCV(cat(), {"depth": scipy.stats.randint(1, 3)}, n_iter=1, cv=2)
    yield search.fit(X, Y)


def test_settings_of_boosters_are_no_obstacle():
    for estimator in boosters():
        kept = keep(estimator, same_as(estimator, X))
        assert kept.content is not None, (estimator, kept.why)
