"""Tree ensembles as the streams of a pack: the reader, and their description.

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

import numpy as np

from toolkit.runtime.pack.cursor import Cursor
from toolkit.runtime.pack.forest import (
    LEQ,
    MEMBER,
    MODES,
    Forest,
    checked,
    level_starts,
    subtree_leaves,
)
from toolkit.runtime.pack.forest.leaves import with_leaves
from toolkit.runtime.pack.forest.numbers import integers
from toolkit.runtime.pack.forest.thresholds import read_categories, read_thresholds

FLOAT64, MISSING, VERSION_3, SHORT_THRESHOLDS, LEAF_TARGETS, OTHER_MODES, MORE, TURNED = (
    1 << b for b in range(8)
)


def read(cursor: Cursor) -> Forest:
    """Return the ensemble at the cursor; CorruptArtifact where it is damaged or not a forest."""
    source, output = cursor.text(), cursor.text()
    flags = cursor.u8()
    more = bytes(cursor.take(cursor.uvarint())) if flags & MORE else b""
    dtype = np.dtype("<f8" if flags & FLOAT64 else "<f4")
    targets, trees, width, nodes = (cursor.uvarint() for _ in range(4))
    if not (0 < trees <= nodes <= 8 * (len(cursor.data) - cursor.at)) or width not in (1, targets):
        raise cursor.fail(f"{trees} trees of {nodes} nodes with {width} values a leaf")
    if not 0 < targets <= 1 << 20:
        raise cursor.fail(f"an ensemble of {targets} targets")
    split, starts = _structure(cursor, nodes, trees)
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
    members = read_categories(cursor, int((mode == MEMBER).sum()), dtype)
    stored = np.dtype("<f4") if flags & SHORT_THRESHOLDS else dtype
    threshold = read_thresholds(cursor, split, starts, feature, mode, stored)
    missing = np.zeros(splits, dtype=bool)
    order = missing_order(split, starts) if flags & (MISSING | TURNED) else np.arange(0)
    if flags & MISSING:
        missing[order] = cursor.bits(splits)
    turned, columns = np.zeros(splits, dtype=bool), 0
    if flags & TURNED:
        columns = cursor.uvarint()
        turned = missing.copy()
        turned[order] ^= cursor.bits(splits)
        _check_turned(cursor, columns, feature, mode[turned])
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
    return checked(cursor, with_leaves(cursor, partial, named))


def _structure(cursor: Cursor, nodes: int, trees: int) -> tuple[np.ndarray, list[int]]:
    """Return (which nodes are splits, the first node of each level and at last their number)."""
    split = cursor.bits(nodes)
    try:
        return split, level_starts(split, trees)
    except ValueError as error:
        raise cursor.fail(f"the structure bits of an ensemble are not its: {error}") from None


def _check_turned(cursor: Cursor, columns: int, feature: np.ndarray, mode: np.ndarray) -> None:
    """Refuse turned splits, whose modes are `mode`, on so many columns of x."""
    if not 0 < columns < 1 << 31 or (mode != LEQ).any():
        raise cursor.fail(f"turned splits on {columns} columns, or not of <=")
    if int(feature.max(initial=0)) >= columns:
        raise cursor.fail(f"a split of the feature {feature.max()}, there are {columns}")


def missing_order(split: np.ndarray, starts: list[int]) -> np.ndarray:
    """Return the splits in the order in which their missing-value bits are stored, int64 [i].

    NaN mostly goes to the larger side, so that bits of one kind come together.
    """
    trees = starts[1]
    below = subtree_leaves(split, starts)[trees:].reshape(-1, 2)
    left, right = below[:, 0], below[:, 1]
    key = (64 * left) // (left + right) + (left > right)
    return np.argsort(key.astype(np.uint8), kind="stable")
