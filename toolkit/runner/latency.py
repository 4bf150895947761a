"""How long one call takes, by batch size: distinct rows in rotation, one thread, warmed up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import joblib
import numpy as np
import threadpoolctl  # type: ignore[import-not-found,import-untyped,unused-ignore]

BATCHES = (1, 10, 100, 1000)
ROUNDS = 5
SLICE_NS = 10_000_000  # of one subject and batch size, a round; at least one call, however slow
CALLS = 500  # different batches that are prepared, at most
PATIENCE_NS = 20_000_000_000  # a subject that took longer at a batch size has no further turns

Form = Callable[[Mapping[str, np.ndarray]], Any]


@dataclass
class _Series:
    """The calls of one subject at one batch size."""

    predict: Callable[[Any], Any]
    batch: int
    rows_used: int
    batches: Iterator[Any]
    samples_ns: list[int] = field(default_factory=list)

    def slice(self) -> None:
        """Time calls for about SLICE_NS, after one that warms up again."""
        if sum(self.samples_ns) > PATIENCE_NS:
            return
        clock = time.perf_counter_ns
        self.predict(next(self.batches))
        begin = end = clock()
        while end - begin < SLICE_NS:
            rows = next(self.batches)
            start = clock()
            self.predict(rows)
            end = clock()
            self.samples_ns.append(end - start)


def by_batch_size(
    subjects: Sequence[tuple[Callable[[Any], Any], Form]],
    inputs: Mapping[str, np.ndarray],
    batches: Sequence[int] = BATCHES,
) -> list[dict[str, dict[str, float]]]:
    """Return for each subject p50, p90, p99 (µs a call), throughput (rows/s) … by batch size.

    A subject is (predict, form). The call is `predict`, the one that users make:
    `Predictor.predict` for an artifact and the estimator's own `predict` (`transform` for a
    transformer), so that both give the same answer and both check their input. `form` makes what
    `predict` takes of rows, before the clock runs.

    A machine's pace changes by half within seconds, so the subjects take turns in short slices.
    A repeated row would train the branch predictor and flatter trees, so rows rotate: rows_used
    says how many distinct ones there were (fewer than a batch where the data is short), and calls
    how many calls were timed.
    """
    found: list[dict[str, dict[str, float]]] = [{} for _ in subjects]
    for batch in batches:
        series = [_series(predict, form, inputs, batch) for predict, form in subjects]
        for _ in range(ROUNDS):
            for one in series:
                one.slice()
        for figures, one in zip(found, series, strict=True):
            figures[str(batch)] = summary(one.samples_ns, batch) | {
                "calls": len(one.samples_ns),
                "rows_used": one.rows_used,
            }
    return found


def _series(
    predict: Callable[[Any], Any], form: Form, inputs: Mapping[str, np.ndarray], batch: int
) -> _Series:
    rows = len(next(iter(inputs.values())))
    made = [form({n: v[at] for n, v in inputs.items()}) for at in positions(rows, batch)]
    return _Series(predict, batch, min(rows, len(made) * batch), cycle(made))


def positions(rows: int, batch: int) -> list[np.ndarray]:
    """Return the row positions of different batches; a row comes twice only if there are too few.

    As many batches as it takes to see every row, but at most CALLS.
    """
    count = min(CALLS, -(-rows // batch))
    return [np.arange(k * batch, (k + 1) * batch) % rows for k in range(count)]


def summary(samples_ns: list[int], batch: int) -> dict[str, float]:
    """Return the percentiles of calls in µs, and the rows a second over all of them."""
    p50, p90, p99 = (float(p) / 1000 for p in np.percentile(samples_ns, [50, 90, 99]))
    throughput = batch * len(samples_ns) / (sum(samples_ns) / 1e9)
    return {"p50": p50, "p90": p90, "p99": p99, "throughput": throughput}


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold scikit-learn to one thread, as the artifacts are: BLAS, OpenMP and joblib's workers."""
    with threadpoolctl.threadpool_limits(1), joblib.parallel_config(backend="sequential"):
        yield
