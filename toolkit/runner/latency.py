"""How long one call takes, by batch size: distinct rows in rotation, one thread, warmed up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import joblib
import numpy as np
import threadpoolctl  # type: ignore[import-not-found,import-untyped,unused-ignore]

from toolkit import stages
from toolkit.benchmarking.timing import Call, Series, positions

BATCHES = (1, 10, 100, 1000)
ROUNDS = 5
SLICE_NS = 10_000_000  # of one subject and batch size, a round; at least one call, however slow
PATIENCE_NS = 20_000_000_000  # a subject that took longer at a batch size has no further turns

Form = Callable[[Mapping[str, np.ndarray]], Any]
Figures = dict[str, Any]  # of one subject at one batch size


def by_batch_size(
    subjects: Sequence[tuple[Call, Form]],
    inputs: Mapping[str, np.ndarray],
    batches: Sequence[int] = BATCHES,
) -> list[dict[str, Figures]]:
    """Return for each subject p50, p90, p99 (µs a call), throughput (rows/s) … by batch size.

    A subject is (predict, form). The call is `predict`, the one that users make:
    `Predictor.predict` for an artifact and the estimator's own `predict` (`transform` for a
    transformer), so that both give the same answer and both check their input. `form` makes what
    `predict` takes of rows, before the clock runs.

    A machine's pace changes by half within seconds, so the subjects take turns in short slices.
    A repeated row would train the branch predictor and flatter trees, so rows rotate: rows_used
    says how many distinct ones there were (fewer than a batch where the data is short), and calls
    how many calls were timed; turns has the p50 of each turn, for ratios (`paired`).
    """
    by_size: list[dict[str, Figures]] = [{} for _ in subjects]
    for batch in batches:
        series = [_series(predict, form, inputs, batch) for predict, form in subjects]
        turns: list[list[float]] = [[] for _ in subjects]
        for turn in range(ROUNDS):
            stages.at(f"timing {len(subjects)} by turns at batch {batch}, {turn + 1} of {ROUNDS}")
            for (one, _), medians in zip(series, turns, strict=True):
                if sum(one.samples_ns) <= PATIENCE_NS:
                    before = len(one.samples_ns)
                    one.slice(SLICE_NS)
                    medians.append(float(np.median(one.samples_ns[before:])) / 1000)
        for figures, (one, rows_used), medians in zip(by_size, series, turns, strict=True):
            figures[str(batch)] = summary(one.samples_ns, batch) | {
                "calls": len(one.samples_ns),
                "rows_used": rows_used,
                "turns": medians,
            }
    return by_size


def paired(figures: Figures, base: Figures) -> dict[str, float]:
    """Return the ratio of two subjects' times, taken within each turn: median, p25 and p75."""
    both = min(len(figures["turns"]), len(base["turns"]))
    ratios = np.divide(figures["turns"][:both], base["turns"][:both])
    p25, p50, p75 = (float(p) for p in np.percentile(ratios, [25, 50, 75]))
    return {"median": p50, "p25": p25, "p75": p75}


def _series(
    predict: Call, form: Form, inputs: Mapping[str, np.ndarray], batch: int
) -> tuple[Series, int]:
    """Return the calls of one subject at a batch size, and how many distinct rows they see."""
    rows = len(next(iter(inputs.values())))
    forms = [form({n: v[at] for n, v in inputs.items()}) for at in positions(rows, batch)]
    return Series(predict, cycle(forms)), min(rows, len(forms) * batch)


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
