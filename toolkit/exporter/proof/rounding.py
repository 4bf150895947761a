"""What scikit-learn's own float64 arithmetic leaves undecided of each output column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from toolkit import metrics
from toolkit.exporter.schema import Schema, frame
from toolkit.exporter.tasks import reference_outputs, task_of
from toolkit.precision import FLOAT64_UNIT

ROWS = 256  # the median over so many rows
FAR = 2.0**-32  # a move that is large beside all rounding, and small beside the data
# Rounding of sums is so small a part of the largest numbers at most; what moves by more for a move
# by FLOAT64_UNIT was no rounding but a threshold, or a category that is no longer met.
LARGEST = 64 * FLOAT64_UNIT
SEED = 0

Rows = Mapping[str, np.ndarray]


def own_rounding(
    estimator: Any, rows: Rows, expected: Rows, schema: Schema
) -> dict[str, np.ndarray]:
    """Return by numeric output how far each column is undecided, float64 [k]; empty if none tells.

    Two things count. What is smooth moves by a part of what it moves by for a larger move: the
    answers to rows moved by FAR, brought down to FLOAT64_UNIT. (A threshold that is crossed counts
    for a millionth there.) What is left of terms that cancel, as zeros of a Fourier transform,
    differs for any move: by no more than LARGEST of the largest number, else it is no rounding.
    """
    first = {n: a[:ROWS] for n, a in rows.items()}
    far, near = (_answers(estimator, first, part, schema) for part in (FAR, FLOAT64_UNIT))
    rounding = {}
    sizes = [
        np.abs(a[np.isfinite(a)]).max(initial=0.0) for a in first.values() if a.dtype.kind == "f"
    ]
    for name in metrics.numeric(expected):
        values = metrics.columns(expected[name])[:ROWS]
        size = max([*sizes, np.abs(values[np.isfinite(values)]).max(initial=0.0)])
        smooth = _moved(values, far, name) * (FLOAT64_UNIT / FAR)
        left = _moved(values, near, name)
        rounding[name] = np.maximum(smooth, np.where(left <= LARGEST * size, left, 0.0))
    return rounding


def _moved(values: np.ndarray, answers: Rows | None, name: str) -> np.ndarray:
    """Return the median over the rows of how far each column moved, 0 without answers."""
    if answers is None or np.size(answers[name]) != values.size or not len(values):
        return np.zeros(values.shape[1])
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(metrics.columns(answers[name]) - values)
    return np.asarray(np.median(np.where(np.isfinite(apart), apart, 0.0), axis=0))


def _answers(estimator: Any, rows: Rows, part: float, schema: Schema) -> Rows | None:
    """Return the answers to the rows with every number moved by a part of itself, either way."""
    rng = np.random.default_rng(SEED)
    if not any(a.dtype.kind == "f" for a in rows.values()):
        return None
    moved = {
        n: a * (1.0 + part * rng.choice([-1.0, 1.0], a.shape)) if a.dtype.kind == "f" else a
        for n, a in rows.items()
    }
    try:
        return reference_outputs(estimator, frame(moved, schema), task_of(estimator))
    except Exception:  # a strict encoder takes no other number: there is no rounding to tell
        return None
