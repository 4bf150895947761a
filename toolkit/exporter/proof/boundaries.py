"""Rows at the edges of bins, the limits of binarizers and the numbers that encoders know.

The steps of a pipeline and the parts of a column transformer are followed as far as each column
stays a column of its own; what such a step keeps is taken back through those before it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.exporter.proof.edits import Cell, Edit, Sample

MOST_EDGES = 60  # of a column's edges, spread evenly over all

# Values [features] as a step takes them, from values as it gives them.
Back = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Columns:
    """What a step is given: the inputs' cells, and how its numbers are taken back to theirs."""

    cells: tuple[Cell, ...]
    back: Back


def at_boundaries(estimator: Any, sample: Sample) -> Iterator[Edit]:
    """Yield rows with one number on an edge, and at the grid's numbers next to it."""
    cells = tuple(sample.cells("fiO"))
    names = [sample.named(c) for c in cells]
    for columns, edges in _found(estimator, Columns(cells, lambda values: values), names):
        for at, cell in enumerate(columns.cells):
            if cell[0] not in sample.grids:
                continue
            own = np.asarray(edges[at], dtype=np.float64)
            own = own[np.isfinite(own)]
            own = own[np.linspace(0, len(own) - 1, min(len(own), MOST_EDGES)).astype(int)]
            for k, edge in enumerate(own):
                yield from _at(edge, at, columns, sample, k)


def _at(edge: float, at: int, columns: Columns, sample: Sample, k: int) -> Iterator[Edit]:
    values = np.zeros(len(columns.cells))
    values[at] = edge
    raw = _quietly(columns.back, values)
    if raw is None or not np.isfinite(raw[at]):
        return
    cell = columns.cells[at]
    whole = sample.rows[cell[0]].dtype.kind in "iub"
    for value in dict.fromkeys(sample.grid(cell).around(raw[[at]])[0].tolist()):
        if not whole or value == np.rint(value):
            yield Edit(k, {cell: value}, f"edge of a bin of {sample.named(cell)}")


def _found(
    estimator: Any, columns: Columns, names: Sequence[str]
) -> Iterator[tuple[Columns, list[Any]]]:
    """Yield the columns of each step that keeps edges, with each column's edges."""
    if hasattr(estimator, "steps"):
        for _, step in estimator.steps:
            if step in (None, "passthrough"):
                continue
            yield from _found(step, columns, names)
            after = _behind(step, columns)
            if after is None:
                return
            columns, names = after, []
        return
    if hasattr(estimator, "transformers_"):
        for _, part, chosen in estimator.transformers_:
            picked = _picked(columns, names, chosen)
            if picked is not None and not isinstance(part, str):
                yield from _found(part, picked, [])
        return
    edges = _edges(estimator, len(columns.cells))
    if edges is not None:
        yield columns, edges


def _edges(step: Any, width: int) -> list[Any] | None:
    """Return what a step compares each column with, None where it keeps nothing of the kind."""
    if hasattr(step, "bin_edges_"):
        return list(step.bin_edges_) if len(step.bin_edges_) == width else None
    if type(step).__name__ == "Binarizer":
        return [[step.threshold]] * width
    categories = getattr(step, "categories_", None)
    if isinstance(categories, list) and len(categories) == width:
        return [c if np.asarray(c).dtype.kind in "fiu" else [] for c in categories]
    return None


def _behind(step: Any, columns: Columns) -> Columns | None:
    """Return the columns behind a step that keeps each to itself, None behind any other."""
    if not hasattr(step, "inverse_transform") or hasattr(step, "components_"):
        return None
    width = len(columns.cells)
    probe = _quietly(step.inverse_transform, np.zeros((1, width)))
    if probe is None or probe.shape != (1, width):
        return None

    def back(values: np.ndarray) -> np.ndarray:
        return columns.back(np.array(step.inverse_transform(values[None]), dtype=np.float64)[0])

    return Columns(columns.cells, back)


def _picked(columns: Columns, names: Sequence[str], chosen: Any) -> Columns | None:
    """Return the columns that a part of a column transformer gets."""
    wanted = np.atleast_1d(np.asarray(chosen, dtype=object)).tolist()
    if wanted and all(isinstance(w, bool | np.bool_) for w in wanted):
        wanted = np.flatnonzero(wanted).tolist()
    try:
        at = [list(names).index(w) if isinstance(w, str) else int(w) for w in wanted]
        cells = tuple(columns.cells[i] for i in at)
    except (ValueError, TypeError, IndexError):
        return None

    def back(values: np.ndarray) -> np.ndarray:
        whole = np.zeros(len(columns.cells))
        whole[at] = values
        return columns.back(whole)[at]

    return Columns(cells, back)


def _quietly(method: Callable[[np.ndarray], Any], values: np.ndarray) -> np.ndarray | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.array(method(values), dtype=np.float64)
    except (ValueError, TypeError, AttributeError):
        return None
