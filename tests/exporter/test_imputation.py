"""SimpleImputer on numbers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.impute import SimpleImputer

from tests.exporter.parity import answers, assert_answers, check, right_or_refused

RNG = np.random.default_rng(0)


def rows(missing=np.nan):
    X = np.round(RNG.normal(size=(80, 4)) * [1, 10, 100, 3], 1)
    X[RNG.random(X.shape) < 0.2] = missing
    return X


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", "constant"])
def test_strategy(strategy):
    X = rows()
    filling = {"fill_value": -7.5} if strategy == "constant" else {}
    check(SimpleImputer(strategy=strategy, **filling).fit(X), X)


@pytest.mark.parametrize("sentinel", [-999.0, 0, -1], ids=str)
def test_sentinel(sentinel):
    X = rows(sentinel)
    content = check(SimpleImputer(missing_values=sentinel).fit(X), X)
    assert not (answers(content, X)["variable"] == sentinel).any()


def test_rows_without_any_value():
    model = SimpleImputer().fit(rows())
    content = check(model, rows())
    assert_answers(content, model, np.full((3, 4), np.nan))


def test_what_was_complete_in_fitting_is_imputed_later():
    X = np.nan_to_num(rows())
    model = SimpleImputer().fit(X)
    spoiled = X.copy()
    spoiled[::3, 1] = np.nan
    assert_answers(check(model, X), model, spoiled)


@pytest.mark.parametrize("keep", [False, True], ids=["dropped", "kept"])
@pytest.mark.filterwarnings("ignore:Skipping features")
def test_a_column_without_any_value_is_right_or_refused(keep):
    X = rows()
    X[:, 2] = np.nan
    model = SimpleImputer(keep_empty_features=keep).fit(X)
    right_or_refused(model, X, reason="SimpleImputer: a column without any value")


def test_the_indicator_is_right_or_refused():
    X = rows()
    model = SimpleImputer(add_indicator=True).fit(X)
    right_or_refused(model, X, reason="SimpleImputer: add_indicator=True")
