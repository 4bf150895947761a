"""Rows along each numeric column: its known values, and the grid's next to them.

What decides on a single column (bins, binarizers, encoders of numbers, the first splits of trees)
is met here whatever it is: nothing of the estimator is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from toolkit.exporter.proof.acceptance import answers
from toolkit.exporter.proof.edits import Cell, Edit, Sample, edited, rows_of

ROWS = 1500  # of all columns together
FEWEST = 6  # of a column; where there are too many columns for that, not all are gone along


def sweep(estimator: Any, sample: Sample) -> Iterator[Edit]:
    """Yield rows with one column at a known value, or at one next to it where that is taken."""
    cells = sample.cells("fi")
    most = max(FEWEST, ROWS // max(1, len(cells)))
    if len(cells) * most > ROWS:
        cells = [cells[i] for i in np.linspace(0, len(cells) - 1, ROWS // most).astype(int)]
    for k, cell in enumerate(cells):
        known, between = _values(sample, cell, most)
        for at, value in enumerate(known):
            yield Edit(k + at, {cell: value}, f"known value of {sample.named(cell)}")
        if len(between) and _taken(estimator, sample, cell, between):
            for at, value in enumerate(between):
                kind = f"value next to a known one of {sample.named(cell)}"
                yield Edit(k + at, {cell: value}, kind)


def _values(sample: Sample, cell: Cell, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return known values of a column, and numbers of its grid beside them: `most` together.

    All numbers of the grid in the known range where they are few enough.
    """
    values = sample.column(cell)
    whole = values.dtype.kind == "i"
    values = np.unique(values if whole else values[np.isfinite(values)])
    if not len(values):
        return values, values
    half = max(1, most // 2)
    known = values[np.linspace(0, len(values) - 1, min(len(values), half)).astype(int)]
    if whole:
        near = np.concatenate([known - 1, known + 1])
    else:
        near = sample.grid(cell).around(known).ravel()
    near = np.setdiff1d(near, values)
    rest = most - len(known)
    return known, near[np.linspace(0, len(near) - 1, min(len(near), rest)).astype(int)]


def _taken(estimator: Any, sample: Sample, cell: Cell, values: np.ndarray) -> bool:
    """Tell whether the estimator takes numbers of this column that it has not seen."""
    tried = edited(sample.rows, [Edit(0, {cell: v}, "") for v in values[:: len(values) // 2 + 1]])
    return bool(rows_of(tried.rows)) and answers(estimator, tried.rows, sample.schema)
