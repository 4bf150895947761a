"""Which nodes of a tree ensemble rows pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from toolkit.runtime.pack.forest import MEMBER, Forest

# By mode, as ai.onnx.ml 5 numbers them; MEMBER is not a comparison.
COMPARISONS: tuple[Callable[[np.ndarray, np.ndarray], np.ndarray], ...] = (
    np.less_equal,
    np.less,
    np.greater_equal,
    np.greater,
    np.equal,
    np.not_equal,
)


def reached(forest: Forest, rows: np.ndarray) -> np.ndarray:
    """Return the leaf that each row [N, features] reaches in each tree, int64 [N, T]."""
    at = np.repeat(np.arange(forest.trees)[None], len(rows), axis=0)
    for moving, _, _, child in _steps(forest, rows, at):
        at[moving] = child
    return (np.cumsum(~forest.split) - 1)[at]


def passes(forest: Forest, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield, level by level, (split, value of its feature) of each row in each tree, [k] both."""
    at = np.repeat(np.arange(forest.trees)[None], len(rows), axis=0)
    for moving, split, x, child in _steps(forest, rows, at):
        yield split, x
        at[moving] = child


def _steps(
    forest: Forest, rows: np.ndarray, at: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield (which of `at` are at a split, the splits, their x, the next nodes) until none is."""
    rank = np.cumsum(forest.split) - 1
    row = np.repeat(np.arange(len(rows))[:, None], forest.trees, axis=1)
    member = _members(forest)
    while (moving := forest.split[at]).any():
        split = rank[at[moving]]
        x = rows[row[moving], forest.feature[split]]
        left = x <= forest.threshold[split]
        for mode in np.unique(forest.mode[split]).tolist():
            if mode:
                mine = forest.mode[split] == mode
                known = member if mode == MEMBER else _compared(forest, mode)
                left[mine] = known(split[mine], x[mine])
        left = np.where(np.isnan(x), forest.missing_left[split], left)
        yield moving, split, x, forest.trees + 2 * split + ~left


def _compared(forest: Forest, mode: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda split, x: COMPARISONS[mode](x, forest.threshold[split])


def _members(forest: Forest) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return the test whether x is among the categories of a MEMBER split."""
    counts, values = forest.members
    known, which = np.unique(values, return_inverse=True)
    number = np.cumsum(forest.mode == MEMBER) - 1
    pairs = np.repeat(np.arange(len(counts)), counts) * max(len(known), 1) + which

    def test(split: np.ndarray, x: np.ndarray) -> np.ndarray:
        if not len(known):
            return np.zeros(len(x), dtype=bool)
        place = np.minimum(np.searchsorted(known, x), len(known) - 1)
        return (known[place] == x) & np.isin(number[split] * len(known) + place, pairs)

    return test
