"""What can be known of where a tensor came from, for steps that do better with what is behind it.

A linear step takes the source of an affine one, a tree the source of monotone steps, and neither
makes a matrix of rows that are mostly zeros. The tensor itself stays in the graph for whatever
else reads it, and goes where nothing does (passes.prune).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from toolkit.exporter.values import Matrix, Origin

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
# From so many categories on they are taken by index. With fewer a single row's answer takes up to
# 4 % longer so: a product of so few numbers costs less than the lookup of a row, a node of its own.
FEWEST = 512


@dataclass(frozen=True, eq=False)
class Fitted(Origin):
    """The value that the estimator is given, which need not be all of its columns.

    places: which columns of the fitting these are, None for all in their order; categories: which
    of these are categories in its data frame.
    """

    places: tuple[int, ...] | None
    categories: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Input(Origin):
    """An input of the graph."""


@dataclass(frozen=True, eq=False)
class Picked(Origin):
    """The numbers of a source, of another type or these columns alone (None: all of them)."""

    source: Matrix
    columns: tuple[int, ...] | None = None


@dataclass(frozen=True, eq=False)
class Composed(Origin):
    """The `sources` side by side, and a monotone `step` applied, a fitted one, unless None."""

    sources: tuple[Matrix, ...]
    step: Any


def parts_of(x: Matrix) -> tuple[Matrix, ...]:
    """Return what was joined to make x; none where x was made otherwise."""
    composed = x.origin(Composed)
    return () if composed is None or composed.step is not None else composed.sources


@dataclass(frozen=True, eq=False)
class Affine(Origin):
    """A float32 tensor `(source − center) @ weights + bias`; arrays are float64.

    weights: [d, k], or [d] for a scale a column; bias [k]. center: [d], exact in float32, and
    `shifted` the tensor `source − center`; None where nothing is taken off. spread: the source's
    standard deviations [d], or what tells its size as well; None where nobody knows.
    """

    source: Matrix
    weights: np.ndarray
    bias: np.ndarray
    center: np.ndarray | None = None
    shifted: Matrix | None = None
    spread: np.ndarray | None = None

    def then(self, weights: np.ndarray, bias: np.ndarray) -> Affine:
        """Return the origin of `x @ weights + bias` where this one is that of x."""
        scales = self.weights.ndim == 1
        both = self.weights[:, None] * weights if scales else self.weights @ weights
        return replace(self, weights=both, bias=self.bias @ weights + bias)

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Return what is made of rows of the source, float64 [N, k]."""
        rows = rows if self.center is None else rows - self.center
        scales = self.weights.ndim == 1
        return (rows * self.weights if scales else rows @ self.weights) + self.bias


@dataclass(frozen=True, eq=False)
class Monomials(Origin):
    """Products of a float32 `source` [N, d]: column f is `Π_i source_i ** powers[f, i]`.

    products: what adds the nodes for (graph, source, powers).
    """

    source: Matrix
    powers: np.ndarray
    products: Callable[[Any, Matrix, np.ndarray], Matrix]


@dataclass(frozen=True, eq=False)
class SparseRows(Origin):
    """A matrix [N, width]: `values` [N, L] stand in the columns `places` [N, L], others are 0.

    values: of any floating type; where a place comes twice its values are added. places: int64
    tensor's name, each in [0, width).
    """

    places: str
    values: Matrix
    width: int


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

    @classmethod
    def one_hot(cls, index: Matrix, count: int) -> Block:
        """Return the 0/1 columns [N, count] for indices [N, 1]; `count` is a row of zeros."""
        none = np.zeros(count)
        return cls(index, count, np.arange(count), none, none + 1.0)

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.group)

    def table(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what `x @ weights` is by index, [count + 1, k], less a constant, [k]."""
        by_index = np.zeros((self.count + 1, weights.shape[1]))
        by_index[self.group] = (self.on - self.off)[:, None] * weights
        return by_index, self.off @ weights


@dataclass(frozen=True, eq=False)
class Coded(Origin):
    """Columns of which a row has one at most, by their index: blocks, and tensors that are none.

    A one-hot code of 50,000 categories is 50,000 numbers a row, all alike but one. What reads the
    index instead takes a row of a table for a product with weights, and a test of the index for a
    split of a tree.
    """

    parts: tuple[Matrix | Block, ...]

    @classmethod
    def joined(cls, parts: Sequence[Matrix]) -> Coded | None:
        """Return the code of the joined parts, None where none of them has one."""
        codes = [p.origin(cls) for p in parts]
        if not any(codes):
            return None
        pairs = zip(codes, parts, strict=True)
        return cls(tuple(p for code, part in pairs for p in (code.parts if code else (part,))))

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

    def picked(self, indices: np.ndarray, select: Callable[[Matrix, list[int]], Matrix]) -> Coded:
        """Return the code of these columns, in this order.

        select: adds the nodes for columns of a part that is no block.
        """
        ends = self.ends
        owner = np.searchsorted(ends, indices, side="right") - 1
        bounds = np.flatnonzero(np.diff(owner)) + 1
        parts: list[Matrix | Block] = []
        for run in np.split(np.arange(len(indices)), bounds):
            if not len(run):
                continue
            number = int(owner[run[0]])
            part, at = self.parts[number], indices[run] - ends[number]
            if isinstance(part, Block):
                parts.append(replace(part, group=part.group[at], off=part.off[at], on=part.on[at]))
            else:
                parts.append(select(part, at.tolist()))
        return Coded(tuple(parts))
