"""The key that puts rows in order: whole numbers, and rows that go alike beside each other."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)

from tests.exporter.test_tree_forms import FEATURES, expected, random_ensemble, random_rows
from toolkit.exporter.conversion import Conversion
from toolkit.exporter.dispatch import convert
from toolkit.exporter.trees import order
from toolkit.exporter.trees.order import FEWEST, LEAVES, ROWS, drawn, key_of, ways
from toolkit.exporter.trees.pending import pending_trees
from toolkit.exporter.values import Matrix

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3000, 5)).astype(np.float32).astype(np.float64)
Y = X[:, 0] * 3 + np.sin(5 * X[:, 1]) * X[:, 2] + RNG.normal(size=len(X)) / 4
MODELS = {
    "boosting": lambda: GradientBoostingRegressor(random_state=0),
    "histogram": lambda: HistGradientBoostingRegressor(max_iter=40, random_state=0),
    "forest": lambda: RandomForestRegressor(20, random_state=0),
}


@cache
def ensemble_of(name):
    model, g = MODELS[name]().fit(X, Y), Conversion(dispatch=convert)
    convert(model, Matrix(g.name("X"), "float32", X.shape[1]), g)
    return pending_trees(g)[0].ensemble


def nodes_reached(e, rows, depth):
    """The node of every tree that each row is in at this depth, [rows, trees]."""
    node = np.repeat(e.roots[None], len(rows), axis=0)
    for _ in range(depth):
        x = np.take_along_axis(rows, e.feature[node].astype(np.int64), axis=1)
        below = np.where(x <= e.threshold[node], e.left[node], e.right[node])
        node = np.where(e.leaf[node], node, below)
    return node


def digits_of(key, rows):
    """Each tree's value for each row, [rows, trees]."""
    nodes = nodes_reached(key, rows, max(LEAVES))
    assert key.leaf[nodes].all()
    return key.values[nodes]


@pytest.mark.parametrize("known", [True, False], ids=["rows", "drawn"])
@pytest.mark.parametrize("name", MODELS)
def test_rows_that_go_alike_are_beside_each_other(name, known):
    """Neighbours part in fewer than half as many trees, and in two thirds of the late ones."""
    e = ensemble_of(name)
    key = key_of(e, X[:1000] if known else None, sum(LEAVES))
    rows = X[1000:]
    places = np.argsort(digits_of(key, rows).sum(axis=1), kind="stable")
    nodes = nodes_reached(e, rows, 3)
    before = (nodes[1:] != nodes[:-1]).mean(axis=0)
    after = (nodes[places][1:] != nodes[places][:-1]).mean(axis=0)
    assert after.mean() < before.mean() / 2
    late = len(e.roots) // 2
    assert after[late:].mean() < before[late:].mean() * 2 / 3


@pytest.mark.parametrize("leaves", [1, 128, 150, 1000])
def test_a_key_is_a_whole_number_with_a_digit_a_tree(leaves):
    e = ensemble_of("histogram")
    key = key_of(e, X, leaves)
    fits = np.cumsum(LEAVES) <= leaves
    assert len(key.roots) == max(1, fits.sum())
    assert key.leaf.sum() <= max(leaves, LEAVES[0])
    digits = digits_of(key, X)
    found = digits.sum(axis=1)
    assert (found == np.rint(found)).all()
    assert found.min() >= 0
    assert found.max() < np.prod(LEAVES) <= 2**24
    assert len(np.unique(found)) == len(np.unique(digits, axis=0))


@pytest.mark.parametrize("seed", range(8))
def test_any_ensemble_has_a_key(seed):
    """Thresholds at infinity and beyond float32, sets of categories, outputs, few rows or many."""
    rng = np.random.default_rng(seed)
    e = random_ensemble(rng, targets=1 + seed % 3, categories=seed % 2 == 0)
    if seed > 5:
        e = replace(e, threshold=np.clip(e.threshold, -1e38, 1e38) * 1e200)
    rows = [None, rng.normal(size=(3, FEATURES)), rng.normal(size=(900, FEATURES)) * 1e39]
    for given in rows:
        key = key_of(e, given, 1000)
        found = expected(key, random_rows(rng, 50))[:, 0]
        assert (found == np.rint(found)).all()
        assert np.isfinite(key.threshold.astype(np.float32)).all()


def test_the_same_key_every_time():
    e = ensemble_of("boosting")
    one, other = key_of(e, None, 200), key_of(e, None, 200)
    assert np.array_equal(one.threshold, other.threshold)
    assert np.array_equal(one.feature, other.feature)
    few = key_of(e, X[: FEWEST - 1], 200)
    assert np.array_equal(one.threshold, few.threshold)


def test_drawn_rows_lie_at_the_thresholds():
    e = ensemble_of("boosting")
    rows = drawn(e)
    assert rows.shape == (ROWS, e.feature.max() + 1)
    for f in range(rows.shape[1]):
        thresholds = e.threshold[~e.leaf & (e.feature == f)].astype(np.float32)
        assert np.isin(rows[:, f], np.append(thresholds, 0)).all()


def test_of_many_features_those_most_met_are_compared(monkeypatch):
    e = ensemble_of("forest")
    monkeypatch.setattr(order, "FEATURES", 2)
    split = ~e.leaf
    met = np.bincount(e.feature[split], e.count[split])
    for rows in (X, None):
        key = key_of(e, rows, 1000)
        assert set(key.feature[~key.leaf].tolist()) == set(np.argsort(-met)[:2].tolist())


def test_the_vectors_keep_the_distances_of_the_ways():
    """Within a fifth on average: that is what 64 signs promise (the root of 2 / 64)."""
    e = ensemble_of("histogram")
    rows = X[:300]
    signs = ways(e, rows.astype(np.float32))
    # The nodes' identities, level by level, where at least four rows pass.
    passed = [set() for _ in rows]
    for i, root in enumerate(e.roots):
        node, at = np.full(len(rows), root), np.arange(len(rows))
        while len(at):
            inner = ~e.leaf[node]
            node, at = node[inner], at[inner]
            left = rows[at, e.feature[node]] <= e.threshold[node]
            node = np.where(left, e.left[node], e.right[node])
            _, which, size = np.unique(node, return_inverse=True, return_counts=True)
            node, at = node[size[which] >= 4], at[size[which] >= 4]
            for row, name in zip(at, node, strict=True):
                passed[row].add((i, name))
    pairs = RNG.integers(len(rows), size=(300, 2))
    true = np.array([len(passed[a] ^ passed[b]) for a, b in pairs])
    found = np.square(signs[pairs[:, 0]] - signs[pairs[:, 1]]).mean(axis=1)
    apart = true > 0
    assert np.abs(found[apart] / true[apart] - 1).mean() < 0.2
    assert np.abs(found[~apart]).max(initial=0) == 0
