"""scikit-learn's own trees, read from the fitted arrays, apart from the converters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

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
        parents = np.full(len(self.leaf), -1, dtype=np.int32)
        splits = np.flatnonzero(~self.leaf)
        parents[self.left[splits]] = parents[self.right[splits]] = splits
        return parents


def held(estimator: Any) -> Any:
    """Return the estimator that a search, a threshold or a transformed target stands for."""
    while not hasattr(estimator, "estimators_"):
        inner = next((getattr(estimator, a) for a in HOLDERS if hasattr(estimator, a)), None)
        if inner is None:
            break
        estimator = inner
    return estimator


def fitted_trees(estimator: Any, width: int) -> Iterator[Tree]:
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
            yield from fitted_trees(member, width)


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
