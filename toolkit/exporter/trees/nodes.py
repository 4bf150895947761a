"""The two ONNX forms of an ensemble: TreeEnsemble of ai.onnx.ml 5, TreeEnsembleRegressor before."""

from __future__ import annotations

import numpy as np

from toolkit.exporter.trees.ensemble import EQ, MEMBER, Ensemble, equalities, with_base
from toolkit.runtime.attributes import choices, floats, integer, integers, tensor, text
from toolkit.runtime.pack.forest.nodes import twinned

SUM = 1  # aggregate_function of ai.onnx.ml 5; its post_transform NONE is 0
MODES = ("LEAF", "BRANCH_LEQ", "BRANCH_EQ")  # of ai.onnx.ml 3
OPERATORS = {True: "TreeEnsemble", False: "TreeEnsembleRegressor"}


def operator(ml_opset: int) -> str:
    """Return the operator's name in this version of ai.onnx.ml."""
    return OPERATORS[ml_opset >= 5]


def attributes(ensemble: Ensemble, dtype: str, ml_opset: int) -> bytes:
    """Return the serialized attributes of the node that gives `base + Σ leaf values`, [N, targets].

    dtype: of its input, of its thresholds (which it must hold, see `lowered`) and of the sum. (The
    result of ai.onnx.ml 3 is float32 even where it sums in float64.)
    """
    return _newer(ensemble, dtype) if ml_opset >= 5 else _older(equalities(ensemble), dtype)


def _newer(e: Ensemble, dtype: str) -> bytes:
    """TreeEnsemble lists splits and leaves apart; a child id counts within its own list.

    Leaves of equal value and target are written once: several splits may name the same one, but a
    root's children bear different ids (see `twinned`).
    """
    rank = np.empty(len(e.leaf), dtype=np.int32)
    weights, targets, rank[e.leaf] = _distinct(with_base(e)[e.leaf].astype(dtype), e.target[e.leaf])
    splits = np.flatnonzero(~e.leaf).astype(np.int32)
    rank[splits] = np.arange(len(splits), dtype=np.int32)
    children = np.stack([e.left[splits], e.right[splits]], axis=1)
    ids, leaf, roots = rank[children], e.leaf[children], rank[e.roots]
    ids[roots], twins = twinned(ids[roots], leaf[roots], len(weights))
    parts = [
        integer("n_targets", e.targets),
        integer("aggregate_function", SUM),
        integer("post_transform", 0),
        integers("tree_roots", roots),
        integers("nodes_featureids", e.feature[splits]),
        integers("nodes_truenodeids", ids[:, 0]),
        integers("nodes_trueleafs", leaf[:, 0]),
        integers("nodes_falsenodeids", ids[:, 1]),
        integers("nodes_falseleafs", leaf[:, 1]),
        integers("leaf_targetids", np.append(targets, targets[twins])),
        tensor("nodes_splits", e.threshold[splits].astype(dtype)),
        tensor("nodes_modes", e.mode[splits]),
        tensor("leaf_weights", np.append(weights, weights[twins])),
    ]
    if e.missing_left.any():
        parts.append(integers("nodes_missing_value_tracks_true", e.missing_left[splits]))
    if (e.mode == MEMBER).any():
        parts.append(tensor("membership_values", _members(e).astype(dtype)))
    return b"".join(parts)


def _distinct(
    weights: np.ndarray, targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct pairs of weight and target, and which of them each leaf is."""
    values, which = np.unique(weights, return_inverse=True)
    if not targets.any():
        return values, np.zeros(len(values), dtype=np.int64), which
    width = int(targets.max()) + 1
    pairs, which = np.unique(which * width + targets, return_inverse=True)
    return values[pairs // width], pairs % width, which


def _members(e: Ensemble) -> np.ndarray:
    """Return the categories of the MEMBER nodes in their order, NaN behind each node's."""
    members = np.flatnonzero(e.mode == MEMBER)
    nodes = np.concatenate([e.categories[0], members])
    values = np.concatenate([e.categories[1], np.full(len(members), np.nan)])
    return values[np.argsort(nodes, kind="stable")]


def _older(e: Ensemble, dtype: str) -> bytes:
    """TreeEnsembleRegressor lists all nodes by (tree, node) and the leaves' values by output."""
    number, split = e.tree, ~e.leaf
    start = e.roots[number]
    local = np.arange(len(e.leaf)) - start
    leaves = np.flatnonzero(e.leaf)
    parts = [
        integer("n_targets", e.targets),
        text("aggregate_function", "SUM"),
        text("post_transform", "NONE"),
        integers("nodes_treeids", number),
        integers("nodes_nodeids", local),
        integers("nodes_featureids", e.feature),
        integers("nodes_truenodeids", np.where(split, e.left - start, 0)),
        integers("nodes_falsenodeids", np.where(split, e.right - start, 0)),
        choices("nodes_modes", MODES, np.where(split, np.where(e.mode == EQ, 2, 1), 0)),
        integers("target_treeids", number[leaves]),
        integers("target_nodeids", local[leaves]),
        integers("target_ids", e.target[leaves]),
    ]
    if e.missing_left.any():
        parts.append(integers("nodes_missing_value_tracks_true", e.missing_left))
    thresholds, weights = e.threshold.astype(dtype), with_base(e)[leaves]
    if dtype == "float64":
        parts.append(tensor("nodes_values_as_tensor", thresholds))
        parts.append(tensor("target_weights_as_tensor", weights))
    else:
        parts.append(floats("nodes_values", thresholds))
        parts.append(floats("target_weights", weights))
    return b"".join(parts)
