"""What becomes of a variant beyond the calibration rows, where the grids of its numbers may end.

A device meets rows that lie further out than any calibration row. A grid that ends clips what is
beyond it: the answers stop growing, without a word. So every variant is run on rows with one column
after the other, and at last all of them, some ranges beyond either end of the calibration rows, and
held against model.onnx.

It is said where it is much worse there: where the typical error is more than half of what the
answers vary by (an NMSE above `LOST`), or so many labels differ, and ten times what it is on the
calibration rows. Parameters that are rounded move an answer by some part of itself, wherever the
row lies; that much worse are only numbers that are rounded as the graph runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.errors import InvalidInput
from toolkit.metrics import (
    Outputs,
    Scale,
    agreement,
    columns,
    distance,
    numeric,
    squares,
    worst_mean,
)
from toolkit.runtime.predictor import Predictor

# How many ranges beyond the calibration rows: a grid of 16 bits has some in reserve.
RANGES = (1, 10, 100)
ROWS = 1024  # about so many at most, for each of them
EACH = 8  # for either end of a column, where there are few enough
LOST, WORSE = 0.25, 10.0

Rows = dict[str, np.ndarray]
Answers = tuple[Outputs, Outputs]  # those that are right, and a variant's


@dataclass(frozen=True)
class Further:
    """Rows so many ranges beyond the calibration rows, and what model.onnx answers to them."""

    ranges: int
    inputs: Rows
    expected: Rows

    @property
    def place(self) -> str:
        """Where these rows are, in words."""
        return f"{self.ranges} range{'s' if self.ranges > 1 else ''} beyond the calibration rows"


@dataclass(frozen=True)
class Beyond:
    """The rows that variants are run on, by how far out they are; none where there is no such."""

    further: tuple[Further, ...]

    @staticmethod
    def of(inputs: Mapping[str, np.ndarray], whole: Predictor) -> Beyond:
        """Return the rows beyond these that model.onnx answers with finite numbers."""
        return Beyond(tuple(f for k in RANGES if (f := _further(k, inputs, whole)) is not None))

    def said(self, predictor: Predictor, within: Answers, scales: Mapping[str, Scale]) -> str:
        """Return what is to be said of a variant's answers to these rows, "" where nothing is.

        within: scikit-learn's answers to the calibration rows, and the variant's.
        """
        for one in self.further:
            try:
                got = predictor.run(one.inputs)
            except InvalidInput:
                return f"no answers {one.place}"
            answers = one.expected, got
            said = [_numbers(n, answers, within, scales[n], one.place) for n in scales]
            said.append(_labels(answers, within, one.place))
            if any(said):
                return "; ".join(filter(None, said))
        return ""


def _further(ranges: int, inputs: Mapping[str, np.ndarray], whole: Predictor) -> Further | None:
    rows = rows_beyond(inputs, ranges)
    if not rows:
        return None
    try:
        expected = whole.run(rows)
    except InvalidInput:
        return None
    finite = np.ones(len(next(iter(rows.values()))), dtype=bool)
    for name in numeric(expected):
        finite &= np.isfinite(columns(expected[name])).all(axis=1)
    if not finite.any():
        return None
    rows, expected = ({n: a[finite] for n, a in part.items()} for part in (rows, expected))
    return Further(ranges, rows, expected)


def _numbers(name: str, there: Answers, here: Answers, scale: Scale, place: str) -> str:
    """Return what the numbers lose, in figures of the worst; "" where they are not much worse."""
    wanted, got = (columns(answers[name]) for answers in there)
    lost, usual = (
        worst_mean(squares({name: a[name]}, {name: b[name]})[name]) for a, b in (there, here)
    )
    if not lost > max(LOST, WORSE**2 * usual):
        return ""
    apart = distance(wanted, got)
    at = np.unravel_index(apart.argmax(), apart.shape)
    center = scale.center[at[1]]
    falls_short = abs(got[at] - center) < abs(wanted[at] - center)
    within = distance(*(answers[name] for answers in here)).max(initial=0.0)
    return (
        f"{'saturates' if falls_short else 'wrong'} {place}: off by up to {apart[at]:.3g} "
        f"({got[at]:.4g} for {wanted[at]:.4g}), on these by {within:.2g}"
    )


def _labels(there: Answers, here: Answers, place: str) -> str:
    other, usual = (1 - agreement(*answers) for answers in (there, here))
    return f"{other:.0%} other labels {place}" if other > max(LOST, WORSE * usual) else ""


def rows_beyond(inputs: Mapping[str, np.ndarray], ranges: int) -> Rows:
    """Return rows with columns of numbers so many ranges beyond either end; {} without numbers."""
    cells = [(n, c) for n, a in inputs.items() if a.dtype.kind in "fi" for c in range(a.shape[1])]
    ends = {
        (name, column): outer
        for name, column in cells
        if (outer := _ends(inputs[name][:, column], ranges))
    }
    if not ends:
        return {}
    most = ROWS // 2  # columns, each of which makes two rows at least
    chosen = _spread(list(ends), most)
    each = max(1, min(EACH, most // len(chosen)))
    moves = [{cell: ends[cell][end]} for cell in chosen for end in (0, 1)]
    moves += [{cell: values[end] for cell, values in ends.items()} for end in (0, 1)]
    base = _spread(range(len(next(iter(inputs.values())))), each)
    moved = list(_moved(inputs, moves, base))
    return {n: np.concatenate([rows[n] for rows in moved]) for n in inputs}


def _spread(values: Sequence, count: int) -> list:
    """Return at most so many of the values, evenly spread."""
    at = np.linspace(0, len(values) - 1, min(len(values), count)).astype(int)
    return [values[k] for k in at]


def _ends(column: np.ndarray, ranges: int) -> tuple[float, float] | None:
    """Return the values so many ranges below and above a column's, None where it has one value."""
    finite = column[np.isfinite(column)]
    if not len(finite) or finite.min() == finite.max():
        return None
    low, high = float(finite.min()), float(finite.max())
    most = 2.0 ** (8 * column.itemsize - 2) if column.dtype.kind == "i" else np.inf
    below, above = low - ranges * (high - low), high + ranges * (high - low)
    return max(below, -most), min(above, most)


def _moved(
    inputs: Mapping[str, np.ndarray], moves: list[dict[tuple[str, int], float]], at: list[int]
) -> Iterator[Rows]:
    """Yield the rows at these positions with some columns changed, for each of the moves."""
    for move in moves:
        rows = {n: a[at] for n, a in inputs.items()}
        for (name, column), value in move.items():
            rows[name][:, column] = value
        yield rows
