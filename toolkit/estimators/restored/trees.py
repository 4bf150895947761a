"""Decision trees: children that come after their parents, each once, and columns that there are."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.estimators.restored.refusal import require, within

LEAF = -1  # as both children of a leaf


def check_tree(tree: Any, width: int | None) -> None:
    """Check a `sklearn.tree._tree.Tree` that is given rows of `width` columns.

    Its arrays are views of `node_count` elements, so that this is held against what there is first.
    scikit-learn numbers a child after its parent, which no circle can do.
    """
    require(
        0 < tree.node_count == tree.capacity,
        f"says that it has {tree.node_count} nodes, it has {tree.capacity}",
    )
    require(width is not None, "is given rows by nothing that knows its columns")
    require(tree.n_features == width, f"takes {tree.n_features} columns, its estimator {width}")
    left, right = tree.children_left, tree.children_right
    leaf = left == LEAF
    require((right[leaf] == LEAF).all(), "has a node with one child")
    _check_children(left[~leaf], right[~leaf], np.flatnonzero(~leaf), tree.node_count)
    within(tree.feature[~leaf], 0, tree.n_features, "splits on the column")


def check_predictor(predictor: Any, width: int | None) -> None:
    """Check a tree of scikit-learn's histogram boosting that is given rows of `width` columns."""
    nodes = predictor.nodes
    require(isinstance(nodes, np.ndarray) and nodes.ndim == 1 and len(nodes), "has no nodes")
    require(width is not None, "is given rows by nothing that knows its columns")
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    split = nodes[inner]
    left, right = split["left"].astype(np.int64), split["right"].astype(np.int64)
    _check_children(left, right, inner, len(nodes))
    within(split["feature_idx"].astype(np.int64), 0, int(width or 0), "splits on the column")
    sets = split["bitset_idx"][split["is_categorical"] != 0].astype(np.int64)
    for name in ("raw_left_cat_bitsets", "binned_left_cat_bitsets"):
        bits = getattr(predictor, name)
        require(bits.ndim == 2 and bits.shape[1] == 8, f"has {name} of the shape {bits.shape}")
        within(sets, 0, len(bits), "tests the set of categories")


def _check_children(left: np.ndarray, right: np.ndarray, parent: np.ndarray, count: int) -> None:
    children = np.concatenate([left, right])
    within(children, 1, count, "has a child number")
    require((children > np.concatenate([parent, parent])).all(), "has a child that is its ancestor")
    wrong = np.flatnonzero(np.bincount(children, minlength=count)[1:] != 1)
    require(not len(wrong), f"has the node {wrong[:1] + 1} in no place, or in two")
