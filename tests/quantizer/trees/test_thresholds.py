"""Fewer thresholds: medians against brute force, and rows that need not change sides."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestRegressor

from toolkit.exporter.model import build
from toolkit.exporter.schema import infer
from toolkit.exporter.tasks import task_of
from toolkit.quantizer.trees.forests import find_forests
from toolkit.quantizer.trees.routing import reached
from toolkit.quantizer.trees.thresholds import medians, with_fewer_thresholds
from toolkit.runtime.pack.forest import Forest

RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 3)).astype(np.float32)
Y = X[:, 0] ** 2 + np.sin(3 * X[:, 1]) + 0.1 * RNG.normal(size=600)


def loss(places: np.ndarray, weights: np.ndarray, kept: np.ndarray) -> float:
    return float((weights * np.abs(places[:, None] - places[kept]).min(axis=1)).sum())


@given(
    steps=st.lists(st.floats(0, 5), min_size=3, max_size=9),
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_medians_are_as_good_as_any(steps: list[float], seed: int, data: st.DataObject) -> None:
    places = np.cumsum(steps)
    weights = np.random.default_rng(seed).integers(1, 9, len(places)).astype(float)
    # From a quarter of the points on the answer is exact.
    most = data.draw(st.integers(-(-len(places) // 4), len(places) - 1))
    kept = medians(places, weights, most)
    assert len(set(kept.tolist())) == most
    assert (np.diff(kept) > 0).all()
    best = min(loss(places, weights, np.array(c)) for c in combinations(range(len(places)), most))
    assert loss(places, weights, kept) <= best + 1e-9 * (1 + best)


def test_medians_of_many_points_are_near_the_best() -> None:
    places = np.sort(np.random.default_rng(0).normal(size=400))
    weights = np.ones(400)
    kept = medians(places, weights, 20)
    coarse = np.arange(10, 400, 20)  # equal shares
    assert len(kept) == 20
    assert loss(places, weights, kept) < loss(places, weights, coarse)


@pytest.fixture(scope="module")
def forest() -> Forest:
    estimator = RandomForestRegressor(8, random_state=0).fit(X, Y)
    model = build(estimator, infer(X), 21, task_of(estimator), "finite").model
    return find_forests(model)[0]


@pytest.mark.parametrize("most", [1, 2, 16, 64])
def test_no_feature_has_more_thresholds_and_all_are_its_own(forest: Forest, most: int) -> None:
    fewer = with_fewer_thresholds(forest, X, most)
    for f in range(3):
        before = np.unique(forest.threshold[forest.feature == f])
        after = np.unique(fewer.threshold[forest.feature == f])
        assert len(after) <= most
        assert np.isin(after, before).all()


def test_enough_thresholds_change_nothing(forest: Forest) -> None:
    fewer = with_fewer_thresholds(forest, X, 10_000)
    np.testing.assert_array_equal(fewer.threshold, forest.threshold)


def test_a_split_takes_the_nearest_threshold_that_stays(forest: Forest) -> None:
    fewer = with_fewer_thresholds(forest, X, 16)
    for f in range(3):
        mine = forest.feature == f
        kept = np.unique(fewer.threshold[mine])
        inside = np.quantile(X[:, f], [0.01, 0.99])
        gap = np.abs(forest.threshold[mine][:, None] - kept)
        moved = np.abs(fewer.threshold[mine] - forest.threshold[mine])
        between = (forest.threshold[mine] > inside[0]) & (forest.threshold[mine] < inside[1])
        np.testing.assert_allclose(moved[between], gap.min(axis=1)[between], rtol=1e-5, atol=1e-6)


def test_the_error_falls_with_the_number_of_thresholds(forest: Forest) -> None:
    values = forest.leaf_values()[:, 0]
    exact = values[reached(forest, X)].sum(axis=1)
    errors = []
    for most in (4, 16, 64, 256):
        fewer = with_fewer_thresholds(forest, X, most)
        errors.append(np.square(values[reached(fewer, X)].sum(axis=1) - exact).mean())
    assert errors == sorted(errors, reverse=True)
    # Trees of one row a leaf: 256 of some 500 thresholds.
    assert errors[3] < 0.02 * exact.var()
