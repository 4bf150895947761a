"""Sums over trees of several values a leaf, each looked up in a table: exact, in their order.

An ensemble's operator holds one value a leaf (ai.onnx.ml 5), or sums float32 results (before). Here
it only finds the leaves, and the values are added in float64 in the order of the trees, as
scikit-learn adds them: ties of classes fall as they do there, whatever rounding makes of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.trees.ensemble import Ensemble, concatenate
from toolkit.exporter.trees.pending import tree_sums
from toolkit.exporter.values import Matrix, Value

GROUP = 1024  # values looked up for a row at a time: 8 KB, which bounds the memory
EXACT_FLOAT32 = 2**24  # integers below are float32 numbers


def summed(
    g: Conversion,
    x: Value,
    trees: Sequence[Ensemble],
    tables: Sequence[np.ndarray],
    rounded: bool = True,
    kind: str = "float64",
) -> Matrix:
    """Return `((0 + v₁) + v₂) + …` [N, k], added in `kind`; vₜ is tree t's leaf's row of tables[t].

    tables: [nodes, k] a tree, of which the leaves' rows count. rounded: see pending.tree_sums.
    """
    rows, width = np.concatenate(tables), tables[0].shape[1]
    leaves = np.concatenate([t.leaf for t in trees])
    table, index = np.unique(rows[leaves], axis=0, return_inverse=True)
    position = np.zeros(len(rows))
    position[leaves] = index.ravel()
    ends = np.cumsum([len(t.leaf) for t in trees])
    parts = [
        replace(t, values=v, target=np.full(len(v), k))
        for k, (t, v) in enumerate(zip(trees, np.split(position, ends[:-1]), strict=True))
    ]
    dtype = "float32" if len(table) < EXACT_FLOAT32 else "float64"
    total = tree_sums(g, x, concatenate(parts, np.zeros(len(trees))), dtype, rounded=rounded)
    at = g.cast(total, "int64")
    values = g.constant(table, kind, "leaves")
    if len(trees) == 1:
        flat = g.add("Reshape", [at.name, g.constant([-1], "int64", "flat")], "leaf")
        return Matrix(g.add("Gather", [values, flat], "values", axis=0), kind, width)
    return Matrix(_running(g, at, values, max(1, GROUP // width)), kind, width)


def _running(g: Conversion, at: Matrix, table: str, size: int) -> str:
    """Return the sum over the trees, `size` of them at a time."""
    total = ""
    one = g.constant(1, "int64", "one")
    second = g.constant([1], "int64", "second")
    for start in range(0, at.width, size):
        count = min(size, at.width - start)
        names = at.name if count == at.width else _columns(g, at.name, start, start + count)
        block = g.add("Gather", [table, names], "block", axis=0)
        if total:
            before = g.add("Unsqueeze", [total, second], "before")
            block, count = g.add("Concat", [before, block], "block", axis=1), count + 1
        sums = g.add("CumSum", [block, one], "sums")
        total = g.add("Gather", [sums, g.constant(count - 1, "int64", "last")], "total", axis=1)
    return total


def _columns(g: Conversion, name: str, start: int, end: int) -> str:
    limits = [g.constant([v], "int64", "limit") for v in (start, end, 1)]
    return g.add("Slice", [name, *limits], "some")
