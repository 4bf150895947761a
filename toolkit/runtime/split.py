"""Large batches cut into one part a core, each run in a thread of its own by the same session.

onnxruntime's own threads cut single operators, which pays less, and they wait for work with a core
each unless told not to. The threads made here cost some 50 µs each and are gone after the call.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Run = Callable[[list[str], Mapping[str, np.ndarray]], list[Any]]

MANY = 256  # rows from which a call is timed: the time a row in smaller ones is mostly the call's
PART_S = 1e-3  # a part that takes less does not pay for its thread


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Splitting:
    """`run` for batches of any size: in as many parts at once as take PART_S each, at most `most`.

    How long a row takes is measured in the calls themselves, on the machine that runs them; until
    then, and for small batches always, a call is `run`.
    """

    def __init__(self, run: Run, most: int) -> None:
        self._run = run
        self._most = most
        self._row_s = 0.0  # the least that was measured; 0 before

    def __call__(self, names: list[str], feed: Mapping[str, np.ndarray]) -> list[Any]:
        """Return the named outputs for the rows of `feed`; raises what `run` raises."""
        rows = len(next(iter(feed.values())))
        if rows < MANY:
            return self._run(names, feed)
        parts = max(1, min(self._most, int(rows * self._row_s / PART_S)))
        begin = time.perf_counter()
        found = run_parts(self._run, names, feed, parts)
        taken = (time.perf_counter() - begin) * parts / rows
        self._row_s = min(self._row_s or taken, taken)
        return found


def run_parts(run: Run, names: list[str], feed: Mapping[str, np.ndarray], parts: int) -> list[Any]:
    """Return `run(names, feed)`, from `parts` runs at the same time with equally many rows each.

    Raises what the first part that failed raised.
    """
    if parts == 1:
        return run(names, feed)
    import threading

    count = len(next(iter(feed.values())))
    cuts = [count * k // parts for k in range(parts + 1)]
    found: list[Any] = [None] * parts

    def work(k: int) -> None:
        rows = slice(cuts[k], cuts[k + 1])
        try:
            found[k] = run(names, {name: array[rows] for name, array in feed.items()})
        except BaseException as error:  # raised below, in the thread that called
            found[k] = error

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, parts)]
    for thread in threads:
        thread.start()
    work(0)
    for thread in threads:
        thread.join()
    for part in found:
        if isinstance(part, BaseException):
            raise part
    return [np.concatenate(columns) for columns in zip(*found, strict=True)]
