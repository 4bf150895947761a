"""Tree ensembles written as ONNX nodes."""

from __future__ import annotations

import numpy as np

from toolkit.runtime import wire
from toolkit.runtime.attributes import choices, floats, integer, quick_integers, tensor, text
from toolkit.runtime.pack.forest import MEMBER, MODES, Forest

SUM = (
    integer("aggregate_function", 1) + integer("post_transform", 0),
    text("aggregate_function", "SUM") + text("post_transform", "NONE"),
)


def to_node(forest: Forest) -> bytes:
    """Return the serialized NodeProto of the ensemble's operator."""
    name, attributes = (
        ("TreeEnsemble", _newer(forest))
        if forest.form == 5
        else ("TreeEnsembleRegressor", _older(forest))
    )
    attributes.append(forest.more or SUM[forest.form == 3])
    return wire.node(name, [forest.source], [forest.output], "ai.onnx.ml", attributes)


def _written(forest: Forest) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return feature, threshold and missing_left of the splits as the node has them, [i] each."""
    turned = forest.turned
    if not turned.any():
        return forest.feature, forest.threshold, forest.missing_left
    threshold = forest.threshold.copy()
    up = threshold.dtype.type(np.inf)
    with np.errstate(all="ignore"):  # a hostile threshold must not make numpy write to stderr
        threshold[turned] = -np.nextafter(threshold[turned], up)
    feature = forest.feature + np.where(turned, forest.width, 0)
    return feature, threshold, forest.missing_left ^ turned


def twinned(ids: np.ndarray, leaf: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return children's ids that differ below each root, and the rows of leaves to be appended.

    ids: each root's true and false child, [T, 2]; leaf: which of them are rows of leaves (else
    splits), of which there are `rows`.

    onnxruntime up to 1.23 takes a root for a single leaf where its children's ids are equal, though
    one may count splits and the other leaves; and up to 1.29 a single leaf that is written as two
    equal children is the row of leaves with the root's number. So the leaf that bears its sibling's
    id gets a twin: a copy of its row behind all others, with a number that no sibling has.
    """
    equal = np.flatnonzero((ids[:, 0] == ids[:, 1]) & leaf.any(axis=1))
    side = leaf[equal, 1].astype(np.int64)  # the false child, where that is a leaf
    twins, which = np.unique(ids[equal, side], return_inverse=True)
    ids = ids.copy()
    ids[equal, side] = rows + which
    return ids, twins


def _newer(forest: Forest) -> list[bytes]:
    """TreeEnsemble lists splits and rows of leaves apart; a child's id counts within its list."""
    split = forest.split
    children = split[forest.trees :].reshape(-1, 2)
    place = np.empty(len(split), dtype=np.int32)
    place[split] = np.arange(len(forest.feature), dtype=np.int32)
    place[~split] = forest.leaf
    ids = place[forest.trees :].reshape(-1, 2)
    if forest.turned.any():
        turned = forest.turned[:, None]
        ids, children = (
            np.where(turned, ids[:, ::-1], ids),
            np.where(turned, children[:, ::-1], children),
        )
    roots = slice(forest.trees)  # all of them are splits: see `checked`
    ids[roots], twins = twinned(ids[roots], ~children[roots], len(forest.values))
    feature, threshold, missing = _written(forest)
    attributes = [
        integer("n_targets", forest.targets),
        quick_integers("tree_roots", place[: forest.trees]),
        quick_integers("nodes_featureids", feature),
        quick_integers("nodes_truenodeids", ids[:, 0]),
        quick_integers("nodes_trueleafs", ~children[:, 0]),
        quick_integers("nodes_falsenodeids", ids[:, 1]),
        quick_integers("nodes_falseleafs", ~children[:, 1]),
        quick_integers("leaf_targetids", np.append(forest.target, forest.target[twins])),
        tensor("nodes_splits", threshold),
        tensor("nodes_modes", forest.mode),
        tensor("leaf_weights", np.append(forest.values, forest.values[twins])),
    ]
    if missing.any():
        attributes.append(quick_integers("nodes_missing_value_tracks_true", missing))
    if (forest.mode == MEMBER).any():
        attributes.append(tensor("membership_values", _members(forest)))
    return attributes


def _members(forest: Forest) -> np.ndarray:
    """Return the categories of the MEMBER splits in their order, NaN behind each split's."""
    counts, values = forest.members
    ends = np.cumsum(counts)
    return np.insert(values, ends, np.nan)


def _older(forest: Forest) -> list[bytes]:
    """TreeEnsembleRegressor lists all nodes by (tree, node) and each leaf's values by target."""
    split, width = forest.split, forest.values.shape[1]
    tree = forest.tree()
    order = np.argsort(tree, kind="stable")
    sizes = np.bincount(tree, minlength=forest.trees)
    local = np.empty(len(tree), dtype=np.int64)
    local[order] = np.arange(len(tree)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    left, right = forest.children()
    left, right = np.where(forest.turned, right, left), np.where(forest.turned, left, right)
    feature, threshold, missing = _written(forest)
    modes = _everywhere(forest.mode.astype(np.int64) + 1, split)[order]
    leaves = order[~split[order]]
    rows = (np.cumsum(~split) - 1)[leaves]
    values, threshold = forest.leaf_values()[rows], _everywhere(threshold, split)[order]
    targets = np.tile(np.arange(width), len(leaves)) if width > 1 else forest.leaf_targets()[rows]
    attributes = [
        integer("n_targets", forest.targets),
        quick_integers("nodes_treeids", tree[order]),
        quick_integers("nodes_nodeids", local[order]),
        quick_integers("nodes_featureids", _everywhere(feature, split)[order]),
        quick_integers("nodes_truenodeids", _everywhere(local[left], split)[order]),
        quick_integers("nodes_falsenodeids", _everywhere(local[right], split)[order]),
        choices("nodes_modes", ("LEAF", *(f"BRANCH_{m}" for m in MODES)), modes),
        quick_integers("target_treeids", np.repeat(tree[leaves], width)),
        quick_integers("target_nodeids", np.repeat(local[leaves], width)),
        quick_integers("target_ids", targets),
    ]
    if missing.any():
        tracks = _everywhere(missing, split)[order]
        attributes.append(quick_integers("nodes_missing_value_tracks_true", tracks))
    if forest.values.dtype.itemsize == 8:
        return [
            *attributes,
            tensor("nodes_values_as_tensor", threshold),
            tensor("target_weights_as_tensor", values.ravel()),
        ]
    return [
        *attributes,
        floats("nodes_values", threshold),
        floats("target_weights", values.ravel()),
    ]


def _everywhere(values: np.ndarray, split: np.ndarray) -> np.ndarray:
    """Return values [splits] laid out over all nodes, 0 at the leaves."""
    out = np.zeros(len(split), dtype=values.dtype)
    out[split] = values
    return out
