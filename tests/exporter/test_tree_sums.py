"""When the leaves of an ensemble may be added in float32, and what they give up to a centre."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.tree import DecisionTreeRegressor

from toolkit.exporter.converters.trees import read
from toolkit.exporter.trees.ensemble import centred, concatenate, sums_fit_float32, tree

TOLERANCE = 2e-5


def ensemble(leaves, base=0.0):
    """One split a tree, with these two leaves; leaves: [T, 2]."""
    trees = [
        tree(
            np.zeros(3),
            np.zeros(3),
            np.array([1, 0, 0]),
            np.array([2, 0, 0]),
            np.array([False, True, True]),
            np.array([0.0, a, b]),
        )
        for a, b in leaves
    ]
    return concatenate(trees, np.array([base]))


def worst(leaves, base, rows=300, unit=np.inf):
    """The largest error of a float32 sum, relative to max(1, |sum|) or less, over random ways."""
    rng = np.random.default_rng(0)
    picked = np.take_along_axis(
        leaves[:, None, :], rng.integers(2, size=(len(leaves), rows, 1)), axis=2
    )[:, :, 0]
    picked[0] += base
    narrow = np.zeros(rows, dtype=np.float32)
    for values in picked:
        narrow += values.astype(np.float32)
    exact = picked.sum(axis=0)
    return (np.abs(narrow - exact) / np.minimum(np.maximum(1.0, np.abs(exact)), unit)).max()


CASES = {
    "boosting": (
        np.random.default_rng(1).normal(size=(100, 2)) * 0.9 ** np.arange(100)[:, None],
        2,
    ),
    "forest": (np.random.default_rng(2).normal(size=(200, 2)) * 5 / 200, 0),
    "large-result": (1e6 + np.random.default_rng(3).normal(size=(20, 2)), 0),
    "cancelling": (np.array([[1e4, 1e4 + 1], [-1e4, -1e4 - 1]] * 40), 0),
    "a-large-base": (np.random.default_rng(4).normal(size=(50, 2)) * 1e-2 - 2.0, 100),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_said_to_fit_fits(name):
    leaves, base = CASES[name]
    if sums_fit_float32(ensemble(leaves, base), TOLERANCE):
        assert worst(leaves, base) <= TOLERANCE


def test_small_later_trees_fit_and_cancelling_ones_do_not():
    said = {name: sums_fit_float32(ensemble(*case), TOLERANCE) for name, case in CASES.items()}
    assert said["boosting"]
    assert said["forest"]
    assert said["large-result"]
    assert not said["cancelling"]
    assert not said["a-large-base"]


# By the spread of the answers: (leaves, base, unit), and whether float32 is said to do.
BY_SPREAD = {
    "tiny": (CASES["boosting"][0] * 1e-9, 2e-9, 1e-9, True),
    "tiny-forest": (CASES["forest"][0] * 1e-9, 0, 3.5e-10, True),
    "tiny-cancelling": (CASES["cancelling"][0] * 1e-9, 0, 1e-9, False),
    "far": (CASES["boosting"][0], 1e4, 1.0, False),
    "far-and-flat": (CASES["large-result"][0], 0, 1e-3, False),
}


@pytest.mark.parametrize("name", BY_SPREAD)
def test_what_fits_by_the_spread_of_the_answers(name):
    leaves, base, unit, wanted = BY_SPREAD[name]
    assert sums_fit_float32(ensemble(leaves, base), TOLERANCE, unit) == wanted
    assert not wanted or worst(leaves, base, unit=unit) <= TOLERANCE


def fitted(model, offset=0.0):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(200, 3))
    return model.fit(X, X[:, 0] + np.sin(X[:, 1]) + offset)


def test_a_forest_about_its_centre_keeps_equal_leaves_equal():
    est = fitted(RandomForestRegressor(5, random_state=0), 1e6)
    parts = [read(t.tree_, t.tree_.value[:, 0, 0] / 5) for t in est.estimators_]
    whole = concatenate(parts, np.zeros(1))
    moved = centred(whole, np.array([1e6]))
    counts = [len(np.unique(e.values[e.leaf])) for e in (whole, moved)]
    assert counts[0] == counts[1]
    assert np.abs(moved.values[moved.leaf]).max() < 5.0


def test_a_tree_that_holds_the_offset_alone_gives_it_up_alone():
    """LightGBM adds its first guess to the leaves of its first tree."""
    structure = fitted(DecisionTreeRegressor(max_depth=4, random_state=0)).tree_
    values = structure.value[:, 0, 0]
    whole = concatenate([read(structure, values + 1e6), read(structure, values)], np.zeros(1))
    moved = centred(whole, np.array([1e6]))
    assert np.abs(moved.values[moved.leaf]).max() < 10.0
    assert np.abs(moved.base).max() < 10.0
