"""Tree ensembles as packs hold them: all nodes in level order, so that no child index is needed."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from toolkit.runtime.pack.cursor import Cursor

# What a split asks of x: the numbers of ai.onnx.ml 5 are the places here, the names those before.
MODES = ("LEQ", "LT", "GTE", "GT", "EQ", "NEQ", "MEMBER")
LEQ, MEMBER = 0, 6
# A fitted tree is seldom deeper than 100. A level takes a reader some 30 µs, however short it is.
MAX_LEVELS = 1 << 14


@dataclass(frozen=True)
class Forest:
    """A tree ensemble of T trees, n nodes, i splits and l leaves, its nodes in level order.

    Level order: the roots of all trees, then their children from left to right, then those of
    these, …; so the children of split r are the nodes T + 2r (left) and T + 2r + 1 (Jacobson,
    "Space-efficient static trees and graphs", 1989).

    split: bool [n]. By split: feature int [i]; threshold float [i], NaN for MEMBER; missing_left
    bool [i], where NaN goes; mode uint8 [i], an index into MODES. members: the categories of the
    MEMBER splits one after the other, (how many of each, int; the categories, float).
    leaf: int [l], the row of each leaf in `values`, float [d, V], and `target`, int [d]: V is 1 (a
    leaf adds its value to its target) or `targets`, the number of outputs. form: 5 or 3, the
    version of ai.onnx.ml whose operator it is. more: further attributes, serialized fields of the
    node.

    The node's input may be `Concat(x, −x)` with x of the given `width` (0 where it is not): then
    the splits that are `turned`, bool [i], are written as `−x <= −nextabove(t)` with their children
    exchanged, which says the same. All other fields are of the split as it would be on x.
    """

    source: str
    output: str
    form: int
    targets: int
    trees: int
    split: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    mode: np.ndarray
    members: tuple[np.ndarray, np.ndarray]
    leaf: np.ndarray
    values: np.ndarray
    target: np.ndarray
    turned: np.ndarray
    width: int = 0
    more: bytes = b""

    def children(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the node of each split's left and right child, int64 [i]."""
        left = self.trees + 2 * np.arange(len(self.feature))
        return left, left + 1

    def tree(self) -> np.ndarray:
        """Return the tree of each node, int32 [n]."""
        levels = [np.arange(self.trees, dtype=np.int32)]
        starts = level_starts(self.split, self.trees)
        for start, end in itertools.pairwise(starts[:-1]):
            levels.append(np.repeat(levels[-1][self.split[start:end]], 2))
        return np.concatenate(levels)

    def thresholds(self) -> int:
        """Return the number of different thresholds of each feature, in all."""
        compared = self.mode != MEMBER
        order = np.lexsort((self.threshold[compared], self.feature[compared]))
        feature, threshold = self.feature[compared][order], self.threshold[compared][order]
        other = (feature[1:] != feature[:-1]) | (threshold[1:] != threshold[:-1])
        return int(other.sum()) + min(1, len(order))

    def leaf_values(self) -> np.ndarray:
        """Return each leaf's values, float [l, V]."""
        return self.values[self.leaf]

    def leaf_targets(self) -> np.ndarray:
        """Return each leaf's target, int [l]."""
        return self.target[self.leaf]


def level_starts(split: np.ndarray, trees: int) -> list[int]:
    """Return the first node of each level, and the number of nodes at the end.

    ValueError where the flags `split` [n] are not those of so many trees in level order, or of more
    than MAX_LEVELS levels.
    """
    before = np.concatenate([[0], np.cumsum(split)])
    starts, size = [0], trees
    while size:
        end = starts[-1] + size
        if end > len(split) or len(starts) > MAX_LEVELS:
            raise ValueError(f"{len(split)} nodes are not {trees} trees")
        size = 2 * int(before[end] - before[starts[-1]])
        starts.append(end)
    if starts[-1] != len(split):
        raise ValueError(f"{len(split)} nodes are more than {trees} trees")
    return starts


def subtree_leaves(split: np.ndarray, starts: list[int]) -> np.ndarray:
    """Return the number of leaves below each node, 1 for a leaf, int64 [n]."""
    counts = np.ones(len(split), dtype=np.int64)
    levels = list(itertools.pairwise(starts))
    for (start, end), (first, last) in zip(levels[-2::-1], levels[:0:-1], strict=True):
        counts[start:end][split[start:end]] = counts[first:last].reshape(-1, 2).sum(axis=1)
    return counts


def checked(cursor: Cursor, forest: Forest) -> Forest:
    """Return the forest; CorruptArtifact where no operator can hold it."""
    if forest.form == 5 and not forest.split[: forest.trees].all():
        raise cursor.fail("a tree of one leaf, which TreeEnsemble cannot hold")
    if forest.form == 3 and (forest.mode == MEMBER).any():
        raise cursor.fail("a split by categories, which TreeEnsembleRegressor cannot hold")
    if forest.form == 5 and forest.values.shape[1] != 1:
        raise cursor.fail("several values a leaf, which TreeEnsemble cannot hold")
    return forest
