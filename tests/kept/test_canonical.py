"""Equal estimators have equal files, whatever they were used for and wherever they came from."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor, RadiusNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from toolkit.estimators.skops_file import dump_estimator, load_estimator

RNG = np.random.default_rng(4)
X = RNG.normal(size=(80, 3))
Y = X[:, 0] + RNG.normal(size=80) / 10


@pytest.mark.parametrize(
    "estimator",
    [
        KNeighborsRegressor(algorithm="kd_tree"),
        RadiusNeighborsRegressor(50.0, algorithm="ball_tree"),
        GradientBoostingRegressor(n_estimators=3, random_state=0),
        make_pipeline(StandardScaler(), Ridge(alpha=0.5 + 0.25)),
    ],
    ids=lambda e: type(e).__name__,
)
def test_an_estimator_that_was_used_or_restored(estimator):
    before = dump_estimator(estimator.fit(X, Y))
    answers = estimator.predict(X)
    assert dump_estimator(estimator) == before
    restored = load_estimator(before, "e.skops")
    assert dump_estimator(restored) == before
    np.testing.assert_array_equal(restored.predict(X), answers)


def test_numbers_are_one_object_where_they_are_equal_and_no_others():
    one, other = Ridge(alpha=0.1), Ridge(alpha=float("0.1"))
    one.first_, one.second_ = 0.1, 0.2
    other.first_, other.second_ = float("0.1"), float("0.2")
    for e in (one, other):
        e.number_, e.text_, e.true_ = 1, "1", True
    assert dump_estimator(one) == dump_estimator(other)
    restored = load_estimator(dump_estimator(one), "e.skops")
    assert (restored.number_, restored.text_, restored.true_) == (1, "1", True)
    assert type(restored.true_) is bool
    assert (restored.first_, restored.second_) == (0.1, 0.2)


def test_a_set_has_one_order():
    one, other = Ridge(), Ridge()
    one.words_, other.words_ = set(), set()
    for number in (1, 9):  # of one remainder by 8, so that the first to come is the first
        one.words_.add(number)
    for number in (9, 1):
        other.words_.add(number)
    assert list(one.words_) != list(other.words_)
    assert dump_estimator(one) == dump_estimator(other)
    assert load_estimator(dump_estimator(one), "e.skops").words_ == {1, 9}


def test_other_estimators_have_other_files():
    assert dump_estimator(Ridge(alpha=1.0).fit(X, Y)) != dump_estimator(Ridge(alpha=1).fit(X, Y))
