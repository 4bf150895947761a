"""Rows on the thresholds of trees, each made so that it reaches the very split that it tests."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

MOST = 400  # at most so many splits, spread evenly over the thresholds of all trees
HOLDERS = ("best_estimator_", "estimator_", "regressor_")  # where wrappers keep what answers


@dataclass(frozen=True)
class Tree:
    """A fitted tree's arrays [nodes]: a row goes left where x[feature] <= threshold.

    leaf tells which nodes are leaves; ordered which splits have a threshold, for there are splits
    on sets of categories as well.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    leaf: np.ndarray
    ordered: np.ndarray

    @cached_property
    def parent(self) -> np.ndarray:
        """The split above each node, int32 [nodes]; -1 for the root."""
        found = np.full(len(self.leaf), -1, dtype=np.int32)
        splits = np.flatnonzero(~self.leaf)
        found[self.left[splits]] = found[self.right[splits]] = splits
        return found


def threshold_rows(estimator: Any, sample: np.ndarray) -> Iterator[np.ndarray]:
    """Yield rows [features] with one value at a threshold, and at the float32 before and after it.

    sample: float64 [N, features], what each row is made from. Thresholds of trees behind scalers
    and the like are taken back through their inverse_transform; behind a step that has none,
    nothing is yielded.
    """
    estimator = _held(estimator)
    steps = [s for _, s in getattr(estimator, "steps", []) if s not in (None, "passthrough")]
    before, last = (steps[:-1], steps[-1]) if steps else ([], estimator)
    yield from rows_at(list(_trees(_held(last), sample.shape[1])), sample, before)


def rows_at(trees: list[Tree], sample: np.ndarray, before: list[Any]) -> Iterator[np.ndarray]:
    """Yield rows as `threshold_rows` for these trees, which stand behind the steps `before`."""
    inner = _transformed(sample, before)
    if inner is None:
        return
    for k, (tree, node) in enumerate(_spread(trees)):
        feature = int(tree.feature[node])
        row = _reaching(tree, node, inner[k % len(inner)].copy())
        raw = _inverted(row, before)
        if raw is None or not np.isfinite(raw[feature]):
            continue
        with np.errstate(over="ignore"):
            at = np.float32(raw[feature])
            around = (
                at,
                np.nextafter(at, np.float32(-np.inf)),
                np.nextafter(at, np.float32(np.inf)),
            )
        for value in around:
            raw[feature] = value
            yield raw.copy()


def _held(estimator: Any) -> Any:
    """Return the estimator that a search, a threshold or a transformed target stands for."""
    while not hasattr(estimator, "estimators_"):
        inner = next((getattr(estimator, a) for a in HOLDERS if hasattr(estimator, a)), None)
        if inner is None:
            break
        estimator = inner
    return estimator


def _trees(estimator: Any, width: int) -> Iterator[Tree]:
    """Yield every tree of a tree, forest or boosting that looks at rows of this width.

    In a chain the later trees have the earlier answers as further features.
    """
    if hasattr(estimator, "tree_"):
        t = estimator.tree_
        leaf = t.children_left == -1
        yield Tree(t.feature, t.threshold, t.children_left, t.children_right, leaf, ~leaf)
    for iteration in getattr(estimator, "_predictors", []):
        for predictor in iteration:
            yield _hist_tree(predictor.nodes, getattr(estimator, "is_categorical_", None))
    for member in _members(estimator):
        if hasattr(member, "tree_") and member.tree_.n_features == width:
            yield from _trees(member, width)


def _members(estimator: Any) -> list[Any]:
    """Return the inner estimators; numpy must not see a list of them, for forests have a length."""
    members = getattr(estimator, "estimators_", [])
    return members.ravel().tolist() if isinstance(members, np.ndarray) else list(members)


def _hist_tree(nodes: np.ndarray, categorical: np.ndarray | None) -> Tree:
    leaf = nodes["is_leaf"].astype(bool)
    feature = nodes["feature_idx"].astype(np.int64)
    if categorical is not None:  # inside, the categorical columns come first
        feature = np.argsort(~categorical, kind="stable")[feature]
    ordered = ~(leaf | nodes["is_categorical"].astype(bool))
    return Tree(feature, nodes["num_threshold"], nodes["left"], nodes["right"], leaf, ordered)


def _spread(trees: list[Tree]) -> Iterator[tuple[Tree, int]]:
    """Yield (tree, node) of at most MOST splits, evenly along the sorted thresholds."""
    splits = [np.flatnonzero(t.ordered) for t in trees]
    found = [(np.full(len(nodes), k), nodes) for k, nodes in enumerate(splits)]
    if not found:
        return
    owner, node = (np.concatenate(parts) for parts in zip(*found, strict=True))
    thresholds = np.concatenate([t.threshold[t.ordered] for t in trees])
    order = np.lexsort((thresholds, np.concatenate([t.feature[t.ordered] for t in trees])))
    count = min(len(order), MOST)
    for at in order[np.linspace(0, len(order) - 1, count).astype(int)] if count else []:
        yield trees[owner[at]], int(node[at])


def _reaching(tree: Tree, node: int, row: np.ndarray) -> np.ndarray:
    """Return the row with as few values changed as bring it to this node, and at its threshold."""
    low, high = np.full(len(row), -np.inf), np.full(len(row), np.inf)
    child = node
    while child:
        parent = int(tree.parent[child])
        feature, threshold = int(tree.feature[parent]), tree.threshold[parent]
        if not tree.ordered[parent]:
            pass  # the row's own category decides
        elif tree.left[parent] == child:
            high[feature] = min(high[feature], threshold)
        else:
            low[feature] = max(low[feature], threshold)
        child = parent
    outside = ~((row > low) & (row <= high))
    row[outside] = _between(low[outside], high[outside])
    row[tree.feature[node]] = tree.threshold[node]
    return row


def _between(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return a value inside each interval, away from its ends; either end may be infinite."""
    with np.errstate(invalid="ignore"):
        middle = low + (high - low) / 2
        below, above = high - 1e-3 * np.abs(high) - 1e-3, low + 1e-3 * np.abs(low) + 1e-3
    return np.where(np.isinf(low), below, np.where(np.isinf(high), above, middle))


def _transformed(sample: np.ndarray, steps: list[Any]) -> np.ndarray | None:
    """Return the rows as the trees get them, None where a step cannot be taken back."""
    width = sample.shape[1]
    for step in steps:
        if not hasattr(step, "inverse_transform") or getattr(step, "n_features_in_", 0) != width:
            return None
        found = _quietly(step.transform, sample)
        if found is None or found.shape != sample.shape:
            return None
        sample = found
    return sample


def _inverted(row: np.ndarray, steps: list[Any]) -> np.ndarray | None:
    found: np.ndarray | None = row[None]
    for step in reversed(steps):
        found = None if found is None else _quietly(step.inverse_transform, found)
    return None if found is None else found[0].copy()


def _quietly(method: Any, rows: np.ndarray) -> np.ndarray | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.array(method(rows), dtype=np.float64)
    except (ValueError, TypeError, AttributeError):
        return None
