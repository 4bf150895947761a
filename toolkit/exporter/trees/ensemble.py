"""Tree ensembles as numpy arrays: what every tree converter reads its estimator into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from toolkit.exporter.grid import round_down
from toolkit.precision import FLOAT32_UNIT, TREE_SUMS

# See `lowered`.
Rounding = Callable[[np.ndarray, np.ndarray], np.ndarray]

# Modes of a split, with the numbers that ai.onnx.ml 5 gives them in nodes_modes.
LEQ, EQ, MEMBER = 0, 4, 6


@dataclass(frozen=True)
class Ensemble:
    """Trees laid end to end, the root of each first; node ids are absolute.

    feature int32 [n], threshold float64 or float32 [n] (left where x <= threshold), left and right
    int32 [n], missing_left bool [n] (where NaN goes), leaf bool [n], values float64 [n] (only
    leaves' are used), target int32 [n]: the output to which a leaf's value is added. roots int64
    [trees], base float64 [targets]. mode uint8 [n]: LEQ; or MEMBER, left where x is one of the
    node's categories; or EQ, left where x is the threshold. categories: (node, value) of every
    MEMBER node's categories, [c] each, sorted by node. count float32 [n]: how many rows of fitting
    came by, 0 where that is not known; it decides nothing but which form is fast. The narrow types
    keep a forest of millions of nodes small.
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
    mode: np.ndarray
    categories: tuple[np.ndarray, np.ndarray]
    count: np.ndarray

    @property
    def targets(self) -> int:
        """The number of outputs."""
        return len(self.base)

    @property
    def tree(self) -> np.ndarray:
        """The index of each node's tree, int64 [n]."""
        return np.searchsorted(self.roots, np.arange(len(self.leaf)), side="right") - 1


# The types of what there is a node, in an ensemble that a graph is written from.
TYPES: dict[str, type] = {
    "feature": np.int32,
    "threshold": np.float64,
    "left": np.int32,
    "right": np.int32,
    "missing_left": np.bool_,
    "leaf": np.bool_,
    "values": np.float64,
    "target": np.int32,
    "mode": np.uint8,
    "count": np.float32,
}
NO_CATEGORIES = (np.zeros(0, dtype=np.int64), np.zeros(0))


def tree(
    feature: np.ndarray,
    threshold: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    leaf: np.ndarray,
    values: np.ndarray,
    *,
    missing_left: np.ndarray | None = None,
    target: int = 0,
    mode: np.ndarray | None = None,
    categories: tuple[np.ndarray, np.ndarray] = NO_CATEGORIES,
    count: np.ndarray | None = None,
) -> Ensemble:
    """Return one tree, its node 0 the root; what is given for leaves in `feature` … is ignored.

    The arrays are taken as they are, views of a fitted tree's among them: `concatenate` makes what
    a graph is written from.
    """
    n = len(leaf)
    return Ensemble(
        feature=np.asarray(feature),
        threshold=np.asarray(threshold),
        left=np.asarray(left),
        right=np.asarray(right),
        missing_left=np.broadcast_to(np.False_, n) if missing_left is None else missing_left,
        leaf=np.asarray(leaf, dtype=bool),
        values=np.asarray(values).reshape(n),
        target=np.broadcast_to(np.int32(target), n),
        roots=np.zeros(1, dtype=np.int64),
        base=np.zeros(1),
        mode=np.broadcast_to(np.uint8(LEQ), n) if mode is None else mode,
        categories=categories,
        count=np.broadcast_to(np.float32(0), n) if count is None else count,
    )


def concatenate(trees: Sequence[Ensemble], base: np.ndarray) -> Ensemble:
    """Return one ensemble of all trees, with this base; a tree that is one leaf becomes a split.

    A lone leaf becomes a split between two equal leaves, which are written apart (`nodes`):
    onnxruntime has confused the root and leaf indices of trees of one leaf.
    """
    base = np.asarray(base, dtype=np.float64).reshape(-1)
    trees = [_grown(t) for t in trees]
    if base.any():  # an output without a tree gets one, which its base can be added to
        served = {int(k) for t in trees for k in np.unique(t.target)}
        trees += [_grown(_stump(k)) for k in np.flatnonzero(base).tolist() if k not in served]
    trees = trees or [_grown(_stump(0))]
    offsets = np.cumsum([0, *(len(t.leaf) for t in trees)])[:-1]
    joined: dict[str, np.ndarray] = {
        name: np.concatenate([getattr(t, name) for t in trees], dtype=dtype, casting="unsafe")
        for name, dtype in TYPES.items()
    }
    leaf, at = joined["leaf"], np.repeat(offsets.astype(np.int32), [len(t.leaf) for t in trees])
    for child in ("left", "right"):
        joined[child] += at
    for name in ("feature", "threshold", "left", "right", "missing_left"):
        joined[name][leaf] = 0
    pairs = list(zip(trees, offsets, strict=True))
    nodes = np.concatenate([t.categories[0] + o for t, o in pairs])
    return Ensemble(
        **joined,
        roots=np.concatenate([t.roots + o for t, o in pairs]),
        base=base,
        categories=(nodes, np.concatenate([t.categories[1] for t in trees])),
    )


def _stump(target: int) -> Ensemble:
    zero = np.zeros(1)
    return tree(zero, zero, zero, zero, np.ones(1), zero, target=target)


def _grown(single: Ensemble) -> Ensemble:
    if len(single.leaf) > 1:
        return single
    grown = tree(
        np.zeros(3),
        np.zeros(3),
        np.array([1, 0, 0]),
        np.array([2, 0, 0]),
        np.array([False, True, True]),
        np.repeat(single.values, 3),
        count=np.repeat(single.count, 3),
    )
    return replace(grown, target=np.repeat(single.target, 3))


def with_base(e: Ensemble) -> np.ndarray:
    """Return the leaf values with each output's base added to the leaves of its first tree."""
    if not e.base.any():
        return e.values
    values = e.values.copy()
    number = e.tree
    for output, base in enumerate(e.base):
        mine = e.leaf & (e.target == output)
        if base and mine.any():
            values[mine & (number == number[mine].min())] += base
    return values


def lowered(e: Ensemble, rounding: Rounding | None = None) -> Ensemble:
    """Return the ensemble with thresholds that float32 holds, the same for every float32 input.

    rounding: (feature, threshold) of splits, [n] each -> their float32 thresholds, where others
    than those rounded down are wanted. A category is what it is: rounded down it may be another.
    """
    rounded = round_down(e.threshold)
    if rounding is not None:
        at = np.flatnonzero(~e.leaf & (e.mode == LEQ))
        rounded[at] = rounding(e.feature[at], e.threshold[at])
    if (e.mode != LEQ).any():
        rounded = np.where(e.mode == LEQ, rounded, e.threshold)
    return replace(e, threshold=rounded)


def centred(e: Ensemble, center: np.ndarray) -> Ensemble:
    """Return the ensemble whose sums are less by `center` [targets], each tree's leaves about 0.

    A tree's leaves, all of one target, give up their middle; where the trees of a target are alike,
    as a forest's are, all give up the same, so that leaves that were equal stay equal. What is
    missing to the centre is left as the base.
    """
    low = np.minimum.reduceat(np.where(e.leaf, e.values, np.inf), e.roots)
    high = np.maximum.reduceat(np.where(e.leaf, e.values, -np.inf), e.roots)
    target = np.maximum.reduceat(np.where(e.leaf, e.target, 0), e.roots)
    count = np.maximum(np.bincount(target, minlength=e.targets), 1)
    middle = (low + high) / 2
    common = (np.bincount(target, middle, minlength=e.targets) / count)[target]
    if (np.abs(middle - common) <= high - low).all():
        middle = common
    taken = np.bincount(target, middle, minlength=e.targets)
    return replace(e, values=e.values - middle[e.tree], base=e.base + taken - center)


def sums_fit_float32(e: Ensemble, tolerance: float = TREE_SUMS, unit: float = np.inf) -> bool:
    """Tell whether a float32 sum of the leaves stays within `tolerance · max(1, |result|)`.

    unit: by what errors are measured where that is less.
    Each leaf and each of the T partial sums s₁ … s_T is rounded by at most 2⁻²⁴ of itself, with
    either sign: together by about twice the root of the sum of their squares. A partial sum is no
    larger than the largest leaves so far add up to, nor than |result| and the largest leaves that
    are still to come: boosting's later trees are small.
    """
    low = np.minimum.reduceat(np.where(e.leaf, e.values, np.inf), e.roots)
    high = np.maximum.reduceat(np.where(e.leaf, e.values, -np.inf), e.roots)
    leaf = np.maximum(np.abs(low), np.abs(high))
    if e.targets == 1:
        below, above = np.cumsum(low) + e.base[0], np.cumsum(high) + e.base[0]
        sofar = np.maximum(np.abs(below), np.abs(above))
        size = max(1.0, below[-1], -above[-1])  # at most max(1, |result|)
    else:
        sofar, size = np.cumsum(leaf) + np.abs(e.base).max(), 1.0
    if unit < size:
        partial, result = sofar / unit, sofar[-1] / unit
    else:
        coming = leaf.sum() - np.cumsum(leaf)
        partial, result = np.minimum(sofar / size, 1.0 + coming / size), 1.0
    squares = np.square(partial).sum() + np.square(leaf / min(size, unit)).sum()
    return bool(FLOAT32_UNIT * (result + 2 * np.sqrt(squares)) <= tolerance)


def equalities(e: Ensemble) -> Ensemble:
    """Return the ensemble with each MEMBER split as a chain of EQ splits with one left child.

    For the operators before ai.onnx.ml 5, which know no sets: `x == a`, else `x == b`, … else
    right; NaN equals nothing, so that where it goes left the chain's head says so.
    """
    nodes, values = e.categories
    members = np.flatnonzero(e.mode == MEMBER)
    if not len(members):
        return e
    parts = {n: [getattr(e, n)] for n in TYPES}
    number, size = [e.tree], len(e.leaf)
    left, right, mode, threshold = (a.copy() for a in (e.left, e.right, e.mode, e.threshold))
    bounds = np.searchsorted(nodes, np.stack([members, members + 1]))
    for node, start, end in zip(members, *bounds, strict=True):
        mine = values[start:end] if end > start else np.array([np.nan])  # NaN equals nothing
        extra = len(mine) - 1
        ids = size + np.arange(extra)
        last = right[node]
        mode[node], threshold[node] = EQ, mine[0]
        right[node] = ids[0] if extra else last
        size += extra
        copied = {n: getattr(e, n)[node] for n in ("feature", "left", "count")}
        for name, filling in (*copied.items(), ("mode", EQ)):
            parts[name].append(np.full(extra, filling, dtype=getattr(e, name).dtype))
        parts["right"].append(np.append(ids[1:], last)[:extra])
        parts["threshold"].append(mine[1:])
        for name in ("missing_left", "leaf", "values", "target"):
            parts[name].append(np.zeros(extra, dtype=getattr(e, name).dtype))
        number.append(np.full(extra, number[0][node]))
    parts["left"][0], parts["right"][0] = left, right
    parts["mode"][0], parts["threshold"][0] = mode, threshold
    return _in_tree_order({n: np.concatenate(p) for n, p in parts.items() if n in TYPES}, number, e)


def _in_tree_order(nodes: dict[str, np.ndarray], number: list[np.ndarray], e: Ensemble) -> Ensemble:
    """Return the nodes with those of a tree next to each other again, ids renumbered."""
    tree_of = np.concatenate(number)
    order = np.argsort(tree_of, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    nodes = {n: a[order] for n, a in nodes.items()}
    split = ~nodes["leaf"]
    for child in ("left", "right"):
        nodes[child] = np.where(split, place[nodes[child]], 0)
    return Ensemble(**nodes, roots=place[e.roots], base=e.base, categories=NO_CATEGORIES)
