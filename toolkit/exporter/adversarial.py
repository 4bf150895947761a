"""Rows made to find disagreement: extremes, tree thresholds ±1 ulp, missing values, categories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from toolkit.exporter.converted_trees import converted_trees
from toolkit.exporter.points import point_rows
from toolkit.exporter.schema import Schema, frame
from toolkit.exporter.tasks import reference
from toolkit.exporter.thresholds import rows_at, threshold_rows
from toolkit.runtime.schema import ANY, FINITE, MISSING

UNSEEN = ("not-seen-in-fitting", "Ünseen ⟂ категория")

Rows = dict[str, np.ndarray]


def adversarial_rows(
    estimator: Any, inputs: Mapping[str, np.ndarray], schema: Schema, takes: str
) -> Rows:
    """Return rows by input name that are likely to part a wrong graph from its estimator.

    inputs: sample rows as a bundle keeps them (float64, text); takes: "finite", "nan" or "any".
    Every row is a sample row with something changed:

    - each numeric column at its smallest and largest value, and one range beyond either; all
      columns at once; all zeros (in sample range and type)
    - tree thresholds, rounded to float32, and the float32 before and after each, in a row that
      reaches that split
    - the points that the estimator keeps: exact matches, at distance 0
    - NaN in each column and in all, where the estimator takes it; infinities likewise
    - an unseen and a non-ASCII category, and a missing one where taken, in each text column
    """
    made = [
        *_extremes(inputs),
        *_at_thresholds(estimator, inputs),
        *_at_points(estimator, inputs),
        *_non_finite(inputs, takes),
        *_categories(inputs, takes),
    ]
    return {n: np.concatenate([r[n] for r in made]) for n in inputs} if made else dict(inputs)


def which_taken(estimator: Any, inputs: Mapping[str, np.ndarray], schema: Schema, task: str) -> str:
    """Return "any", "nan" or "finite": what non-finite or missing values scikit-learn takes.

    Tried on the estimator itself: NaN (or a missing text) in one column after the other; the first
    column that is taken decides.
    """
    taken = FINITE
    for value, answer in ((np.nan, MISSING), (np.inf, ANY)):
        if any(_answers(estimator, r, schema, task) for r in _spoiled(inputs, value)):
            taken = answer
        else:
            break
    return taken


def accepted(estimator: Any, rows: Rows, schema: Schema, task: str) -> Rows:
    """Return the rows that scikit-learn answers; what it refuses cannot be compared."""
    if _answers(estimator, rows, schema, task):
        return rows
    count = len(next(iter(rows.values())))
    kept = [
        i
        for i in range(count)
        if _answers(estimator, {n: a[[i]] for n, a in rows.items()}, schema, task)
    ]
    return {n: a[kept] for n, a in rows.items()}


def _answers(estimator: Any, rows: Mapping[str, np.ndarray], schema: Schema, task: str) -> bool:
    try:
        reference(estimator, frame(rows, schema), task)
    except Exception:  # any refusal of scikit-learn's, or of what it calls, is the answer "no"
        return False
    return True


def _base(inputs: Mapping[str, np.ndarray], row: int = 0) -> Rows:
    count = len(next(iter(inputs.values())))
    return {n: a[[row % count]].copy() for n, a in inputs.items()}


def _cells(inputs: Mapping[str, np.ndarray], kinds: str) -> list[tuple[str, int]]:
    return [(n, c) for n, a in inputs.items() if a.dtype.kind in kinds for c in range(a.shape[1])]


def _extremes(inputs: Mapping[str, np.ndarray]) -> Iterator[Rows]:
    cells = _cells(inputs, "fi")
    corners: list[Rows] = [_base(inputs) for _ in range(3)]
    for k, (name, column) in enumerate(cells):
        values = inputs[name][:, column]
        values = values[np.isfinite(values)] if values.dtype.kind == "f" else values
        if not len(values):
            continue
        low, high = values.min(), values.max()
        for value in (low, high, low - (high - low), high + (high - low)):
            row = _base(inputs, k)
            row[name][0, column] = value
            yield row
        for corner, value in zip(corners, (low, high, min(max(0, low), high)), strict=True):
            corner[name][0, column] = value
    if cells:
        yield from corners


def _at_thresholds(estimator: Any, inputs: Mapping[str, np.ndarray]) -> Iterator[Rows]:
    if len(inputs) != 1:
        return
    name, sample = next(iter(inputs.items()))
    if sample.dtype.kind == "f":
        rows = list(threshold_rows(estimator, sample))
        if not rows or hasattr(estimator, "steps"):
            rows += rows_at(list(converted_trees(estimator, sample.shape[1])), sample, [])
        for row in rows:
            yield {name: row[None]}


def _at_points(estimator: Any, inputs: Mapping[str, np.ndarray]) -> Iterator[Rows]:
    if len(inputs) != 1:
        return
    name, sample = next(iter(inputs.items()))
    if sample.dtype.kind == "f":
        for row in point_rows(estimator, sample):
            yield {name: row[None]}


def _spoiled(inputs: Mapping[str, np.ndarray], value: float) -> Iterator[Rows]:
    """Yield a sample row for each column with `value` there ("" for NaN in text)."""
    for k, (name, column) in enumerate(_cells(inputs, "f")):
        row = _base(inputs, k)
        row[name][0, column] = value
        yield row
    if np.isnan(value):
        for k, (name, column) in enumerate(_cells(inputs, "O")):
            row = _base(inputs, k)
            row[name][0, column] = ""
            yield row


def _non_finite(inputs: Mapping[str, np.ndarray], takes: str) -> Iterator[Rows]:
    if takes == FINITE:
        return
    for value in (np.nan,) if takes == MISSING else (np.nan, np.inf, -np.inf):
        yield from _spoiled(inputs, value)
        everywhere = _base(inputs)
        for name, column in _cells(inputs, "f"):
            everywhere[name][0, column] = value
        yield everywhere


def _categories(inputs: Mapping[str, np.ndarray], takes: str) -> Iterator[Rows]:
    texts = UNSEEN if takes == FINITE else (*UNSEEN, "")
    for k, (name, column) in enumerate(_cells(inputs, "O")):
        known = list(dict.fromkeys(inputs[name][:, column].tolist()))[:50]
        for text in (*texts, *(t for t in known if t)):
            row = _base(inputs, k)
            row[name][0, column] = text
            yield row
