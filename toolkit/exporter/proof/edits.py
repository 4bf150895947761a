"""Adversarial rows as edits of sample rows: which row, what is changed in it, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.exporter.grid import Grid, Grids
from toolkit.exporter.schema import Schema

Rows = dict[str, np.ndarray]
Cell = tuple[str, int]  # an input's name and one of its columns


@dataclass(frozen=True)
class Edit:
    """A sample row's number, the values that are put into it by cell, and what the row is for."""

    base: int
    changes: Mapping[Cell, Any]
    kind: str


@dataclass(frozen=True)
class Adversarial:
    """Adversarial rows by input name; `kinds` says of each what it is, `changed` which cells.

    lost: how many more of a kind were made that scikit-learn refuses.
    """

    rows: Rows
    kinds: tuple[str, ...]
    changed: tuple[tuple[Cell, ...], ...]
    lost: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def ends(self) -> np.ndarray:
        """The positions of the rows at the data's ends and beyond, and at the estimator's points.

        What a form of the graph is chosen by: mixed rows, which nobody has, would make it slow.
        """
        kinds = ("extreme ", "a point ", "threshold ")
        return np.array([i for i, k in enumerate(self.kinds) if k.startswith(kinds)], dtype=int)

    def only(self, positions: Sequence[int]) -> Adversarial:
        """Return the rows at these positions; the others are lost."""
        left = set(positions)
        lost = dict(self.lost)
        for at, kind in enumerate(self.kinds):
            if at not in left:
                lost[kind] = lost.get(kind, 0) + 1
        return Adversarial(
            {n: a[list(positions)] for n, a in self.rows.items()},
            tuple(self.kinds[at] for at in positions),
            tuple(self.changed[at] for at in positions),
            lost,
        )


def edited(sample: Mapping[str, np.ndarray], edits: Sequence[Edit]) -> Adversarial:
    """Return the edits carried out on the sample rows."""
    at = np.array([e.base for e in edits], dtype=np.int64) % rows_of(sample)
    rows = {n: a[at].copy() for n, a in sample.items()}
    for number, edit in enumerate(edits):
        for (name, column), value in edit.changes.items():
            rows[name][number, column] = value
    return Adversarial(
        rows, tuple(e.kind for e in edits), tuple(tuple(e.changes) for e in edits), {}
    )


def rows_of(rows: Mapping[str, np.ndarray]) -> int:
    """Return the number of rows."""
    return len(next(iter(rows.values())))


@dataclass(frozen=True)
class Sample:
    """What adversarial rows are made from: sample rows, and what is known of their columns.

    rows: float64, integers and text by input name; known: further rows, whose values count as known
    as well; non_finite: as from `non_finite_accepted`; grids: of the numeric columns; trees: the
    estimator's, as `converted_trees` has them, where they are read already.
    """

    rows: Rows
    known: Rows
    schema: Schema
    non_finite: str
    grids: Grids
    trees: Sequence[Any] = ()

    def cells(self, kinds: str) -> list[Cell]:
        """Return the columns of these numpy kinds ("f", "i", "O")."""
        return [
            (n, c) for n, a in self.rows.items() if a.dtype.kind in kinds for c in range(a.shape[1])
        ]

    def column(self, cell: Cell) -> np.ndarray:
        """Return a column's values in the sample rows and the other known ones."""
        name, column = cell
        return np.concatenate([self.rows[name][:, column], self.known[name][:, column]])

    def grid(self, cell: Cell) -> Grid:
        """Return a numeric column's grid."""
        return self.grids[cell[0]][cell[1]]

    def named(self, cell: Cell) -> str:
        """Return what the caller calls a column."""
        return column_name(self.schema, cell)


def column_name(schema: Schema, cell: Cell) -> str:
    """Return what the caller calls a column of an input: its own name, or X[3]."""
    name, column = cell
    spec = next(s for s in schema.inputs if s.name == name)
    if spec.columns:
        return spec.columns[column]
    return name if spec.width == 1 and len(schema.inputs) > 1 else f"{name}[{column}]"


def at_most(edits: Iterator[Edit], most: int) -> list[Edit]:
    """Return so many edits, evenly from all."""
    every = list(edits)
    if len(every) <= most:
        return every
    return [every[i] for i in np.linspace(0, len(every) - 1, most).astype(int)]
