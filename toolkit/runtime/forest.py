"""Tree ensembles in packs: their streams decoded with numpy, written as an ONNX node.

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

from dataclasses import dataclass

import numpy as np

from toolkit.runtime import wire
from toolkit.runtime.attributes import choices, floats, integer, integers, tensor, text
from toolkit.runtime.cursor import Cursor

FLOAT64, MISSING, VERSION_3, SHORT_THRESHOLDS, LEAF_TARGETS = 1, 2, 4, 8, 16
RAW_LEAVES, AFFINE_LEAVES = 0, 1


@dataclass(frozen=True)
class Forest:
    """A decoded ensemble; trees one after the other, each breadth-first.

    leaves int64 [T]; target int64 [T], or [l] where a tree's leaves differ; split bool [n]; feature
    int64 [i]; threshold float [i]; missing_left bool [i]; values float [l, V]; targets: the number
    of outputs; form: 5 or 3, the version of ai.onnx.ml whose operator it is.
    """

    source: str
    output: str
    form: int
    targets: int
    leaves: np.ndarray
    target: np.ndarray
    split: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    values: np.ndarray

    def leaf_targets(self) -> np.ndarray:
        """Return each leaf's target, int64 [l]."""
        by_leaf = len(self.target) == self.leaves.sum()
        return self.target if by_leaf else np.repeat(self.target, self.leaves)

    def children(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the node index, over all trees, of each split's left and right child."""
        sizes = 2 * self.leaves - 1
        starts = np.cumsum(sizes) - sizes
        first = np.cumsum(self.leaves - 1) - (self.leaves - 1)
        tree = np.repeat(np.arange(len(self.leaves)), self.leaves - 1)
        left = starts[tree] + 2 * (np.arange(len(tree)) - first[tree]) + 1
        return left, left + 1


def read(cursor: Cursor) -> Forest:
    """Return the ensemble at the cursor; CorruptArtifact where it is damaged or not a forest."""
    source, output = _text(cursor), _text(cursor)
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
    split = _bits(cursor, int(2 * leaves.sum()) - trees)
    _check_shape(cursor, split, leaves)
    stored = np.dtype("<f4") if flags & SHORT_THRESHOLDS else dtype
    feature, threshold = _splits(cursor, int(split.sum()), stored)
    missing = _bits(cursor, len(feature)) if flags & MISSING else np.zeros(len(feature), bool)
    values = _leaves(cursor, leaves, width, dtype)
    form = 3 if flags & VERSION_3 else 5
    return Forest(
        source,
        output,
        form,
        targets,
        leaves,
        target,
        split,
        feature,
        threshold.astype(dtype, copy=False),
        missing,
        values,
    )


def to_node(forest: Forest) -> bytes:
    """Return the serialized NodeProto of the ensemble's operator."""
    return _to_v5(forest) if forest.form == 5 else _to_v3(forest)


def _text(cursor: Cursor) -> str:
    try:
        return bytes(cursor.take(cursor.uvarint())).decode()
    except UnicodeDecodeError:
        raise cursor.fail("the name of an ensemble's tensor is not UTF-8") from None


def _count(cursor: Cursor) -> int:
    count = cursor.uvarint()
    if count > 8 * len(cursor.data):  # each leaf has a bit and a byte of its own further on
        raise cursor.fail(f"a tree of {count} leaves in {len(cursor.data)} bytes")
    return count


def _bits(cursor: Cursor, count: int) -> np.ndarray:
    packed = cursor.array(np.dtype("u1"), (count + 7) // 8)
    return np.unpackbits(packed, count=count, bitorder="little").astype(bool)


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


def _to_v5(forest: Forest) -> bytes:
    """TreeEnsemble lists splits and leaves apart; a child's id counts within its own list."""
    left, right = forest.children()
    split = forest.split
    rank = np.where(split, np.cumsum(split) - 1, np.cumsum(~split) - 1)
    sizes = 2 * forest.leaves - 1
    roots = np.cumsum(sizes) - sizes
    attributes = [
        integer("n_targets", forest.targets),
        integer("aggregate_function", 1),
        integer("post_transform", 0),
        integers("tree_roots", rank[roots]),
        integers("nodes_featureids", forest.feature),
        integers("nodes_truenodeids", rank[left]),
        integers("nodes_trueleafs", ~split[left]),
        integers("nodes_falsenodeids", rank[right]),
        integers("nodes_falseleafs", ~split[right]),
        integers("leaf_targetids", forest.leaf_targets()),
        tensor("nodes_splits", forest.threshold),
        tensor("nodes_modes", np.zeros(len(left), dtype=np.uint8)),
        tensor("leaf_weights", forest.values[:, 0]),
    ]
    if forest.missing_left.any():
        attributes.append(integers("nodes_missing_value_tracks_true", forest.missing_left))
    return wire.node("TreeEnsemble", [forest.source], [forest.output], "ai.onnx.ml", attributes)


def _to_v3(forest: Forest) -> bytes:
    """TreeEnsembleRegressor lists all nodes by (tree, node) and each leaf's values by target."""
    left, right = forest.children()
    split, sizes = forest.split, 2 * forest.leaves - 1
    tree = np.repeat(np.arange(len(sizes)), sizes)
    start = (np.cumsum(sizes) - sizes)[tree]
    local = np.arange(len(split)) - start
    width = forest.values.shape[1]
    leaf = np.flatnonzero(~split)
    double = forest.values.dtype.itemsize == 8
    targets = np.tile(np.arange(width), len(leaf)) if width > 1 else forest.leaf_targets()
    threshold = _everywhere(forest.threshold, split)
    attributes = [
        integer("n_targets", forest.targets),
        text("aggregate_function", "SUM"),
        text("post_transform", "NONE"),
        integers("nodes_treeids", tree),
        integers("nodes_nodeids", local),
        integers("nodes_featureids", _everywhere(forest.feature, split)),
        integers("nodes_truenodeids", _everywhere(left - start[split], split)),
        integers("nodes_falsenodeids", _everywhere(right - start[split], split)),
        choices("nodes_modes", ("LEAF", "BRANCH_LEQ"), split.astype(int)),
        integers("target_treeids", np.repeat(tree[leaf], width)),
        integers("target_nodeids", np.repeat(local[leaf], width)),
        integers("target_ids", targets),
    ]
    if forest.missing_left.any():
        tracks = _everywhere(forest.missing_left, split)
        attributes.append(integers("nodes_missing_value_tracks_true", tracks))
    if double:
        attributes += [
            tensor("nodes_values_as_tensor", threshold),
            tensor("target_weights_as_tensor", forest.values.ravel()),
        ]
    else:
        attributes += [
            floats("nodes_values", threshold),
            floats("target_weights", forest.values.ravel()),
        ]
    source, output = [forest.source], [forest.output]
    return wire.node("TreeEnsembleRegressor", source, output, "ai.onnx.ml", attributes)


def _everywhere(values: np.ndarray, split: np.ndarray) -> np.ndarray:
    """Return values [splits] laid out over all nodes, 0 at the leaves."""
    out = np.zeros(len(split), dtype=values.dtype)
    out[split] = values
    return out
