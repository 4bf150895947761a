"""Rows made to find disagreement: extremes, thresholds, the grid, missing values, categories."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from toolkit.estimators.frames import TEXTS
from toolkit.exporter.proof.boundaries import at_boundaries
from toolkit.exporter.proof.documents import documents
from toolkit.exporter.proof.edits import Adversarial, Cell, Edit, Sample, edited, rows_of
from toolkit.exporter.proof.points import at_points
from toolkit.exporter.proof.sweep import sweep
from toolkit.exporter.proof.thresholds import at_thresholds
from toolkit.runtime.schema import ANY, FINITE, MISSING

UNSEEN = ("not-seen-in-fitting", "Ünseen ⟂ категория")
KNOWN_TEXTS = 50  # of a column
MIXED, MIXED_VALUES = 500, 25_000  # mixed rows at most, and values in them
SEED = 0


def adversarial_rows(estimator: Any, sample: Sample) -> Adversarial:
    """Return rows that are likely to part a wrong graph from its estimator.

    Every row is a sample row with something changed, to numbers of the columns' own grids:

    - each numeric column at its smallest and largest value, and one range beyond either; all
      columns at once; all zeros (in sample range and type)
    - each numeric column at its known values and at the grid's next to them
    - columns of two rows mixed: new combinations of known values
    - thresholds of trees, and the grid's numbers at, below and above each, in a row that reaches
      that split; edges of bins and limits of binarizers likewise
    - the points that the estimator keeps: exact matches, at distance 0
    - NaN in each column and in all, where the estimator takes it; infinities likewise
    - an unseen and a non-ASCII category, what looks like a known one, and a missing one where
      taken, in each text column; known ones, evenly from the first to the last where there are many
    - texts in capitals, with other separators, marks, digits and white space, and no text at all
    """
    edits = [
        *_extremes(sample),
        *sweep(estimator, sample),
        *_mixtures(sample),
        *at_thresholds(estimator, sample),
        *at_boundaries(estimator, sample),
        *at_points(estimator, sample),
        *_non_finite(sample),
        *_categories(sample),
        *documents(sample),
    ]
    return edited(sample.rows, edits or [Edit(0, {}, "a sample row")])


def _extremes(sample: Sample) -> Iterator[Edit]:
    cells = sample.cells("fi")
    corners: list[dict[Cell, Any]] = [{}, {}, {}]
    for k, cell in enumerate(cells):
        values = sample.rows[cell[0]][:, cell[1]]
        values = values[np.isfinite(values)] if values.dtype.kind == "f" else values
        if not len(values):
            continue
        low, high = values.min(), values.max()
        beyond = [low - (high - low), high + (high - low)]
        if values.dtype.kind == "f":
            beyond = sample.grid(cell).snapped(np.array(beyond)).tolist()
        for value in (low, high, *beyond):
            yield Edit(k, {cell: value}, f"extreme of {sample.named(cell)}")
        for corner, value in zip(corners, (low, high, min(max(0, low), high)), strict=True):
            corner[cell] = value
    if cells:
        for corner in corners:
            yield Edit(0, corner, "extreme of all columns")


def _mixtures(sample: Sample) -> Iterator[Edit]:
    """Yield rows half of whose columns are another row's."""
    cells = sample.cells("fiO")
    count = rows_of(sample.rows)
    if len(cells) < 2 or count < 2:
        return
    rng = np.random.default_rng(SEED)
    for _ in range(min(MIXED, MIXED_VALUES // len(cells))):
        base, other = rng.integers(0, count, 2).tolist()
        chosen = np.flatnonzero(rng.random(len(cells)) < 0.5).tolist()
        changes = {cells[c]: sample.rows[cells[c][0]][other, cells[c][1]] for c in chosen}
        yield Edit(base, changes, "columns of two rows")


def _non_finite(sample: Sample) -> Iterator[Edit]:
    if MISSING not in sample.non_finite and ANY not in sample.non_finite:
        return
    cells = sample.cells("f")
    for value in (np.nan, np.inf, -np.inf) if ANY in sample.non_finite else (np.nan,):
        what = "missing value" if np.isnan(value) else f"{value} "
        for k, cell in enumerate(cells):
            yield Edit(k, {cell: value}, f"{what.strip()} in {sample.named(cell)}")
        if np.isnan(value):
            for k, cell in enumerate(sample.cells("O")):
                yield Edit(k, {cell: ""}, f"missing text in {sample.named(cell)}")
        yield Edit(0, dict.fromkeys(cells, value), f"{what.strip()} in all columns")


def _categories(sample: Sample) -> Iterator[Edit]:
    for k, cell in enumerate(sample.cells("O")):
        name = sample.named(cell)
        known = _spread(list(dict.fromkeys(sample.column(cell).tolist())))
        for text in UNSEEN:
            yield Edit(k, {cell: text}, f"unseen text in {name}")
        # A label encoder cuts texts to its longest label, and finds a look-alike that is longer.
        for text in _look_alikes(known) if sample.schema.form != TEXTS else ():
            yield Edit(k, {cell: text}, f"look-alike of a known text in {name}")
        if sample.non_finite != FINITE:
            yield Edit(k, {cell: ""}, f"missing text in {name}")
        for text in (t for t in known if t):
            yield Edit(k + rows_of(sample.rows) // 2, {cell: text}, f"known text in {name}")


def _spread(texts: list[str]) -> list[str]:
    """Return so many of the texts as are tried, the first and the last among them."""
    if len(texts) <= KNOWN_TEXTS:
        return texts
    return [texts[i] for i in np.linspace(0, len(texts) - 1, KNOWN_TEXTS).astype(int)]


def _look_alikes(known: list[str]) -> list[str]:
    """Return texts that a careless lookup takes for a known one: cut, longer, in other case."""
    longest = max(known, key=len, default="")
    alike = (longest + " ", longest[:-1], longest.swapcase())
    return [text for text in alike if text and text not in known]
