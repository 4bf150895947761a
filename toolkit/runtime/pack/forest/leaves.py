"""Leaves of tree ensembles (see `forest/streams`)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toolkit.runtime.pack.cursor import Cursor
from toolkit.runtime.pack.forest import Forest
from toolkit.runtime.pack.forest.numbers import integers

RAW_LEAVES, TREE_STEPS, TARGET_STEPS = 0, 1, 2


def with_leaves(cursor: Cursor, forest: Forest, named: np.ndarray) -> Forest:
    """Return the forest with its leaves read; named: the target of each tree or leaf."""
    width, dtype = forest.values.shape[1], forest.values.dtype
    is_leaf = ~forest.split
    count = int(is_leaf.sum())
    encoding = cursor.u8()
    tree = None
    if encoding == TREE_STEPS or len(named) != count:
        tree = forest.tree()[is_leaf]
    target = named if len(named) == count else named[tree]
    if encoding == RAW_LEAVES:
        rows = cursor.uvarint()
        values = cursor.array(dtype, rows * width).reshape(rows, width)
        which = integers(cursor, count)
        if int(which.max()) >= rows:
            raise cursor.fail(f"a leaf of the row {which.max()}, there are {rows}")
        leaf, target, which = distinct(target, which.astype(np.int64))
        return replace(forest, leaf=leaf, values=values[which], target=target)
    if encoding not in (TREE_STEPS, TARGET_STEPS):
        raise cursor.fail(f"leaf encoding {encoding} is unknown")
    offset, step = (
        cursor.array(np.dtype("<f4"), forest.targets).astype(np.float64) for _ in range(2)
    )
    zigzag = integers(cursor, forest.trees if encoding == TREE_STEPS else forest.targets)
    low = (zigzag >> 1).astype(np.int64) ^ -(zigzag & 1).astype(np.int64)
    code = integers(cursor, count * width)
    with np.errstate(all="ignore"):  # a hostile step must not make numpy write to stderr
        if width > 1:
            if encoding == TREE_STEPS:
                raise cursor.fail("several values a leaf with a lowest code a tree")
            values = offset + step * (low + code.reshape(count, width))
            zeros = np.zeros(count, dtype=np.int64)
            return replace(forest, leaf=np.arange(count), values=values.astype(dtype), target=zeros)
        lowest = low[tree] if encoding == TREE_STEPS else low[target]
        leaf, target, code = distinct(target, lowest + code)
        values = (offset[target] + step[target] * code).astype(dtype)
    return replace(forest, leaf=leaf, values=values[:, None], target=target)


def distinct(target: np.ndarray, code: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (row of each leaf, target of each row, code of each row): each pair only once.

    target: unsigned [l]; code: int64 [l].
    """
    low, high = int(code.min()), int(code.max())
    span = high - low + 1
    top = int(target.max()) + 1
    if span * top > 4 * len(code) + 65536:
        key, leaf = _unique(code)
        if top > 1:
            pairs, leaf = _unique(leaf * top + target)
            return leaf, pairs % top, key[pairs // top]
        return leaf, np.zeros(len(key), dtype=np.int64), key
    pair = (code - low) * top + target if top > 1 else code - low
    used = np.zeros(span * top, dtype=bool)
    used[pair] = True
    place = np.cumsum(used, dtype=np.int32) - 1
    key = np.flatnonzero(used)
    return place[pair], key % top, key // top + low


def _unique(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct integers, ascending, and which of them each is.

    As np.unique does, which imports numpy.ma for it: 10 ms, as long as a small forest takes.
    """
    order = np.argsort(values, kind="stable")
    ascending = values[order]
    new = np.ones(len(values), dtype=bool)
    new[1:] = ascending[1:] != ascending[:-1]
    which = np.empty(len(values), dtype=np.int64)
    which[order] = np.cumsum(new) - 1
    return ascending[new], which
