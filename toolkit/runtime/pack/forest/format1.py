"""Tree ensembles of pack format 1: the reader, and the description of their streams.

An ensemble in a pack's body (integers little-endian; T trees, n nodes, i splits, l leaves in all;
a tree with m leaves has m − 1 splits and 2m − 1 nodes):

    uvarint + bytes     name of the input tensor, then of the output tensor (UTF-8)
    u8                  flags: 1 float64 (else float32), 2 missing-value bits, 4 the operator is
                        TreeEnsembleRegressor of ai.onnx.ml 3 (else TreeEnsemble of version 5),
                        8 thresholds are stored as float32 whatever the type, 16 each leaf has a
                        target of its own
    uvarint             number of targets; T; values a leaf V (1, or the number of targets)
    T uvarints          leaves of each tree
    T uvarints          target of each tree, where V = 1 and there are several targets; l of each
                        leaf instead where flagged
    ⌈n/8⌉ bytes         1 for a split, 0 for a leaf, trees one after the other, each breadth-first;
                        the first node in the lowest bit
    u8                  bytes of a feature index, 1 or 2; then i of them, in that node order
    uvarint F           number of features; F uvarints: distinct thresholds of each
    tables              the thresholds of feature 0, 1, …, each ascending: their bit patterns as
                        integers, each as the difference from the one before (modulo the width, the
                        first from 0), and the bytes of all these in planes, the lowest first
    u8                  bytes of a threshold code, 1, 2 or 3; then that many planes of i bytes, the
                        lowest first: a split's position in its feature's table, the splits of
                        feature 0 first, then those of feature 1, …, each in node order
    ⌈i/8⌉ bytes         where flagged: 1 where NaN goes left, by split
    u8                  leaf encoding: 0 raw, 1 affine
      raw               l · V values in the float type
      affine            T scales, T offsets as float32, then l · V bytes q:
                        value = offset + scale · q, scale and offset those of the leaf's tree

A split sends x left where x <= threshold. In breadth-first order the children of a tree's r-th
split are its nodes 2r + 1 (left) and 2r + 2 (right), so that no child index is stored (Jacobson,
"Space-efficient static trees and graphs", 1989).
"""

from __future__ import annotations

import numpy as np

from toolkit.runtime.pack.cursor import Cursor
from toolkit.runtime.pack.forest import MAX_LEVELS, Forest, checked

FLOAT64, MISSING, VERSION_3, SHORT_THRESHOLDS, LEAF_TARGETS = 1, 2, 4, 8, 16
RAW_LEAVES, AFFINE_LEAVES = 0, 1


def read(cursor: Cursor) -> Forest:
    """Return the ensemble at the cursor; CorruptArtifact where it is damaged or not a forest."""
    source, output = cursor.text(), cursor.text()
    flags = cursor.u8()
    if flags & ~(FLOAT64 | MISSING | VERSION_3 | SHORT_THRESHOLDS | LEAF_TARGETS):
        raise cursor.fail(f"tree ensemble with unknown flags {flags}")
    dtype = np.dtype("<f8" if flags & FLOAT64 else "<f4")
    targets, trees, width = cursor.uvarint(), cursor.uvarint(), cursor.uvarint()
    # A tree takes at least a byte below, a value too: a count is held against what is left.
    left = len(cursor.data) - cursor.at
    if not 0 < trees <= left or not 0 < targets <= 1 << 20 or width not in (1, targets):
        raise cursor.fail(f"{trees} trees of {targets} targets and {width} values a leaf")
    leaves = np.array([_count(cursor) for _ in range(trees)], dtype=np.int64)
    several = width == 1 and targets > 1
    count = int(leaves.sum()) if flags & LEAF_TARGETS else trees
    if count > len(cursor.data):  # a target takes a byte
        raise cursor.fail(f"{count} targets in {len(cursor.data)} bytes")
    named = [cursor.uvarint() if several else 0 for _ in range(count)]
    if (leaves < 1).any() or max(named) >= targets:
        raise cursor.fail("a tree without leaves or of an unknown target")
    target = np.array(named, dtype=np.int64)
    split = cursor.bits(int(2 * leaves.sum()) - trees)
    _check_shape(cursor, split, leaves)
    stored = np.dtype("<f4") if flags & SHORT_THRESHOLDS else dtype
    feature, threshold = _splits(cursor, int(split.sum()), stored)
    missing = cursor.bits(len(feature)) if flags & MISSING else np.zeros(len(feature), bool)
    values = _leaves(cursor, leaves, width, dtype)
    nodes = _level_order(cursor, split, leaves)
    inner = nodes[split[nodes]]
    rank, leaf_rank = (np.cumsum(split) - 1)[inner], (np.cumsum(~split) - 1)[nodes[~split[nodes]]]
    by_leaf = target if flags & LEAF_TARGETS else np.repeat(target, leaves)
    forest = Forest(
        source=source,
        output=output,
        form=3 if flags & VERSION_3 else 5,
        targets=targets,
        trees=trees,
        split=split[nodes],
        feature=feature[rank],
        threshold=threshold.astype(dtype, copy=False)[rank],
        missing_left=missing[rank],
        mode=np.zeros(len(rank), dtype=np.uint8),
        members=(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=dtype)),
        leaf=np.arange(len(leaf_rank)),
        values=values[leaf_rank],
        target=by_leaf[leaf_rank],
        turned=np.zeros(len(rank), dtype=bool),
    )
    return checked(cursor, forest)


def _count(cursor: Cursor) -> int:
    count = cursor.uvarint()
    if count > 8 * len(cursor.data):  # each leaf has a bit and a byte of its own further on
        raise cursor.fail(f"a tree of {count} leaves in {len(cursor.data)} bytes")
    return count


def _check_shape(cursor: Cursor, split: np.ndarray, leaves: np.ndarray) -> None:
    """Every tree must have its splits, and each node's parent must come before it."""
    sizes = 2 * leaves - 1
    starts = np.cumsum(sizes) - sizes
    before = np.cumsum(split) - split
    tree = np.repeat(np.arange(len(leaves)), sizes)
    local = np.arange(len(split)) - starts[tree]
    seen = before - before[starts][tree]
    ends = np.append(before[starts[1:]], split.sum()) - before[starts]
    if (ends != leaves - 1).any() or (seen[local > 0] <= (local[local > 0] - 1) // 2).any():
        raise cursor.fail("the structure bits of a tree are not those of a tree")


def _level_order(cursor: Cursor, split: np.ndarray, leaves: np.ndarray) -> np.ndarray:
    """Return the nodes, which are breadth-first tree by tree, in the level order of all trees."""
    sizes, before = 2 * leaves - 1, np.cumsum(split) - split
    starts = np.cumsum(sizes) - sizes
    first = np.repeat(starts - 2 * before[starts], sizes)
    level, levels = starts, []
    while len(level):
        levels.append(level)
        if len(levels) > MAX_LEVELS:
            raise cursor.fail(f"trees of more than {MAX_LEVELS} levels")
        inner = level[split[level]]
        left = first[inner] + 2 * before[inner] + 1
        level = np.stack([left, left + 1], axis=1).ravel()
    return np.concatenate(levels)


def _splits(cursor: Cursor, count: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    width = cursor.u8()
    if width not in (1, 2):
        raise cursor.fail(f"feature indices of {width} bytes")
    feature = cursor.array(np.dtype("u1" if width == 1 else "<u2"), count).astype(np.int64)
    features = cursor.uvarint()
    if features > len(cursor.data) - cursor.at:
        raise cursor.fail(f"thresholds of {features} features are declared")
    sizes = np.array([_count(cursor) for _ in range(features)], dtype=np.int64)
    tables = _tables(cursor, sizes, dtype)
    planes = cursor.u8()
    if planes not in (1, 2, 3):
        raise cursor.fail(f"threshold codes of {planes} bytes")
    grouped = _planes(cursor, count, planes)
    if count and feature.max() >= features:
        raise cursor.fail("a split names a feature that is not there")
    code = np.empty(count, dtype=np.int64)
    code[np.argsort(feature, kind="stable")] = grouped
    if count and (code >= sizes[feature]).any():
        raise cursor.fail("a split names a threshold that is not there")
    starts = np.cumsum(sizes) - sizes
    return feature, tables[starts[feature] + code] if count else np.zeros(0, dtype)


def _tables(cursor: Cursor, sizes: np.ndarray, dtype: np.dtype) -> np.ndarray:
    steps = _planes(cursor, int(sizes.sum()), dtype.itemsize).view(np.uint64)
    total = np.cumsum(steps, dtype=np.uint64)  # wraps, as the differences did
    starts = np.cumsum(sizes) - sizes
    before = np.concatenate([np.zeros(1, np.uint64), total])[starts]
    bits = total - np.repeat(before, sizes)
    return bits.astype(f"<u{dtype.itemsize}").view(dtype)


def _planes(cursor: Cursor, count: int, planes: int) -> np.ndarray:
    """Return int64 [count] from `planes` planes of bytes, the lowest first."""
    # All of them at once, before memory is taken for a count that the file may not have.
    stored = cursor.array(np.dtype("u1"), planes * count).reshape(planes, count)
    out = np.zeros(count, dtype=np.uint64)
    for plane, byte in enumerate(stored):
        out |= byte.astype(np.uint64) << np.uint64(8 * plane)
    return out.view(np.int64)


def _leaves(cursor: Cursor, leaves: np.ndarray, width: int, dtype: np.dtype) -> np.ndarray:
    total, encoding = int(leaves.sum()), cursor.u8()
    if encoding == RAW_LEAVES:
        return cursor.array(dtype, total * width).reshape(total, width)
    if encoding != AFFINE_LEAVES:
        raise cursor.fail(f"leaf encoding {encoding} is unknown")
    single = np.dtype("<f4")
    scale = cursor.array(single, len(leaves)).astype(dtype)
    offset = cursor.array(single, len(leaves)).astype(dtype)
    codes = cursor.array(np.dtype("u1"), total * width).reshape(total, width)
    tree = np.repeat(np.arange(len(leaves)), leaves)
    with np.errstate(all="ignore"):  # a hostile scale must not make numpy write to stderr
        return offset[tree, None] + scale[tree, None] * codes.astype(dtype)
