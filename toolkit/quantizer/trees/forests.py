"""Tree ensembles of a graph, read into level order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
from onnx import helper, numpy_helper

from toolkit.onnx_graph.index import Index
from toolkit.quantizer.refusals import NotApplicable
from toolkit.runtime.attributes import NODE_ATTRIBUTE
from toolkit.runtime.pack.forest import LEQ, MAX_LEVELS, MEMBER, MODES, Forest
from toolkit.runtime.wire import bytes_field

OPERATORS = ("TreeEnsemble", "TreeEnsembleRegressor")
# What a forest may do to the values that a row reaches, where it does nothing but add them up.
PLAIN = {"aggregate_function": (1, b"SUM"), "post_transform": (0, b"NONE")}
OTHERS = (*PLAIN, "base_values", "base_values_as_tensor")


def find_forests(model: onnx.ModelProto) -> list[Forest]:
    """Return the graph's tree ensembles in the order of their nodes.

    Raises NotApplicable where one is not made of trees.
    """
    readers = {"TreeEnsemble": _read_v5, "TreeEnsembleRegressor": _read_v3}
    nodes = [n for n in model.graph.node if n.op_type in readers]
    mirrored = _mirrored(model)
    return [_unturned(readers[n.op_type](n), mirrored.get(n.input[0], 0)) for n in nodes]


def _mirrored(model: onnx.ModelProto) -> dict[str, int]:
    """Return the tensors that are `Concat(x, −x)` on axis 1, and the columns of their x."""
    makers = Index(model.graph).makers
    forests = [n for n in model.graph.node if n.op_type in OPERATORS]
    sources = [makers[n.input[0]] for n in forests if n.input[0] in makers]
    mirrored: dict[str, str] = {}
    for node in sources:
        if node.op_type == "Concat" and len(node.input) == 2 and node.attribute[0].i == 1:
            x, negated = node.input
            maker = makers.get(negated)
            if maker is not None and maker.op_type == "Neg" and maker.input[0] == x:
                mirrored[node.output[0]] = x
    if not mirrored:
        return {}
    shapes = onnx.shape_inference.infer_shapes(_without_trees(model)).graph
    known = {v.name: v.type.tensor_type.shape for v in (*shapes.value_info, *shapes.input)}
    columns = {n: s.dim[1].dim_value for n, s in known.items() if len(s.dim) == 2}
    widths = {}
    for name, x in mirrored.items():
        while not columns.get(x) and x in makers and makers[x].op_type == "GatherND":
            x = makers[x].input[0]  # rows in another order
        if not columns.get(x):
            raise NotApplicable(f"the columns of {x!r}, which trees compare negated, are not known")
        widths[name] = columns[x]
    return widths


def _without_trees(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph's nodes other than trees, which shape inference need not copy."""
    small = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    small.graph.name = "before the trees"
    small.graph.input.extend(model.graph.input)
    small.graph.initializer.extend(model.graph.initializer)
    small.graph.node.extend(n for n in model.graph.node if n.op_type not in OPERATORS)
    return small


def _unturned(forest: Forest, width: int) -> Forest:
    """Return the forest with its turned splits as they would be on x; width: x's, 0 if none.

    `−x <= t` is `x >= −t`, that is not `x <= nextbelow(−t)`: the children change places, and NaN
    goes where it went.
    """
    turned = forest.feature >= width if width else forest.turned
    if not turned.any() or (forest.mode[turned] != LEQ).any():
        return forest
    down = forest.threshold.dtype.type(-np.inf)
    threshold = np.where(turned, np.nextafter(-forest.threshold, down), forest.threshold)
    flat = replace(
        forest,
        feature=np.where(turned, forest.feature - width, forest.feature),
        threshold=threshold,
        missing_left=forest.missing_left ^ turned,
        turned=turned,
        width=width,
    )
    left, right = forest.children()
    left, right = np.where(turned, right, left), np.where(turned, left, right)
    return _in_level_order(flat, left, right)


def _in_level_order(forest: Forest, left: np.ndarray, right: np.ndarray) -> Forest:
    """Return the forest with its nodes in level order, when these are its splits' children."""
    rank = np.cumsum(forest.split) - 1
    level, levels = np.arange(forest.trees), []
    while len(level):
        levels.append(level)
        inner = rank[level[forest.split[level]]]
        level = np.stack([left[inner], right[inner]], axis=1).ravel()
    order = np.concatenate(levels)
    split = forest.split[order]
    inner = rank[order[split]]
    counts, values = forest.members
    number = np.cumsum(forest.mode == MEMBER) - 1
    mine = number[inner[forest.mode[inner] == MEMBER]]
    sets = np.split(values, np.cumsum(counts)[:-1]) if len(counts) else []
    return replace(
        forest,
        split=split,
        feature=forest.feature[inner],
        threshold=forest.threshold[inner],
        missing_left=forest.missing_left[inner],
        mode=forest.mode[inner],
        turned=forest.turned[inner],
        members=(counts[mine], np.concatenate([*(sets[m] for m in mine), values[:0]])),
        leaf=forest.leaf[(np.cumsum(~forest.split) - 1)[order[~split]]],
    )


def _attributes(node: onnx.NodeProto) -> dict[str, np.ndarray]:
    values = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    return {
        k: numpy_helper.to_array(v) if isinstance(v, onnx.TensorProto) else np.asarray(v)
        for k, v in values.items()
    }


def _more(node: onnx.NodeProto) -> bytes:
    """Return the attributes that are not of the trees, serialized; none where they are plain."""
    more = [a for a in node.attribute if a.name in OTHERS]
    if all(helper.get_attribute_value(a) in PLAIN.get(a.name, ()) for a in more):
        return b""
    return b"".join(bytes_field(NODE_ATTRIBUTE, a.SerializeToString()) for a in more)


def _read_v5(node: onnx.NodeProto) -> Forest:
    a = _attributes(node)
    splits = len(a["nodes_splits"])
    # One numbering for all nodes: splits as they are, leaves behind them.
    left = a["nodes_truenodeids"] + np.where(a["nodes_trueleafs"] != 0, splits, 0)
    right = a["nodes_falsenodeids"] + np.where(a["nodes_falseleafs"] != 0, splits, 0)
    rows = len(a["leaf_weights"])
    order = _level_order(left, right, a["tree_roots"], np.arange(splits + rows) >= splits)
    split = order < splits
    inner = order[split]
    mode = a["nodes_modes"][inner].astype(np.uint8)
    missing = a.get("nodes_missing_value_tracks_true", np.zeros(splits))
    threshold = a["nodes_splits"][inner]
    return Forest(
        source=node.input[0],
        output=node.output[0],
        form=5,
        targets=int(a["n_targets"]),
        trees=len(a["tree_roots"]),
        split=split,
        feature=a["nodes_featureids"][inner],
        threshold=np.where(mode == MEMBER, np.nan, threshold).astype(threshold.dtype),
        missing_left=missing[inner].astype(bool),
        mode=mode,
        members=_members(a, inner),
        leaf=order[~split] - splits,
        values=a["leaf_weights"][:, None],
        target=a["leaf_targetids"],
        turned=np.zeros(len(inner), dtype=bool),
        more=_more(node),
    )


def _members(a: dict[str, np.ndarray], inner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the categories of the MEMBER splits among `inner`, in that order."""
    values = a.get("membership_values", np.zeros(0, a["nodes_splits"].dtype))
    listed = np.flatnonzero(a["nodes_modes"] == MEMBER)
    sets = np.split(values, np.flatnonzero(np.isnan(values)) + 1)
    by_node = {int(n): s[~np.isnan(s)] for n, s in zip(listed, sets, strict=False)}
    mine = [by_node[n] for n in inner[a["nodes_modes"][inner] == MEMBER].tolist()]
    counts = np.array([len(m) for m in mine], dtype=np.int64)
    return counts, np.concatenate([*mine, np.zeros(0, values.dtype)])


def _read_v3(node: onnx.NodeProto) -> Forest:
    a = _attributes(node)
    modes = a["nodes_modes"]
    trees, starts = np.unique(a["nodes_treeids"], return_index=True)
    at = starts[np.searchsorted(trees, a["nodes_treeids"])]
    left, right = a["nodes_truenodeids"] + at, a["nodes_falsenodeids"] + at
    is_leaf = modes == b"LEAF"
    order = _level_order(left, right, starts, is_leaf)
    split = ~is_leaf[order]
    inner = order[split]
    targets = int(a["n_targets"])
    weights = a.get("target_weights_as_tensor", a.get("target_weights"))
    dtype = np.float64 if "target_weights_as_tensor" in a else np.float32
    where = starts[np.searchsorted(trees, a["target_treeids"])] + a["target_nodeids"]
    alone = len(where) == is_leaf.sum() and len(np.unique(where)) == len(where)
    values = np.zeros((len(modes), 1 if alone else targets), dtype=dtype)
    values[where, 0 if alone else a["target_ids"]] = weights
    target = np.zeros(len(modes), dtype=np.int64)
    if alone:
        target[where] = a["target_ids"]
    number = {f"BRANCH_{m}".encode(): i for i, m in enumerate(MODES)}
    threshold = np.asarray(a.get("nodes_values_as_tensor", a.get("nodes_values")))
    missing = a.get("nodes_missing_value_tracks_true", np.zeros(len(modes)))
    leaves = order[~split]
    return Forest(
        source=node.input[0],
        output=node.output[0],
        form=3,
        targets=targets,
        trees=len(trees),
        split=split,
        feature=a["nodes_featureids"][inner],
        threshold=threshold[inner].astype(dtype),
        missing_left=missing[inner].astype(bool),
        mode=np.array([number[m] for m in modes[inner].tolist()], dtype=np.uint8),
        members=(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=dtype)),
        leaf=np.arange(len(leaves)),
        values=values[leaves],
        target=target[leaves],
        turned=np.zeros(len(inner), dtype=bool),
        more=_more(node),
    )


def _level_order(
    left: np.ndarray, right: np.ndarray, roots: np.ndarray, leaf: np.ndarray
) -> np.ndarray:
    """Return the nodes in level order; leaf: a flag for each node, of which several may be one."""
    nodes, levels, splits = np.asarray(roots), [], 0
    while len(nodes):
        levels.append(nodes)
        parents = nodes[~leaf[nodes]]
        splits += len(parents)
        if splits > len(left):
            raise NotApplicable("several splits lead to the same one, which packs do not hold")
        if len(levels) > MAX_LEVELS:
            raise NotApplicable(f"a tree has more than the {MAX_LEVELS} levels that packs hold")
        nodes = np.stack([left[parents], right[parents]], axis=1).ravel()
    return np.concatenate(levels)
