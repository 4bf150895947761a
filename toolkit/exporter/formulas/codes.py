"""Columns of which a row has one at most: by their index, never as a matrix rows × categories.

A one-hot code of 50,000 categories is 50,000 numbers a row, all alike but one. Where a tensor is
such a code, `Graph.codes` says so, and what reads it takes the index: a product with weights is a
row of the table of weights, a split of a tree a test of the index. The tensor itself stays in the
graph for anything else that reads it, and goes where nothing does (passes.prune).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from toolkit.exporter.formulas.sparse_rows import linear

if TYPE_CHECKING:
    from toolkit.exporter.graph import Graph
    from toolkit.exporter.values import Matrix

# From so many categories on. With fewer a single row's answer takes up to 4 % longer by index: a
# product of so few numbers costs less than the lookup of a row, which is a node of its own.
FEWEST = 512
# Operators with a constant that change a column's two values, and leave it a code.
ELEMENTWISE: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
    "Min": np.minimum,
    "Max": np.maximum,
}
Columnwise = Callable[[np.ndarray, slice], np.ndarray]


@dataclass(frozen=True)
class Block:
    """Columns [N, width] of two values: `on` where `index` is the column's group, else `off`.

    index: int64 [N, 1], `count` where it is no column's; group: int64 [width]; off, on: float64
    [width].
    """

    index: Matrix
    count: int
    group: np.ndarray
    off: np.ndarray
    on: np.ndarray

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.group)

    def table(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what `x @ weights` is by index, [count + 1, k], less a constant, [k]."""
        found = np.zeros((self.count + 1, weights.shape[1]))
        found[self.group] = (self.on - self.off)[:, None] * weights
        return found, self.off @ weights


@dataclass(frozen=True)
class Coded:
    """What stands side by side in a tensor: blocks, and tensors that are none."""

    parts: tuple[Matrix | Block, ...]

    @property
    def ends(self) -> np.ndarray:
        """The first column of each part, and the width."""
        return np.cumsum([0, *(p.width for p in self.parts)])

    @property
    def width(self) -> int:
        """The number of columns."""
        return int(self.ends[-1])

    def mapped(self, columnwise: Columnwise, other: Callable[[Matrix, slice], Matrix]) -> Coded:
        """Return the code of an elementwise function of this one's tensor.

        columnwise: (a value for each column of a part, which columns) -> their images; other: adds
        the nodes for a part that is no block.
        """
        parts: list[Matrix | Block] = []
        for part, start, end in zip(self.parts, self.ends[:-1], self.ends[1:], strict=True):
            at = slice(int(start), int(end))
            if isinstance(part, Block):
                off, on = columnwise(part.off, at), columnwise(part.on, at)
                parts.append(replace(part, off=off, on=on))
            else:
                parts.append(other(part, at))
        return Coded(tuple(parts))


def one_hot_block(index: Matrix, count: int) -> Block:
    """Return the 0/1 columns [N, count] for indices [N, 1]; `count` is a row of zeros."""
    none = np.zeros(count)
    return Block(index, count, np.arange(count), none, none + 1.0)


def side_by_side(g: Graph, parts: Sequence[Matrix]) -> Coded | None:
    """Return the code of the joined parts, None where none of them has one."""
    if not any(p.name in g.codes for p in parts):
        return None
    found: list[Matrix | Block] = []
    for part in parts:
        found += g.codes[part.name].parts if part.name in g.codes else (part,)
    return Coded(tuple(found))


def picked(g: Graph, coded: Coded, indices: np.ndarray) -> Coded:
    """Return the code of these columns, in this order."""
    ends = coded.ends
    owner = np.searchsorted(ends, indices, side="right") - 1
    bounds = np.flatnonzero(np.diff(owner)) + 1
    parts: list[Matrix | Block] = []
    for run in np.split(np.arange(len(indices)), bounds):
        if not len(run):
            continue
        number = int(owner[run[0]])
        part, at = coded.parts[number], indices[run] - ends[number]
        if isinstance(part, Block):
            parts.append(replace(part, group=part.group[at], off=part.off[at], on=part.on[at]))
        else:
            parts.append(g.matrix(g.select(part, at.tolist())))
    return Coded(tuple(parts))


def gathered(g: Graph, x: Matrix, coded: Coded, weights: np.ndarray, bias: np.ndarray) -> Matrix:
    """Return `x @ weights + bias` of a coded x: rows of tables, and one product for the rest.

    weights [width, k], bias [k].
    """
    dense: list[Matrix] = []
    rows, tables = [], []
    for part, start, end in zip(coded.parts, coded.ends[:-1], coded.ends[1:], strict=True):
        own = weights[start:end]
        if isinstance(part, Block):
            table, constant = part.table(own)
            bias = bias + constant
            tables.append((part.index, table))
        elif part.width:
            dense.append(part)
            rows.append(own)
    if not dense:  # the constant is in every row of the first table
        tables[0] = (tables[0][0], tables[0][1] + bias)
    terms = []
    for index, table in tables:
        values = g.constant(table, x.dtype, "weights")
        name = g.add("Gather", [values, g.flat(index).name], "weight", axis=0)
        terms.append(replace(x, name=name, width=weights.shape[1], blank=None))
    if dense:
        terms.append(linear(g, g.cast(g.join(dense), x.dtype), np.vstack(rows), bias))
    return g.total(terms)
