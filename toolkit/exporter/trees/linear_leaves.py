"""Trees whose leaves are lines: `start + Σ slope · x` over a few columns, a value where one is NaN.

The columns' slopes and the starts of all trees are added up for a row, and meet the row once.
Where a value is missing the whole line of that tree gives way to a value: splits at infinity,
which only NaN does not pass, find such a leaf.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.trees.ensemble import Ensemble
from toolkit.exporter.trees.leaf_tables import summed
from toolkit.exporter.values import Matrix, Value

SPLIT = ("feature", "threshold", "left", "right", "leaf")


@dataclass(frozen=True)
class Line:
    """A leaf's answer: `start + Σ slopes · x[features]`, or `value` where one of these is NaN."""

    value: float
    start: float
    features: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    slopes: np.ndarray = field(default_factory=lambda: np.zeros(0))


def linear_sums(
    g: Conversion,
    x: Value,
    trees: Sequence[Ensemble],
    lines: Sequence[Sequence[Line]],
    targets: int,
) -> Matrix:
    """Return the sums of the trees' answers [N, targets] in float64.

    trees: one Ensemble each, that compares unrounded numbers; lines: of each tree's leaves, in the
    order of their nodes. Tree k adds to the output k modulo targets.
    """
    g.traps.append("linear_tree: lines in the leaves, in float64, with values where NaN is met")
    rows = g.cast(g.floating(x), "float64")
    constant_trees = [_with_values(t, of) for t, of in zip(trees, lines, strict=True)]
    sums = []
    for k in range(targets):
        grown = [t for t, _ in constant_trees[k::targets]]
        tables = [_table(ends, len(t.leaf), rows.width) for t, ends in constant_trees[k::targets]]
        sums.append(_met(g, rows, summed(g, x, grown, tables, rounded=False)))
    return g.join(sums)


def _with_values(single: Ensemble, lines: Sequence[Line]) -> tuple[Ensemble, dict[int, Line]]:
    """Return the tree with a split for each column of a leaf's line, and its leaves' lines.

    At such a split everything goes left but NaN, which meets a leaf of a value.
    """
    nodes = {n: list(getattr(single, n)) for n in (*SPLIT, "missing_left", "count", "mode")}
    ends: dict[int, Line] = {}

    def leaf(line: Line, count: float) -> int:
        for name, values in nodes.items():
            values.append(count if name == "count" else name == "leaf")  # all others are 0
        ends[len(nodes["leaf"]) - 1] = line
        return len(nodes["leaf"]) - 1

    for at, line in zip(np.flatnonzero(single.leaf).tolist(), lines, strict=True):
        here, count = at, nodes["count"][at]
        for feature in line.features.tolist():
            further = leaf(line, count)
            missing = leaf(Line(line.value, line.value), 0.0)
            split = zip(SPLIT, (feature, np.inf, further, missing, False), strict=True)
            for name, value in split:
                nodes[name][here] = value
            ends.pop(here, None)
            here = further
        ends[here] = line
    count = len(nodes["leaf"])
    arrays: dict[str, Any] = {n: np.asarray(values) for n, values in nodes.items()}
    target = np.broadcast_to(np.int32(0), count)
    return replace(single, **arrays, values=np.zeros(count), target=target), ends


def _table(ends: dict[int, Line], nodes: int, width: int) -> np.ndarray:
    """Return the leaves' rising slopes by column, falling ones, and starts, [nodes, 2 width + 1].

    Apart, since an infinite value under both is no number: LightGBM adds up ∞ − ∞.
    """
    table = np.zeros((nodes, 2 * width + 1))
    for node, line in ends.items():
        np.add.at(table[node], line.features + width * (line.slopes < 0), line.slopes)
        table[node, -1] = line.start
    return table


def _met(g: Conversion, rows: Matrix, line: Matrix) -> Matrix:
    """Return `Σ slope · x + start` [N, 1]; an infinite value without a slope counts for nothing.

    line: what `_table` holds, summed by row, [N, 2 width + 1].
    """
    count = 2 * rows.width
    slopes = g.select(line, list(range(count)))
    assert isinstance(slopes, Matrix)
    flat = g.compare("Equal", slopes, [0.0])
    terms = g.choose(flat, [0.0], g.mul(slopes, g.join([rows, rows])))
    return g.combine("Add", g.row_sum(terms), g.column(line, count))
