"""When the leaves of an ensemble may be added in float32."""

from __future__ import annotations

import numpy as np
import pytest

from toolkit.exporter.trees.ensemble import concatenate, sums_fit_float32, tree

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


def worst(leaves, base, rows=300):
    """The largest error of a float32 sum, relative to max(1, |sum|), over random ways."""
    rng = np.random.default_rng(0)
    picked = np.take_along_axis(
        leaves[:, None, :], rng.integers(2, size=(len(leaves), rows, 1)), axis=2
    )[:, :, 0]
    picked[0] += base
    narrow = np.zeros(rows, dtype=np.float32)
    for values in picked:
        narrow += values.astype(np.float32)
    exact = picked.sum(axis=0)
    return (np.abs(narrow - exact) / np.maximum(1.0, np.abs(exact))).max()


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
