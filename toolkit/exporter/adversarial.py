"""Rows made to find disagreement: extremes, tree thresholds ±1 ulp, missing values, categories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from toolkit.exporter.converted_trees import converted_trees
from toolkit.exporter.points import point_rows
from toolkit.exporter.schema import Schema, frame, rounded
from toolkit.exporter.tasks import reference
from toolkit.exporter.thresholds import rows_at, threshold_rows
from toolkit.runtime.schema import ANY, FINITE, MISSING, runs_of

UNSEEN = ("not-seen-in-fitting", "Ünseen ⟂ категория")

Rows = dict[str, np.ndarray]


def adversarial_rows(
    estimator: Any, inputs: Mapping[str, np.ndarray], schema: Schema, takes: str
) -> Rows:
    """Return rows by input name that are likely to part a wrong graph from its estimator.

    inputs: sample rows as a bundle keeps them (float64, text); takes: as from `which_taken`.
    Every row is a sample row with something changed:

    - each numeric column at its smallest and largest value, and one range beyond either; all
      columns at once; all zeros (in sample range and type)
    - tree thresholds, rounded to float32, and the float32 before and after each, in a row that
      reaches that split
    - the points that the estimator keeps: exact matches, at distance 0
    - NaN in each column and in all, where the estimator takes it; infinities likewise
    - an unseen and a non-ASCII category, and a missing one where taken, in each text column
    - texts in capitals, with other separators, marks, digits and white space, and no text at all
    """
    made = [
        *_extremes(inputs),
        *_at_thresholds(estimator, inputs),
        *_at_points(estimator, inputs),
        *_non_finite(inputs, takes),
        *_categories(inputs, takes),
        *_documents(inputs, schema),
    ]
    return {n: np.concatenate([r[n] for r in made]) for n in inputs} if made else dict(inputs)


def which_taken(estimator: Any, inputs: Mapping[str, np.ndarray], schema: Schema, task: str) -> str:
    """Return "any", "nan" or "finite": what non-finite or missing values scikit-learn takes.

    Tried on the estimator itself: NaN (or a missing text) in one column after the other, then an
    infinity where NaN is taken. Where columns differ, what each input takes by column, as
    `toolkit.runtime.schema.takes_of_columns` reads it, the inputs parted by commas.
    """

    def answered(name: str, column: int, value: Any, k: int) -> bool:
        row = _base(inputs, k)
        row[name][0, column] = value
        return _answers(estimator, row, schema, task)

    taken: dict[tuple[str, int], str] = {}
    for kind, missing in (("f", np.nan), ("O", "")):
        for k, (name, column) in enumerate(_cells(inputs, kind)):
            taken[name, column] = FINITE
            if answered(name, column, missing, k):
                infinite = kind == "f" and answered(name, column, np.inf, k)
                taken[name, column] = ANY if infinite else MISSING
    if len(set(taken.values())) < 2:
        return next(iter(taken.values()), FINITE)
    return ",".join(
        runs_of([taken.get((name, c), FINITE) for c in range(values.shape[1])])
        for name, values in inputs.items()
    )


def accepted(estimator: Any, rows: Rows, schema: Schema, task: str) -> Rows:
    """Return the rows that scikit-learn answers, as given and rounded to float32.

    What it refuses cannot be compared; rounding may carry a value over a limit that the estimator
    keeps, the largest value it was fitted on.
    """
    for form in (dict, rounded):
        kept = accepted_positions(estimator, form(rows), schema, task)
        rows = {n: a[kept] for n, a in rows.items()}
    return rows


def accepted_positions(
    estimator: Any, rows: Mapping[str, np.ndarray], schema: Schema, task: str
) -> list[int]:
    """Return the positions of the rows that scikit-learn answers."""
    count = len(next(iter(rows.values())))
    if _answers(estimator, rows, schema, task):
        return list(range(count))
    single = ({n: a[[i]] for n, a in rows.items()} for i in range(count))
    return [i for i, row in enumerate(single) if _answers(estimator, row, schema, task)]


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
    if MISSING not in takes and ANY not in takes:
        return
    for value in (np.nan, np.inf, -np.inf) if ANY in takes else (np.nan,):
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


# What documents are made of that goes wrong: separators that are not ASCII, characters whose lower
# case or accent is not a matter of one character, white space of several kinds.
SPLICES = ("—", "→", "\u00a0", "\t\n", "_", "🙂", "x→", "0", "’", "…", "東", "\u0301", "\ufeff")
DOCUMENTS = (
    "",
    " ",
    "a",
    "\u0301",
    "İSTANBUL ĲSSEL",
    "ΟΔΟΣ ΣΑΣ",
    "ﬁne ½ ™ ㎏",
    "한국어 ﾊﾝｶｸ",
    "\u212a\u212b",
)
COLUMN = 12  # documents to each text column: a category column has none that long


def _documents(inputs: Mapping[str, np.ndarray], schema: Schema) -> Iterator[Rows]:
    prose = {s.name for s in schema.inputs if s.dtype == "string" and s.missing in ("kept", "none")}
    for name, column in _cells({n: a for n, a in inputs.items() if n in prose}, "O"):
        texts = [t for t in inputs[name][:, column].tolist() if " " in t][:COLUMN]
        if not texts:
            continue
        made = [*DOCUMENTS, *(t.upper() for t in texts), *(t.title() for t in texts[:3])]
        for k, splice in enumerate(SPLICES):
            text = texts[k % len(texts)]
            made += [
                text.replace(" ", splice),
                text[: len(text) // 2] + splice + text[len(text) // 2 :],
            ]
        for k, text in enumerate(made):
            row = _base(inputs, k)
            row[name][0, column] = text
            yield row
