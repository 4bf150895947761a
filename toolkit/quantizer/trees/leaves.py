"""Leaf values as codes: whole numbers of steps from an offset, both by target."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from toolkit.quantizer.refusals import NotApplicable
from toolkit.quantizer.trees.routing import reached
from toolkit.runtime.pack.forest import Forest

# Beyond this the ranges of trees differ so much that a common step pays with more than a byte.
ALIKE = 1.25
WHOLE = 1 << 24  # whole numbers below are exact in float32


@dataclass(frozen=True)
class Leaves:
    """Codes of a forest's rows of values: `value = offset[k] + step[k] · code`, k the target.

    codes int64 [d, V]; offset and step float32 [targets]. The formula is computed in float64 and
    rounded to the type of the values.
    """

    codes: np.ndarray
    offset: np.ndarray
    step: np.ndarray

    def decode(self, forest: Forest) -> np.ndarray:
        """Return the rows of values [d, V] that a reader will see in place of the forest's."""
        k = slice(None) if self.codes.shape[1] > 1 else forest.target[:, None]
        offset, step = self.offset.astype(np.float64), self.step.astype(np.float64)
        return (offset[k] + step[k] * self.codes).astype(forest.values.dtype)


def encode_leaves(forest: Forest, rows: np.ndarray, levels: int = 256) -> Leaves:
    """Return leaf codes of about so many levels a tree, unbiased on the forest's input `rows`.

    One step serves all trees of a target: the error of a sum is that of its summands, so that a
    tree whose leaves lie closer needs fewer levels. The step is such that the levels cover the root
    mean square of the trees' ranges (`Σ step² = Σ (range_t / (levels − 1))²`: the error of so many
    levels in each tree); where the ranges are alike, the largest of them; where not (boosting),
    half of that mean, which costs a bit a leaf at most and halves the error. Codes are rounded to
    the nearest, and the offset takes up the mean over the rows [N, features] of what that loses
    (with one value a leaf; class shares keep their sum instead).

    Whole numbers (votes, positions in a table) that the levels cover are coded as they are. Raises
    NotApplicable where a value is not finite in float32.
    """
    if not (np.abs(forest.values) < np.finfo(np.float32).max).all():
        raise NotApplicable(f"leaves of {forest.output!r} hold values that float32 does not")
    most = levels - 1
    exact = whole_leaves(forest)
    if exact is not None and np.nanmax(_ranges(forest, exact.codes)) <= most:
        return exact
    values = forest.values.astype(np.float64)
    width = values.shape[1]
    offset, step = np.zeros(forest.targets), np.ones(forest.targets)
    if width > 1:
        offset, step = values.min(axis=0), np.ptp(values, axis=0) / most
    else:
        ranges = _ranges(forest, forest.values)
        for k in np.unique(forest.leaf_targets()):
            mine = ranges[:, k][~np.isnan(ranges[:, k])]
            common = np.sqrt(np.square(mine).mean())
            step[k] = (mine.max() if mine.max() <= ALIKE * common else common / 2) / most
            offset[k] = values[forest.target == k].min()
    # Below the offset's precision there is nothing to tell apart.
    least = np.spacing(np.abs(offset).astype(np.float32))
    step = np.where(step > 0, np.maximum(step, least), 1.0).astype(np.float32)
    offset = offset.astype(np.float32)
    k = slice(None) if width > 1 else forest.target[:, None]
    steps = (values - offset[k].astype(np.float64)) / step[k].astype(np.float64)
    leaves = Leaves(np.rint(steps).astype(np.int64), offset, step)
    return leaves if width > 1 or not len(rows) else _unbiased(forest, leaves, rows)


def exact_leaves(forest: Forest) -> Leaves | None:
    """Return codes that say exactly what the leaves are, None where there are none."""
    leaves = whole_leaves(forest)
    same = leaves is not None and np.array_equal(leaves.decode(forest), forest.values)
    return leaves if same else None


def whole_leaves(forest: Forest) -> Leaves | None:
    """Return the leaves as they are, where they are whole numbers that float32 holds; else None."""
    values = forest.values
    if not ((values == np.rint(values)) & (np.abs(values) < WHOLE)).all():
        return None
    ones = np.ones(forest.targets, dtype=np.float32)
    return Leaves(values.astype(np.int64), 0 * ones, ones)


def _ranges(forest: Forest, values: np.ndarray) -> np.ndarray:
    """Return the largest less the smallest of each tree's leaves by target, NaN where it has none.

    values: [d, V]. float64 [T, targets], or [T, 1] over all values where V > 1.
    """
    tree, values = forest.tree()[~forest.split], values[forest.leaf].astype(np.float64)
    several = values.shape[1] > 1
    targets = 1 if several else forest.targets
    place = tree * targets + (0 if several else forest.leaf_targets())
    low, high = np.full((2, forest.trees * targets), np.nan)
    np.fmin.at(low, place, values.min(axis=1))
    np.fmax.at(high, place, values.max(axis=1))
    return (high - low).reshape(forest.trees, targets)


def _unbiased(forest: Forest, leaves: Leaves, rows: np.ndarray) -> Leaves:
    """Return the leaves with offsets that keep the mean of each target's sum over the rows."""
    lost = (forest.values.astype(np.float64) - leaves.decode(forest))[:, 0][forest.leaf]
    target = forest.leaf_targets()
    at = reached(forest, rows)
    total = np.zeros(forest.targets)
    share = np.zeros(forest.targets)
    for column in at.T:
        total += np.bincount(target[column], weights=lost[column], minlength=forest.targets)
        share += np.bincount(target[column], minlength=forest.targets)
    bias = total / np.maximum(share, 1)
    return replace(leaves, offset=(leaves.offset + bias).astype(np.float32))
