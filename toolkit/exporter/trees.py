"""Tree ensembles as numpy arrays, and the two ONNX forms that they are written in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import NodeProto, helper, numpy_helper

LEQ = 0  # BRANCH_LEQ in ai.onnx.ml 5's nodes_modes
SUM = 1  # its aggregate_function and post_transform NONE is 0


@dataclass(frozen=True)
class Ensemble:
    """Trees laid end to end; node ids are absolute.

    feature int64 [n], threshold float64 [n] (left where x <= threshold), left and right int64 [n],
    missing_left bool [n] (where NaN goes), leaf bool [n], values float64 [n, k] (only leaves'
    are used), target int64 [n]: the output that a leaf's single value belongs to (k = 1), or 0
    where a leaf has a value for each output. roots int64 [trees], base float64 [targets].
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    leaf: np.ndarray
    values: np.ndarray
    target: np.ndarray
    roots: np.ndarray
    base: np.ndarray

    @property
    def targets(self) -> int:
        """The number of outputs."""
        return len(self.base)


def concatenate(trees: Sequence[Ensemble], base: np.ndarray) -> Ensemble:
    """Return one ensemble of all trees, with this base; a tree that is one leaf becomes a split.

    A lone leaf is written as a split between two equal leaves: onnxruntime confuses the root and
    leaf indices of single-node trees (onnx issue 24679 of onnxruntime).
    """
    trees = [_grown(t) for t in trees]
    offsets = np.cumsum([0, *(len(t.leaf) for t in trees)])[:-1]
    shift = [np.full(len(t.leaf), o) for t, o in zip(trees, offsets, strict=True)]
    at = np.concatenate(shift)

    def joined(field: str) -> np.ndarray:
        return np.concatenate([getattr(t, field) for t in trees])

    return Ensemble(
        feature=joined("feature"),
        threshold=joined("threshold"),
        left=joined("left") + at,
        right=joined("right") + at,
        missing_left=joined("missing_left"),
        leaf=joined("leaf"),
        values=joined("values"),
        target=joined("target"),
        roots=np.concatenate([t.roots + o for t, o in zip(trees, offsets, strict=True)]),
        base=np.asarray(base, dtype=np.float64).reshape(-1),
    )


def _grown(tree: Ensemble) -> Ensemble:
    if len(tree.leaf) > 1:
        return tree
    return Ensemble(
        feature=np.zeros(3, dtype=np.int64),
        threshold=np.zeros(3),
        left=np.array([1, 0, 0]),
        right=np.array([2, 0, 0]),
        missing_left=np.zeros(3, dtype=bool),
        leaf=np.array([False, True, True]),
        values=np.repeat(tree.values, 3, axis=0),
        target=np.repeat(tree.target, 3),
        roots=tree.roots,
        base=tree.base,
    )


def round_down(threshold: np.ndarray) -> np.ndarray:
    """Return the largest float32 that is not above each float64 threshold.

    For every float32 x, `x <= round_down(t)` is `x <= t`: the routing stays exact.
    """
    with np.errstate(over="ignore"):
        rounded = threshold.astype(np.float32)
    below = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded.astype(np.float64) > threshold, below, rounded)


def emit(ensemble: Ensemble, x: str, output: str, dtype: str, ml_opset: int) -> NodeProto:
    """Return the node that gives `base + Σ leaf values`, [N, targets], from x [N, features].

    ai.onnx.ml 5 where every leaf has one value (TreeEnsemble knows no more), else the operator of
    ai.onnx.ml 3.
    """
    if ml_opset >= 5:
        if not is_single_valued(ensemble):
            raise ValueError("TreeEnsemble of ai.onnx.ml 5 holds one value a leaf")
        return _emit_v5(ensemble, x, output, dtype)
    return _emit_v3(ensemble, x, output, dtype)


def is_single_valued(ensemble: Ensemble) -> bool:
    """Tell whether every leaf has one value for one output."""
    return ensemble.values.shape[1] == 1


def _thresholds(ensemble: Ensemble, dtype: str) -> np.ndarray:
    values = ensemble.threshold[~ensemble.leaf]
    return round_down(values) if dtype == "float32" else values


def _emit_v5(e: Ensemble, x: str, output: str, dtype: str) -> NodeProto:
    """TreeEnsemble lists splits and leaves apart; a child id counts within its own list."""
    split = ~e.leaf
    rank = np.where(e.leaf, np.cumsum(e.leaf) - 1, np.cumsum(split) - 1)
    true, false = e.left[split], e.right[split]
    weights = _with_base(e)
    attributes: dict[str, Any] = {
        "n_targets": e.targets,
        "aggregate_function": SUM,
        "post_transform": 0,
        "tree_roots": rank[e.roots],
        "nodes_featureids": e.feature[split],
        "nodes_truenodeids": rank[true],
        "nodes_trueleafs": e.leaf[true].astype(np.int64),
        "nodes_falsenodeids": rank[false],
        "nodes_falseleafs": e.leaf[false].astype(np.int64),
        "leaf_targetids": e.target[e.leaf],
    }
    if e.missing_left.any():
        attributes["nodes_missing_value_tracks_true"] = e.missing_left[split].astype(np.int64)
    lists = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in attributes.items()}
    tensors = {
        "nodes_splits": numpy_helper.from_array(_thresholds(e, dtype).astype(dtype)),
        "nodes_modes": numpy_helper.from_array(np.full(int(split.sum()), LEQ, dtype=np.uint8)),
        "leaf_weights": numpy_helper.from_array(weights[e.leaf, 0].astype(dtype)),
    }
    return helper.make_node("TreeEnsemble", [x], [output], domain="ai.onnx.ml", **lists, **tensors)


def _with_base(e: Ensemble) -> np.ndarray:
    """Return the leaf values with each output's base added to the leaves of its first tree."""
    values = e.values.copy()
    if not e.base.any():
        return values
    tree = np.searchsorted(e.roots, np.arange(len(e.leaf)), side="right") - 1
    for output, base in enumerate(e.base):
        mine = e.leaf & (e.target == output)
        if base and mine.any():
            values[mine & (tree == tree[mine].min())] += base
    return values


def _emit_v3(e: Ensemble, x: str, output: str, dtype: str) -> NodeProto:
    """TreeEnsembleRegressor lists all nodes by (tree, node) and the leaves' values by output."""
    tree = np.searchsorted(e.roots, np.arange(len(e.leaf)), side="right") - 1
    local = np.arange(len(e.leaf)) - e.roots[tree]
    threshold = np.where(e.leaf, 0.0, e.threshold)
    threshold = round_down(threshold) if dtype == "float32" else threshold
    leaves = np.flatnonzero(e.leaf)
    k = e.values.shape[1]
    values = (_with_base(e) if k == 1 else e.values)[leaves].ravel()
    ids = e.target[leaves] if k == 1 else np.tile(np.arange(k), len(leaves))
    start = e.roots[tree]
    attributes: dict[str, Any] = {
        "n_targets": e.targets,
        "aggregate_function": "SUM",
        "post_transform": "NONE",
        "nodes_treeids": tree,
        "nodes_nodeids": local,
        "nodes_featureids": np.where(e.leaf, 0, e.feature),
        "nodes_truenodeids": np.where(e.leaf, 0, e.left - start),
        "nodes_falsenodeids": np.where(e.leaf, 0, e.right - start),
        "nodes_modes": np.where(e.leaf, "LEAF", "BRANCH_LEQ"),
        "target_treeids": np.repeat(tree[leaves], k),
        "target_nodeids": np.repeat(local[leaves], k),
        "target_ids": ids,
    }
    if e.missing_left.any():
        attributes["nodes_missing_value_tracks_true"] = np.where(e.leaf, 0, e.missing_left)
    if dtype == "float64":
        attributes["nodes_values_as_tensor"] = numpy_helper.from_array(threshold)
        attributes["target_weights_as_tensor"] = numpy_helper.from_array(values)
    else:
        attributes["nodes_values"] = threshold.astype(np.float32)
        attributes["target_weights"] = values.astype(np.float32)
    if k > 1 and e.base.any():
        raise ValueError("a base for leaves of several values is not supported")
    lists = {n: v.tolist() if isinstance(v, np.ndarray) else v for n, v in attributes.items()}
    return helper.make_node("TreeEnsembleRegressor", [x], [output], domain="ai.onnx.ml", **lists)
