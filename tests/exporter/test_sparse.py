"""Which estimators are found to get a scipy matrix, and what is left as it was afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import StackingRegressor
from sklearn.linear_model import Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, OneHotEncoder

from toolkit.exporter.sparse import takers_of_sparse

xgboost = pytest.importorskip("xgboost")

ROWS = np.random.default_rng(0).integers(0, 9, size=(60, 3)).astype(float)
ANSWERS = ROWS[:, 0] - ROWS[:, 2]


def booster() -> Any:
    return xgboost.XGBRegressor(n_estimators=2, max_depth=2, n_jobs=1)


def dense(X: Any) -> Any:
    return X.toarray()


def encoder(threshold: float = 0.3) -> Any:
    parts = [("hot", OneHotEncoder(handle_unknown="ignore"), [0, 1])]
    return ColumnTransformer(parts, remainder="passthrough", sparse_threshold=threshold)


def takers(model: Any) -> set[int]:
    with takers_of_sparse() as ids:
        model.predict(ROWS[:1])
    return ids


def found(model: Any, y: Any = ANSWERS) -> set[str]:
    """Return the class names of the fitted model's steps that were found to get a matrix."""
    model.fit(ROWS, y)
    ids = takers(model)
    return {type(step).__name__ for _, step in model.steps if id(step) in ids}


def test_what_decides_is_what_the_steps_hand_on() -> None:
    assert found(make_pipeline(encoder(), booster())) == {"XGBRegressor"}
    assert found(make_pipeline(encoder(threshold=0), booster())) == set()
    assert found(make_pipeline(encoder(), TruncatedSVD(2), booster())) == set()
    assert found(make_pipeline(encoder(), FunctionTransformer(dense), booster())) == set()
    scaled = make_pipeline(encoder(), MaxAbsScaler(), booster())
    assert found(scaled) == {"MaxAbsScaler", "XGBRegressor"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_estimators_inside_others_are_found(jobs: int) -> None:
    y = np.stack([ANSWERS, -ANSWERS], axis=1)
    several = make_pipeline(encoder(), MultiOutputRegressor(booster(), n_jobs=jobs)).fit(ROWS, y)
    assert takers(several) == {id(e) for e in several[-1].estimators_}


def test_a_stack_gets_dense_answers_unless_the_rows_are_passed_on() -> None:
    for passed in (False, True):
        stack = StackingRegressor([("r", Ridge())], booster(), cv=2, passthrough=passed)
        model = make_pipeline(encoder(), stack).fit(ROWS, ANSWERS)
        assert (id(model[-1].final_estimator_) in takers(model)) == passed


def test_the_methods_are_put_back_whatever_happens() -> None:
    before = xgboost.XGBModel.predict, MaxAbsScaler.transform

    with pytest.raises(KeyError), takers_of_sparse():
        raise KeyError("rows")
    assert (xgboost.XGBModel.predict, MaxAbsScaler.transform) == before
