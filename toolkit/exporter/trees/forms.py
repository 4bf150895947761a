"""The form of an ensemble in the graph: frequent children first, rows in order, or in parts.

The first two are exact, and cost nothing in the file.

**Frequent child first.** onnxruntime stores the child of a false comparison next to its parent. A
split whose true child saw more rows of fitting has its children exchanged and compares the negated
feature: `x <= t` is false where `x > t`, that is where `−x <= −nextabove(t)`; NaN goes where it
went. The operator's input becomes `Concat(x, Neg(x))` [N, 2d], and all splits stay of one mode (a
second one would cost a sixth). scikit-learn sends NaN with the majority where fitting saw none, so
that with this no split sends it to the true child, and the operator need not look for it.

A reader finds the canonical split of such a node again where the input is a `Concat` on axis 1 of
a tensor [N, d] and its `Neg`: a split on a feature f >= d with the limit t is one on f − d with the
limit `nextbelow(−t)` (in the tensor's type), its children and its missing-value direction
exchanged. Other splits are as they were; so is the order of the trees and of the nodes.

**Rows in order.** Rows that take the same way through a tree find its nodes in the cache, and the
processor foresees the comparisons. So the rows are sorted by a key, the sum of a small ensemble
(`order`), and the sums are put back: `order = TopK(key, N)`, `ScatterND(y, order, y)` with `y` of
`GatherND(x, order)`. Ties may fall as they like. With one thread the operator takes 128 rows at a
time through one tree after the other: what counts is how alike the rows of such a batch are.

The five nodes cost a single row some 2 µs, whatever it does in them. An `If` on the number of rows
around the sort saves nothing: it takes 1 µs, its condition (`Shape`, `Less`) another, and the sums
must be put back all the same. So there are two forms.

**Parts.** onnxruntime looks nodes up in a table as large as an ensemble while it opens it. A
float32 ensemble of one output and many nodes is cut between trees into several of one input, in
their order, whose results a `Sum` adds: it opens in three quarters of the time and with less than
two thirds of the memory. Rows in order gain nothing more from parts, however small.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import onnx
from onnx import TensorProto, helper

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.trees.ensemble import (
    LEQ,
    TYPES,
    Ensemble,
    with_base,
)
from toolkit.exporter.trees.nodes import attributes, operator
from toolkit.exporter.trees.order import key_of
from toolkit.exporter.tuning import THROUGHPUT
from toolkit.exporter.values import Matrix

ML = "ai.onnx.ml"

# How many comparisons a row takes from where on a form gains. Measured: the frequent child first
# takes two more nodes, which cost a single row what it saves in so many.
FIRST = 400
SORTED = 200
# A row's sums are moved once more; that must be little beside its comparisons.
COMPARISONS_A_TARGET = 4
# The key's leaves: their share of the nodes, so that they cost no room, with the fewest that are
# of use.
KEY_SHARE, KEY_LEAVES = 100, 128

# Nodes of a part at most. Measured: each part costs a single row as much as sixty comparisons.
PART = 250_000

Placement = tuple[onnx.NodeProto, bytes]  # a node, and attributes that are serialized already


def placements(
    g: Conversion, e: Ensemble, x: Matrix, output: str, ml_opset: int
) -> list[Placement]:
    """Return the nodes that compute the ensemble on x as `output`, in the form for `g.tune`."""
    work = comparisons(e)
    first = frequent_first(e, x.dtype, x.width) if work >= FIRST else e
    source, result = x.name, output
    before: list[Placement] = []
    after: list[Placement] = []
    if g.tune == THROUGHPUT and work >= max(SORTED, COMPARISONS_A_TARGET * e.targets):
        source, result = g.name("sorted"), g.name("sums")
        before, order = _sorted(g, e, x, source, ml_opset)
        after = [(helper.make_node("ScatterND", [result, order, result], [output]), b"")]
    if first is not e:
        negated, both = g.name("negated"), g.name("both")
        before += [
            (helper.make_node("Neg", [source], [negated]), b""),
            (helper.make_node("Concat", [source, negated], [both], axis=1), b""),
        ]
        source = both
    return [*before, *_parts(g, first, x.dtype, source, result, ml_opset), *after]


def _parts(
    g: Conversion, e: Ensemble, dtype: str, source: str, result: str, ml_opset: int
) -> list[Placement]:
    """Return the nodes that compute the ensemble: one operator, or several and their sum.

    What is summed in float64 is summed in scikit-learn's order, so that ties hold.
    """
    if len(e.leaf) <= PART or e.targets > 1 or dtype == "float64":
        return _operator(g, e, dtype, source, result, ml_opset)
    count = -(-len(e.leaf) // PART)
    limits = np.linspace(0, len(e.leaf), count + 1)
    cuts = np.unique(np.searchsorted(e.roots, limits)).tolist()
    e = replace(e, values=with_base(e))
    names, placed = [], []
    for first, last in pairwise(cuts):
        names.append(g.name("part"))
        part = some_trees(e, first, last)
        placed += _operator(g, part, dtype, source, names[-1], ml_opset)
    return [*placed, (helper.make_node("Sum", names, [result]), b"")]


def comparisons(e: Ensemble) -> float:
    """Return how many comparisons a row of fitting took; 0 where the counts are not known."""
    rows = e.count[e.roots]
    if not (rows > 0).all():
        return 0.0
    share = np.add.reduceat(np.where(e.leaf, 0, e.count), e.roots, dtype=np.float64) / rows
    return float(share.sum())


def frequent_first(e: Ensemble, dtype: str, width: int) -> Ensemble:
    """Return the ensemble for `Concat(x, −x)` with each split's frequent child on the false side.

    dtype and width: those of x. The ensemble itself where no split is to change. Left alone are
    splits on categories, at infinity, and those whose new limit would be subnormal: where a process
    takes such numbers for 0, the comparison would turn.
    """
    real = np.dtype(dtype).type
    with np.errstate(over="ignore"):
        limit = -np.nextafter(e.threshold.astype(real), real(np.inf))
    swapped = ~e.leaf & (e.mode == LEQ) & (e.count[e.left] > e.count[e.right])
    swapped &= np.isfinite(e.threshold) & (np.abs(limit) >= np.finfo(real).tiny)
    if not swapped.any():
        return e
    return replace(
        e,
        feature=e.feature + width * swapped,
        threshold=np.where(swapped, limit, e.threshold),
        left=np.where(swapped, e.right, e.left),
        right=np.where(swapped, e.left, e.right),
        missing_left=e.missing_left ^ swapped,
    )


def _sorted(
    g: Conversion, e: Ensemble, x: Matrix, name: str, ml_opset: int
) -> tuple[list[Placement], str]:
    """Return the nodes that give x's rows in order as `name`, and the name of their order."""
    key, rows, keys, order = (g.name(n) for n in ("key", "rows", "keys", "order"))
    nodes = [
        helper.make_node("Shape", [x.name], [rows], start=0, end=1),
        helper.make_node("TopK", [key, rows], [keys, order], axis=0, largest=0),
        helper.make_node("GatherND", [x.name, order], [name]),
    ]
    leaves = max(KEY_LEAVES, len(e.leaf) // KEY_SHARE)
    ordering = key_of(e, g.sample(x), leaves)
    placed = _operator(g, ordering, x.dtype, x.name, key, ml_opset)
    return [*placed, *((n, b"") for n in nodes)], order


def some_trees(e: Ensemble, first: int, last: int) -> Ensemble:
    """Return the trees from `first` up to, but without, `last`; the base is left out."""
    bounds = [*e.roots.tolist(), len(e.leaf)]
    start, end = bounds[first], bounds[last]
    own = {name: getattr(e, name)[start:end] for name in TYPES}
    for child in ("left", "right"):
        own[child] = np.where(own["leaf"], 0, own[child] - start)
    nodes, values = e.categories
    mine = (nodes >= start) & (nodes < end)
    return Ensemble(
        **own,
        roots=e.roots[first:last] - start,
        base=np.zeros(e.targets),
        categories=(nodes[mine] - start, values[mine]),
    )


def _operator(
    g: Conversion, e: Ensemble, dtype: str, source: str, result: str, ml_opset: int
) -> list[Placement]:
    """Return the operator's node with its attributes.

    Before ai.onnx.ml 5 it sums in float64 where dtype is that, but gives float32.
    """
    narrow = ml_opset < 5 and dtype == "float64"
    name = g.name("narrow") if narrow else result
    node = helper.make_node(operator(ml_opset), [source], [name], domain=ML)
    placed: list[Placement] = [(node, attributes(e, dtype, ml_opset))]
    if narrow:
        cast = helper.make_node("Cast", [name], [result], to=TensorProto.DOUBLE)
        placed.append((cast, b""))
    return placed
