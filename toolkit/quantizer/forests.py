"""Tree ensembles of a graph as the streams that a pack stores.

The layout is described in `toolkit.runtime.forest`, which reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import onnx
from onnx import helper, numpy_helper

from toolkit.quantizer.methods import NotApplicable
from toolkit.runtime import wire
from toolkit.runtime.attributes import packed
from toolkit.runtime.forest import (
    AFFINE_LEAVES,
    FLOAT64,
    LEAF_TARGETS,
    MISSING,
    RAW_LEAVES,
    SHORT_THRESHOLDS,
    VERSION_3,
    Forest,
)

OPERATORS = ("TreeEnsemble", "TreeEnsembleRegressor")


@dataclass(frozen=True)
class Leaves:
    """Leaf values as uint8 codes [l, V] with a scale and an offset a tree (formula in `forest`).

    codes uint8 [l, V]; scale and offset float32 [T]; dtype: the float type of the values.
    """

    codes: np.ndarray
    scale: np.ndarray
    offset: np.ndarray
    dtype: np.dtype

    def decode(self, leaves: np.ndarray) -> np.ndarray:
        """Return the values [l, V] that a reader will see; leaves: their number by tree."""
        tree = np.repeat(np.arange(len(leaves)), leaves)
        offset, scale = self.offset.astype(self.dtype), self.scale.astype(self.dtype)
        return offset[tree, None] + scale[tree, None] * self.codes.astype(self.dtype)


def find_forests(model: onnx.ModelProto) -> list[Forest]:
    """Return the graph's tree ensembles, breadth-first, in the order of their nodes.

    Raises NotApplicable where one has splits that a pack cannot hold.
    """
    readers = {"TreeEnsemble": _read_v5, "TreeEnsembleRegressor": _read_v3}
    nodes = [n for n in model.graph.node if n.op_type in readers]
    return [readers[n.op_type](n) for n in nodes]


def positions(model: onnx.ModelProto) -> set[str]:
    """Return the tensors that become integers: trees that give positions must give them exactly."""
    casts = [n for n in model.graph.node if n.op_type == "Cast"]
    integers = {onnx.TensorProto.INT64, onnx.TensorProto.INT32}
    return {n.input[0] for n in casts if n.attribute[0].i in integers}


def encode_leaves(forest: Forest, rows: np.ndarray, levels: int = 256) -> Leaves:
    """Return uint8 leaf codes, each tree's offset corrected for the bias on `rows` [N, features].

    `scale = (max − min) / (levels − 1)` over a tree's leaves, codes rounded to the nearest; in a
    compressed file fewer levels take less. The offset takes up the mean over the rows of what the
    rounding lost, so that the sum over all trees stays unbiased (with one value a leaf; class
    shares keep their sum instead).
    """
    values, dtype = forest.values.astype(np.float64), forest.values.dtype
    starts = np.cumsum(forest.leaves) - forest.leaves
    low = np.minimum.reduceat(values.min(axis=1), starts)
    high = np.maximum.reduceat(values.max(axis=1), starts)
    # Whole numbers (votes, or the positions of leaves in a table) are coded as they are.
    whole = np.logical_and.reduceat((values == np.rint(values)).all(axis=1), starts)
    exact = (high == low) | (whole & (high - low <= levels - 1))
    scale = np.where(exact, 1.0, (high - low) / (levels - 1)).astype(np.float32)
    tree = np.repeat(np.arange(len(forest.leaves)), forest.leaves)
    steps = (values - low[tree, None]) / scale[tree, None].astype(np.float64)
    codes = np.clip(np.rint(steps), 0, 255).astype(np.uint8)
    leaves = Leaves(codes, scale, low.astype(np.float32), dtype)
    if values.shape[1] > 1 or not len(rows):
        return leaves
    lost = (values - leaves.decode(forest.leaves))[:, 0]
    bias = lost[reached(forest, rows)].mean(axis=0)
    return replace(leaves, offset=(low + bias).astype(np.float32))


def with_short_thresholds(forest: Forest) -> Forest:
    """Return the forest with thresholds that float32 can hold: the smallest not below each.

    A forest that compares in float64 (histogram gradient boosting) often has a data value itself
    for a threshold, and sends it left; so it must not be rounded down, not even to the nearest. A
    value changes sides only if it lies above a threshold by less than one float32 ulp.
    """
    with np.errstate(over="ignore"):
        nearest = forest.threshold.astype(np.float32)
    above = np.nextafter(nearest, np.float32(np.inf))
    short = np.where(nearest < forest.threshold, above, nearest)
    return replace(forest, threshold=short.astype(forest.threshold.dtype))


def streams(forest: Forest, leaves: Leaves | None) -> list[bytes]:
    """Return the streams of an ensemble in their order; leaves: codes, None for exact values."""
    dtype = forest.values.dtype
    flags = FLOAT64 * (dtype.itemsize == 8) | MISSING * bool(forest.missing_left.any())
    flags |= VERSION_3 * (forest.form == 3)
    flags |= SHORT_THRESHOLDS * bool(
        (forest.threshold.astype(np.float32) == forest.threshold).all()
    )
    flags |= LEAF_TARGETS * (len(forest.target) > len(forest.leaves))
    width = forest.values.shape[1]
    several = width == 1 and forest.targets > 1
    return [
        _text(forest.source),
        _text(forest.output),
        bytes([flags]),
        packed(np.array([forest.targets, len(forest.leaves), width])),
        packed(forest.leaves),
        packed(forest.target) if several else b"",
        _bits(forest.split),
        *_split_streams(forest, np.dtype("<f4") if flags & SHORT_THRESHOLDS else dtype),
        _bits(forest.missing_left) if flags & MISSING else b"",
        *_leaf_streams(forest, leaves),
    ]


def _text(text: str) -> bytes:
    return wire.varint(len(text.encode())) + text.encode()


def _bits(flags: np.ndarray) -> bytes:
    return np.packbits(flags, bitorder="little").tobytes()


def _split_streams(forest: Forest, dtype: np.dtype) -> Iterator[bytes]:
    features = int(forest.feature.max(initial=-1)) + 1
    if features > 1 << 16:
        raise NotApplicable(f"the trees use {features} features, a pack holds 65,536")
    yield bytes([1 if features <= 256 else 2])
    yield forest.feature.astype("u1" if features <= 256 else "<u2").tobytes()
    tables = [np.unique(forest.threshold[forest.feature == f]) for f in range(features)]
    yield wire.varint(features) + packed(np.array([len(t) for t in tables]))
    yield from _table_planes([t.astype(dtype) for t in tables], dtype)
    codes = [
        np.searchsorted(table, forest.threshold[forest.feature == f])
        for f, table in enumerate(tables)
    ]
    largest = max((len(t) for t in tables), default=1)
    planes = 1 if largest <= 1 << 8 else 2 if largest <= 1 << 16 else 3
    yield bytes([planes])
    yield from _planes(np.concatenate(codes) if codes else np.zeros(0, np.int64), planes)


def _table_planes(tables: list[np.ndarray], dtype: np.dtype) -> Iterator[bytes]:
    bits = [t.view(f"<u{dtype.itemsize}").astype(np.uint64) for t in tables]
    steps = [np.diff(b, prepend=np.zeros(1, np.uint64)) for b in bits]
    yield from _planes(np.concatenate([*steps, np.zeros(0, np.uint64)]), dtype.itemsize)


def _planes(values: np.ndarray, planes: int) -> Iterator[bytes]:
    for plane in range(planes):
        yield (values.astype(np.uint64) >> np.uint64(8 * plane)).astype(np.uint8).tobytes()


def _leaf_streams(forest: Forest, leaves: Leaves | None) -> Iterator[bytes]:
    if leaves is None:
        yield bytes([RAW_LEAVES])
        yield np.ascontiguousarray(forest.values).tobytes()
    else:
        yield bytes([AFFINE_LEAVES])
        yield from (leaves.scale.tobytes(), leaves.offset.tobytes(), leaves.codes.tobytes())


def reached(forest: Forest, rows: np.ndarray) -> np.ndarray:
    """Return the leaf that each row reaches in each tree, int64 [N, T], counted over all leaves."""
    left, right = forest.children()
    rank = np.cumsum(forest.split) - 1
    sizes = 2 * forest.leaves - 1
    at = np.repeat((np.cumsum(sizes) - sizes)[None], len(rows), axis=0)
    row = np.repeat(np.arange(len(rows))[:, None], len(sizes), axis=1)
    while True:
        moving = forest.split[at]
        if not moving.any():
            return np.cumsum(~forest.split)[at] - 1
        s = rank[at[moving]]
        x = rows[row[moving], forest.feature[s]]
        goes_left = np.where(np.isnan(x), forest.missing_left[s], x <= forest.threshold[s])
        at[moving] = np.where(goes_left, left[s], right[s])


def _attributes(node: onnx.NodeProto) -> dict[str, np.ndarray]:
    values = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    return {
        k: numpy_helper.to_array(v) if isinstance(v, onnx.TensorProto) else np.asarray(v)
        for k, v in values.items()
    }


def _read_v5(node: onnx.NodeProto) -> Forest:
    a = _attributes(node)
    if (a["nodes_modes"] != 0).any() or int(a["aggregate_function"]) != 1:
        raise NotApplicable("the trees have splits other than <=, which packs do not hold")
    splits = len(a["nodes_splits"])
    # One numbering for all nodes: splits as they are, leaves behind them.
    left = a["nodes_truenodeids"] + np.where(a["nodes_trueleafs"] != 0, splits, 0)
    right = a["nodes_falsenodeids"] + np.where(a["nodes_falseleafs"] != 0, splits, 0)
    order, tree = _breadth_first(left, right, a["tree_roots"], splits)
    split = order < splits
    leaf = order[~split] - splits
    missing = a.get("nodes_missing_value_tracks_true", np.zeros(splits))
    counts = np.bincount(tree[~split], minlength=len(a["tree_roots"]))
    firsts = np.cumsum(counts) - counts
    target = a["leaf_targetids"][leaf]
    if (target == np.repeat(target[firsts], counts)).all():
        target = target[firsts]
    return Forest(
        source=node.input[0],
        output=node.output[0],
        form=5,
        targets=int(a["n_targets"]),
        leaves=counts,
        target=target,
        split=split,
        feature=a["nodes_featureids"][order[split]],
        threshold=a["nodes_splits"][order[split]],
        missing_left=missing[order[split]].astype(bool),
        values=a["leaf_weights"][leaf][:, None],
    )


def _read_v3(node: onnx.NodeProto) -> Forest:
    a = _attributes(node)
    modes = a["nodes_modes"]
    if not np.isin(modes, [b"BRANCH_LEQ", b"LEAF"]).all() or "base_values" in a:
        raise NotApplicable("the trees have splits other than <=, which packs do not hold")
    trees, starts = np.unique(a["nodes_treeids"], return_index=True)
    at = starts[np.searchsorted(trees, a["nodes_treeids"])]
    left, right = a["nodes_truenodeids"] + at, a["nodes_falsenodeids"] + at
    is_leaf = modes == b"LEAF"
    order, tree = _breadth_first(left, right, starts, is_leaf)
    split = ~is_leaf[order]
    width = int(a["n_targets"])
    weights = a.get("target_weights_as_tensor", a.get("target_weights"))
    dtype = np.float64 if "target_weights_as_tensor" in a else np.float32
    values = np.zeros((len(modes), width), dtype=dtype)
    where = starts[np.searchsorted(trees, a["target_treeids"])] + a["target_nodeids"]
    values[where, a["target_ids"]] = weights
    threshold = a.get("nodes_values_as_tensor", a.get("nodes_values"))
    missing = a.get("nodes_missing_value_tracks_true", np.zeros(len(modes)))
    return Forest(
        source=node.input[0],
        output=node.output[0],
        form=3,
        targets=width,
        leaves=np.bincount(tree[~split], minlength=len(trees)),
        target=np.zeros(len(trees), dtype=np.int64),
        split=split,
        feature=a["nodes_featureids"][order[split]],
        threshold=np.asarray(threshold)[order[split]].astype(dtype),
        missing_left=missing[order[split]].astype(bool),
        values=values[order[~split]],
    )


def _breadth_first(
    left: np.ndarray, right: np.ndarray, roots: np.ndarray, leaf: int | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return (nodes in breadth-first order, tree by tree; the tree of each).

    leaf: from which node on all are leaves, or a flag for each node.
    """
    nodes, trees = np.asarray(roots), np.arange(len(roots))
    levels = []
    while len(nodes):
        levels.append((nodes, trees))
        inner = nodes < leaf if isinstance(leaf, int) else ~leaf[nodes]
        parents = nodes[inner]
        nodes = np.stack([left[parents], right[parents]], axis=1).ravel()
        trees = np.repeat(trees[inner], 2)
    order = np.concatenate([n for n, _ in levels])
    tree = np.concatenate([t for _, t in levels])
    by_tree = np.argsort(tree, kind="stable")
    return order[by_tree], tree[by_tree]
