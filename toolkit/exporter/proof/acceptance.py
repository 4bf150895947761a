"""What scikit-learn itself takes: which missing and non-finite values, and which rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from toolkit.exporter.proof.edits import Cell, Rows, rows_of
from toolkit.exporter.schema import Schema, frame
from toolkit.exporter.tasks import reference_outputs, task_of
from toolkit.runtime.schema import ANY, FINITE, MISSING, runs_of


def non_finite_accepted(estimator: Any, inputs: Mapping[str, np.ndarray], schema: Schema) -> str:
    """Return "any", "nan" or "finite": what non-finite or missing values scikit-learn takes.

    Tried on the estimator itself: NaN (or a missing text) in one column after the other, then an
    infinity where NaN is taken. Where columns differ, what each input takes by column, as
    `toolkit.runtime.schema.non_finite_of_columns` reads it, the inputs parted by commas.
    """

    def answered(cell: Cell, value: Any, k: int) -> bool:
        row = {n: a[[k % len(a)]].copy() for n, a in inputs.items()}
        row[cell[0]][0, cell[1]] = value
        return answers(estimator, row, schema)

    taken: dict[Cell, str] = {}
    for kind, missing in (("f", np.nan), ("O", "")):
        cells = [
            (n, c) for n, a in inputs.items() if a.dtype.kind == kind for c in range(a.shape[1])
        ]
        for k, cell in enumerate(cells):
            taken[cell] = FINITE
            if answered(cell, missing, k):
                infinite = kind == "f" and answered(cell, np.inf, k)
                taken[cell] = ANY if infinite else MISSING
    if len(set(taken.values())) < 2:
        return next(iter(taken.values()), FINITE)
    return ",".join(
        runs_of([taken.get((name, c), FINITE) for c in range(values.shape[1])])
        for name, values in inputs.items()
    )


def accepted_positions(estimator: Any, rows: Mapping[str, np.ndarray], schema: Schema) -> list[int]:
    """Return the positions of the rows that scikit-learn answers.

    Halved again and again, so that a few rows that it refuses cost a few calls each.
    """
    positions: list[int] = []

    def look(start: int, end: int) -> None:
        if answers(estimator, {n: a[start:end] for n, a in rows.items()}, schema):
            positions.extend(range(start, end))
        elif end - start > 1:
            middle = (start + end) // 2
            look(start, middle)
            look(middle, end)

    look(0, rows_of(rows))
    return positions


def answers(estimator: Any, rows: Rows, schema: Schema) -> bool:
    """Tell whether scikit-learn answers all these rows."""
    try:
        reference_outputs(estimator, frame(rows, schema), task_of(estimator))
    except Exception:  # any refusal of scikit-learn's, or of what it calls, is the answer "no"
        return False
    return True
