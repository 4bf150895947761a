"""Timing by turns: several forms of one model on rotating rows, so that only ratios matter.

A machine's pace changes by half within seconds: what is to be compared takes turns in short slices,
in one process, and a ratio is taken within a turn. A repeated row would train the branch predictor
and flatter trees, so rows rotate.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import numpy as np

from toolkit.runtime.schema import DTYPES
from toolkit.runtime.session import open_session

CALLS = 500  # different batches that are prepared, at most
BATCHES = (1, 1000, 20_000)
TURNS = 15
SLICE_NS = 2_000_000  # of one subject, a turn; at least one call, however slow
LONG_NS, FEW_TURNS = 20_000_000, 5  # a batch that takes a call longer has so few turns
LONGER_NS, FEWEST_TURNS = 400_000_000, 3
LONGEST_NS = 1_000_000_000  # a batch that would take a call longer than this is left out

Rows = Mapping[str, np.ndarray]
Call = Callable[[Any], Any]


@dataclass
class Series:
    """The calls of one subject at one batch size: `predict` on the next of its batches."""

    predict: Call
    batches: Iterator[Any]
    samples_ns: list[int] = field(default_factory=list)

    def slice(self, slice_ns: int) -> None:
        """Time calls for about `slice_ns`, after one that warms up again."""
        clock = time.perf_counter_ns
        self.predict(next(self.batches))
        begin = end = clock()
        while end - begin < slice_ns:
            rows = next(self.batches)
            start = clock()
            self.predict(rows)
            end = clock()
            self.samples_ns.append(end - start)


def positions(rows: int, batch: int) -> list[np.ndarray]:
    """Return the row positions of different batches; a row comes twice only if there are too few.

    As many batches as it takes to see every row, but at most CALLS.
    """
    count = min(CALLS, -(-rows // batch))
    return [np.arange(k * batch, (k + 1) * batch) % rows for k in range(count)]


def turns_by_batch(
    subjects: Mapping[str, bytes | Call],
    rows: Rows,
    batches: Sequence[int] = BATCHES,
    turns: int = TURNS,
) -> dict[int, dict[str, np.ndarray]]:
    """Return by batch size, for each subject, its median time a call in every turn, µs [turns].

    subjects: ONNX bytes, opened with one thread, or functions of rows; rows: distinct ones by
    input name, which every subject takes (cast to a graph's types before the clock runs). A batch
    has no more rows than there are, and one that would take any subject longer than LONGEST_NS a
    call, by the time of the one before, is left out.
    """
    opened = {n: _opened(s) if isinstance(s, bytes) else (s, {}) for n, s in subjects.items()}
    there = len(next(iter(rows.values())))
    times: dict[int, dict[str, np.ndarray]] = {}
    row_ns = 0.0
    for batch in sorted({min(b, there) for b in batches}):
        if row_ns * batch > LONGEST_NS:
            break
        series = {n: Series(call, _rotating(rows, batch, to)) for n, (call, to) in opened.items()}
        medians: dict[str, list[float]] = {n: [] for n in series}
        for _ in range(_at_most(turns, row_ns * batch)):
            for name, one in series.items():
                one.samples_ns.clear()
                one.slice(SLICE_NS)
                medians[name].append(float(np.median(one.samples_ns)) / 1000)
        times[batch] = {n: np.array(m) for n, m in medians.items()}
        row_ns = max(float(np.median(m)) for m in times[batch].values()) * 1000 / batch
    return times


def _at_most(turns: int, call_ns: float) -> int:
    """Return how many turns there are for calls of about so long."""
    if call_ns <= LONG_NS:
        return turns
    return min(turns, FEW_TURNS if call_ns <= LONGER_NS else FEWEST_TURNS)


def jittered(rows: Rows, count: int, whole: bool = False) -> dict[str, np.ndarray]:
    """Return `count` rows: these again and again in random order, numbers a little moved.

    Fractions are moved by a hundredth of their column's deviation, so that no row takes the same
    way through a tree twice, which branch prediction would learn; whole numbers are where `whole`
    says so, and text is left as it is.
    """
    rng = np.random.default_rng(0)
    there = len(next(iter(rows.values())))
    at = rng.permutation(np.arange(count) % there)
    return {name: _moved(values, at, rng, whole) for name, values in rows.items()}


def _moved(values: np.ndarray, at: np.ndarray, rng: np.random.Generator, whole: bool) -> np.ndarray:
    if values.dtype.kind != "f":
        return values[at]
    finite = np.where(np.isfinite(values), values, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column without a number
        deviation = np.nan_to_num(np.nanstd(finite, axis=0))
    fraction = whole | ~(np.isnan(finite) | (finite == np.rint(finite))).all(axis=0)
    taken = values[at]
    step = 0.01 * deviation * fraction
    return taken + (rng.normal(size=taken.shape) * step).astype(values.dtype)


def ratio(turns: Mapping[str, np.ndarray], name: str, other: str) -> float:
    """Return the median over the turns of one subject's time by another's in the same turn."""
    return float(np.median(turns[name] / turns[other]))


def _opened(model: bytes) -> tuple[Call, dict[str, str]]:
    """Return the call of a model's every output, and what types its inputs have."""
    session = open_session(model, "a graph that is timed")
    names = [o.name for o in session.get_outputs()]
    return (lambda feed: session.run(names, feed)), {
        i.name: DTYPES[i.type] for i in session.get_inputs()
    }


def _rotating(rows: Rows, batch: int, types: Mapping[str, str]) -> Iterator[dict[str, np.ndarray]]:
    cast = {
        n: a.astype(types[n]) if types.get(n, "string") != "string" else a for n, a in rows.items()
    }
    there = len(next(iter(rows.values())))
    return cycle([{n: a[at] for n, a in cast.items()} for at in positions(there, batch)])
