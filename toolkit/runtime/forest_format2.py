"""Tree ensembles of pack format 2: the reader, and the description of their streams.

An ensemble of T trees, n nodes, i splits and l leaves has all its nodes in level order: the roots
of all trees, then their children from left to right, then the children of these, and so on. The
children of split r (counted from 0 in that order) are the nodes T + 2r (left) and T + 2r + 1. No
index of a child is stored, and the levels follow from the structure bits.

Numbers are little-endian; `uvarint` as in `pack`; `integers[k]` is a u8 p (0 to 4), then p planes
of k bytes, the lowest bytes first: the k unsigned integers, all 0 where p is 0. Bits lie eight a
byte, the first in the lowest bit. "The float type" is float64 where flagged, else float32.

    uvarint + bytes     name of the input tensor, then of the output tensor (UTF-8)
    u8                  flags: 1 float64, 2 missing-value bits, 4 the operator is
                        TreeEnsembleRegressor of ai.onnx.ml 3 (else TreeEnsemble of version 5),
                        8 thresholds are stored as float32 whatever the type, 16 a target a leaf
                        (else a tree), 32 splits other than x <= threshold, 64 further attributes,
                        128 turned splits
    uvarint + bytes     where flagged: these attributes, as serialized fields of a NodeProto (else
                        the values are summed, and nothing is done to the sum)
    uvarint             number of targets; T; values a leaf V (1, or the number of targets); n
    bits[n]             1 for a split, 0 for a leaf
    integers[T or l]    the target of each tree or leaf, where V = 1 and there are several targets
    integers[i]         the feature of each split
    u8[i]               where flagged: the mode of each split, as ai.onnx.ml 5 numbers them
    categories          where a mode is 6 (MEMBER, m splits): integers[m], how many categories each
                        has; uvarint D, D numbers in the float type; integers of the sum of those
                        counts: which of the D numbers each category is
    uvarint F           number of features; integers[F], the distinct thresholds of each (of its
                        splits other than MEMBER)
    u8[F]               the kind of each feature's table: 0 bit patterns, k in 1 … 9 decimals
    tables 0            the tables of kind 0, one after the other, each ascending: the thresholds'
                        bit patterns as integers, each as the difference from the one before (modulo
                        the width, the first of a table from 0), all these in planes of bytes, one
                        plane for each byte of the type
    tables 1 … 9        differences of integers a (each from the one before, modulo 2³², the first
                        of a table from 0) in 4 planes, then a signed byte c each: the threshold is
                        the number of the type nearest to a / (2 · 10^(k − 1)) (a as int32, divided
                        in float64), with c added to its bit pattern
    codes               a split's threshold as its place in its feature's table (below)
    bits[i]             where flagged: 1 where NaN goes left, the splits sorted (stably) by
                        ⌊64 a / (a + b)⌋ + (1 if a > b else 0) with a and b the leaves below its
                        left and right child
    turned              where flagged: uvarint w ≥ 1, then bits[i] in the order of those: 1 where a
                        split is turned and NaN does not go left, or the other way round
    leaves              u8, then (below)

Turned splits: the input of the node is `Concat(x, −x)` of a tensor x [N, w], and a turned split of
the feature f and the threshold t is to be written as one of the feature w + f with the threshold
−nextabove(t) (the next larger number of the float type, negated), its two children exchanged and
its missing-value bit inverted. That says the same; onnxruntime runs it faster where the left child
is the more frequent one. Only a split of mode 0 (<=) may be turned, and features are below w.

Codes: u8 0, 1, or 2.
  0 planes       integers[i']: the splits of feature 0 first, then those of feature 1, …, each in
                 level order (i' = i without the MEMBER splits)
  1, 2 cells     uvarint B, then B bytes, a string of bits, the first in the lowest bit. A code is
                 given within the cell that the splits above leave to it: each node has, for each
                 feature, bounds 0 ≤ low ≤ high, at a root 0 and the table's size. A split with code
                 q of that feature leaves to its left child high = q (2: q + 1), to its right child
                 low = q + 1 (2: q). Level by level, the splits of a level are taken by fours (the
                 last ones of a level as they are): with m = high − low and r = q − low of each,
                 the number r₀ + m₀ (r₁ + m₁ (r₂ + m₂ r₃)) takes as many bits as the largest of its
                 kind, m₀m₁m₂m₃ − 1, has: 0 to 64. Only where every table has fewer than 2¹⁶
                 thresholds, no split is of another mode than <=, and no level has more than 2²³
                 bounds (nodes times features).

Leaves: u8 0, 1 or 2.
  0 raw          uvarint d, d rows of V values in the float type, integers[l]: the row of each leaf
  1, 2 steps     for each target an offset, then for each a step, both float32; integers[T] (1) or
                 integers[targets] (2), the zigzag codes of `low`; integers[l · V], q. The value is
                 offset + step · (low + q), computed in float64 without fused multiply-add, rounded
                 to the float type; offset and step of its target, low of its tree (1) or target (2)

A reader refuses: names that are not UTF-8; unknown flags; structure bits that are not T trees of at
most 16,384 levels; features, targets, codes, places or modes out of range; what ends before it is
complete. It takes no memory for a count that the bytes left cannot hold.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toolkit.runtime.cursor import Cursor
from toolkit.runtime.forest import (
    LEQ,
    MEMBER,
    MODES,
    Forest,
    checked,
    level_starts,
    subtree_leaves,
)
from toolkit.runtime.forest_cells import read_cells

FLOAT64, MISSING, VERSION_3, SHORT_THRESHOLDS, LEAF_TARGETS, OTHER_MODES, MORE, TURNED = (
    1 << b for b in range(8)
)
PLANES, CELLS, OPEN_CELLS = 0, 1, 2
RAW_LEAVES, TREE_STEPS, TARGET_STEPS = 0, 1, 2
DECIMALS = 9


def read(cursor: Cursor) -> Forest:
    """Return the ensemble at the cursor; CorruptArtifact where it is damaged or not a forest."""
    source, output = _text(cursor), _text(cursor)
    flags = cursor.u8()
    more = bytes(cursor.take(cursor.uvarint())) if flags & MORE else b""
    dtype = np.dtype("<f8" if flags & FLOAT64 else "<f4")
    targets, trees, width, nodes = (cursor.uvarint() for _ in range(4))
    if not (0 < trees <= nodes <= 8 * (len(cursor.data) - cursor.at)) or width not in (1, targets):
        raise cursor.fail(f"{trees} trees of {nodes} nodes with {width} values a leaf")
    if not 0 < targets <= 1 << 20:
        raise cursor.fail(f"an ensemble of {targets} targets")
    split = bits(cursor, nodes)
    try:
        starts = level_starts(split, trees)
    except ValueError as error:
        raise cursor.fail(f"the structure bits of an ensemble are not its: {error}") from None
    splits = int(split.sum())
    several = width == 1 and targets > 1
    count = nodes - splits if flags & LEAF_TARGETS else trees
    named = integers(cursor, count) if several else np.zeros(count, dtype=np.uint32)
    if int(named.max()) >= targets:
        raise cursor.fail(f"a tree of the target {named.max()}, there are {targets}")
    feature = integers(cursor, splits)
    mode = np.zeros(splits, dtype=np.uint8)
    if flags & OTHER_MODES:
        mode = cursor.array(np.dtype("u1"), splits)
    if mode.max(initial=0) >= len(MODES):
        raise cursor.fail(f"a split of the unknown mode {mode.max()}")
    members = _categories(cursor, int((mode == MEMBER).sum()), dtype)
    stored = np.dtype("<f4") if flags & SHORT_THRESHOLDS else dtype
    threshold = _thresholds(cursor, split, starts, feature, mode, stored)
    missing = np.zeros(splits, dtype=bool)
    if flags & MISSING:
        missing[missing_order(split, starts)] = bits(cursor, splits)
    turned, columns = np.zeros(splits, dtype=bool), 0
    if flags & TURNED:
        turned, columns = _turned(cursor, split, starts, missing)
        if not 0 < columns < 1 << 31 or (mode[turned] != LEQ).any():
            raise cursor.fail(f"turned splits on {columns} columns, or not of <=")
        if int(feature.max(initial=0)) >= columns:
            raise cursor.fail(f"a split of the feature {feature.max()}, there are {columns}")
    partial = Forest(
        source=source,
        output=output,
        form=3 if flags & VERSION_3 else 5,
        targets=targets,
        trees=trees,
        split=split,
        feature=feature,
        threshold=threshold.astype(dtype, copy=False),
        missing_left=missing,
        mode=mode,
        members=members,
        leaf=np.zeros(0, dtype=np.int64),
        values=np.zeros((0, width), dtype=dtype),
        target=np.zeros(0, dtype=np.int64),
        turned=turned,
        width=columns,
        more=more,
    )
    return checked(cursor, _with_leaves(cursor, partial, named))


def integers(cursor: Cursor, count: int) -> np.ndarray:
    """Return `integers[count]` of the format, uint8, uint16 or uint32 [count]."""
    planes = cursor.u8()
    if planes > 4:
        raise cursor.fail(f"integers of {planes} bytes")
    if planes == 0:
        # No bytes stand behind these zeros; the caller's count is of things that have some.
        return np.zeros(count, dtype=np.uint8)
    stored = cursor.array(np.dtype("u1"), planes * count).reshape(planes, count)
    if planes == 1:
        return stored[0]
    found = np.zeros((count, 2 if planes == 2 else 4), dtype=np.uint8)
    for plane, byte in enumerate(stored):
        found[:, plane] = byte
    return found.view("<u2" if planes == 2 else "<u4")[:, 0]


def bits(cursor: Cursor, count: int) -> np.ndarray:
    """Return `bits[count]` of the format, bool [count]."""
    packed = cursor.array(np.dtype("u1"), (count + 7) // 8)
    return np.unpackbits(packed, count=count, bitorder="little").view(bool)


def missing_order(split: np.ndarray, starts: list[int]) -> np.ndarray:
    """Return the splits in the order in which their missing-value bits are stored, int64 [i].

    NaN mostly goes to the larger side, so that bits of one kind come together.
    """
    trees = starts[1]
    below = subtree_leaves(split, starts)[trees:].reshape(-1, 2)
    left, right = below[:, 0], below[:, 1]
    key = (64 * left) // (left + right) + (left > right)
    return np.argsort(key.astype(np.uint8), kind="stable")


def _turned(
    cursor: Cursor, split: np.ndarray, starts: list[int], missing: np.ndarray
) -> tuple[np.ndarray, int]:
    """Return (which splits are turned, the columns of x)."""
    columns = cursor.uvarint()
    turned = missing.copy()
    turned[missing_order(split, starts)] ^= bits(cursor, len(missing))
    return turned, columns


def decimal(whole: np.ndarray, kind: int, dtype: np.dtype) -> np.ndarray:
    """Return the bit patterns, unsigned, of the numbers nearest to whole / (2 · 10^(kind − 1))."""
    nearest = (whole.astype(np.float64) / (2.0 * 10.0 ** (kind - 1))).astype(dtype)
    return nearest.view(f"<u{dtype.itemsize}")


def _text(cursor: Cursor) -> str:
    try:
        return bytes(cursor.take(cursor.uvarint())).decode()
    except UnicodeDecodeError:
        raise cursor.fail("the name of an ensemble's tensor is not UTF-8") from None


def _categories(cursor: Cursor, splits: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    if not splits:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=dtype)
    counts = integers(cursor, splits).astype(np.int64)
    total, distinct = int(counts.sum()), cursor.uvarint()
    known = cursor.array(dtype, distinct)
    if total > len(cursor.data):
        raise cursor.fail(f"{total} categories in {len(cursor.data)} bytes")
    which = integers(cursor, total)
    if total and int(which.max()) >= distinct:
        raise cursor.fail(f"the category {which.max()}, there are {distinct}")
    return counts, known[which]


def _thresholds(
    cursor: Cursor,
    split: np.ndarray,
    starts: list[int],
    feature: np.ndarray,
    mode: np.ndarray,
    dtype: np.dtype,
) -> np.ndarray:
    """Return each split's threshold [i], NaN where it is by categories."""
    features = cursor.uvarint()
    if features > len(cursor.data) - cursor.at:
        raise cursor.fail(f"thresholds of {features} features are declared")
    if len(feature) and int(feature.max()) >= features:
        raise cursor.fail(f"a split of the feature {feature.max()}, there are {features}")
    sizes = integers(cursor, features).astype(np.int64)
    if int(sizes.sum()) > len(cursor.data):
        raise cursor.fail(f"{sizes.sum()} thresholds in {len(cursor.data)} bytes")
    table = _tables(cursor, sizes, dtype)
    how = cursor.u8()
    if how not in (PLANES, CELLS, OPEN_CELLS) or (how != PLANES and mode.any()):
        raise cursor.fail(f"threshold codes of the unknown kind {how}")
    first = np.cumsum(sizes) - sizes
    threshold = np.full(len(feature), np.nan, dtype=dtype)
    if how != PLANES:
        code = read_cells(cursor, split, starts, feature, sizes, how == OPEN_CELLS)
        return table[first[feature] + code] if len(code) else threshold
    compared = np.flatnonzero(mode != MEMBER)
    order = compared[np.argsort(feature[compared], kind="stable")]
    code = integers(cursor, len(order)).astype(np.int64)
    if (code >= sizes[feature[order]]).any():
        raise cursor.fail("a split names a threshold that is not there")
    threshold[order] = table[first[feature[order]] + code]
    return threshold


def _tables(cursor: Cursor, sizes: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return the thresholds of all features one after the other."""
    kinds = cursor.array(np.dtype("u1"), len(sizes))
    if kinds.max(initial=0) > DECIMALS:
        raise cursor.fail(f"a threshold table of the unknown kind {kinds.max()}")
    kind = np.repeat(kinds, sizes)
    out = np.zeros(len(kind), dtype=f"<u{dtype.itemsize}")
    plain = kinds == 0
    out[kind == 0] = _summed(cursor, sizes[plain], dtype.itemsize)
    if not plain.all():
        whole = _summed(cursor, sizes[~plain], 4).view("<i4")
        moved = cursor.array(np.dtype("i1"), len(whole)).astype(out.dtype)
        for k in np.unique(kinds[~plain]).tolist():
            mine = kind[kind > 0] == k
            out[kind == k] = decimal(whole[mine], k, dtype) + moved[mine]
    return out.view(dtype)


def _summed(cursor: Cursor, sizes: np.ndarray, planes: int) -> np.ndarray:
    """Return the sums, within each table, of unsigned differences of so many bytes."""
    count = int(sizes.sum())
    stored = cursor.array(np.dtype("u1"), planes * count).reshape(planes, count)
    steps = np.ascontiguousarray(stored.T).view(f"<u{planes}").ravel()
    total = np.cumsum(steps, dtype=steps.dtype)  # wraps, as the differences did
    before = np.concatenate([np.zeros(1, steps.dtype), total])[np.cumsum(sizes) - sizes]
    return total - np.repeat(before, sizes)


def _with_leaves(cursor: Cursor, forest: Forest, named: np.ndarray) -> Forest:
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
        key, leaf = np.unique(code, return_inverse=True)
        if top > 1:
            pairs, leaf = np.unique(leaf * top + target, return_inverse=True)
            return leaf, pairs % top, key[pairs // top]
        return leaf, np.zeros(len(key), dtype=np.int64), key
    pair = (code - low) * top + target if top > 1 else code - low
    used = np.zeros(span * top, dtype=bool)
    used[pair] = True
    place = np.cumsum(used, dtype=np.int32) - 1
    key = np.flatnonzero(used)
    return place[pair], key % top, key // top + low
