"""Large batches cut into one part a core, each run in a thread of its own by the same session.

onnxruntime's own threads cut single operators, which pays less, and they wait for work with a core
each unless told not to. The threads made here cost some 50 µs each and are gone after the call.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Run = Callable[[list[str], Mapping[str, np.ndarray]], list[Any]]

# Rows from which a call is timed: the time a row in smaller ones is mostly the call's.
TIMED_ROWS = 256
PART_S = 1e-3  # a part that takes less does not pay for its thread
PAYS = 0.8  # of the time without parts: what saves less costs more of the cores than it is worth
AGAIN = 64  # calls in parts between two without, which tell what these would take by now
REST = (16, 1024)  # calls without parts after some that did not pay: at first, and at most
CGROUPS = "/sys/fs/cgroup"


def cores() -> int:
    """Return the number of cores that this process may use: of those it may run on, its share.

    A container's share (`docker run --cpus=1`) is its cgroup's quota, which the system enforces by
    stopping all its threads for a while.
    """
    known = hasattr(os, "sched_getaffinity")
    most = len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1
    share = _quota()
    return most if share is None else max(1, min(most, int(share)))


def _quota() -> float | None:
    """Return how many cores' time the cgroup allows, None where it sets no limit."""
    try:
        with open(f"{CGROUPS}/cpu.max", encoding="utf-8") as file:  # version 2
            most, period = file.read().split()
    except (OSError, ValueError):
        try:
            quotas = []
            for name in ("quota", "period"):  # version 1
                with open(f"{CGROUPS}/cpu/cpu.cfs_{name}_us", encoding="utf-8") as file:
                    quotas.append(file.read().strip())
            most, period = quotas
        except OSError:
            return None
    if not most.isdecimal() or not period.isdecimal() or not int(period):  # "max", or -1: none
        return None
    return int(most) / int(period)


class Splitting:
    """`run` for batches of any size: in as many parts at once as take PART_S each, at most `most`.

    How long a row takes, alone and in parts, is measured in the calls themselves, on the machine
    that runs them. Until that is known, for small batches always, and for a while after parts did
    not pay (where others keep the cores busy), a call is `run`.
    """

    def __init__(self, run: Run, most: int) -> None:
        self._run = run
        self._most = most
        self._alone_s = 0.0  # a row's time without parts, of the quickest of late; 0 before
        self._left = 0  # calls without parts until these are tried again
        self._rest = REST[0]  # how many there will be after the next that do not pay
        self._split = 0  # calls in parts since the last without

    def __call__(self, names: list[str], feed: Mapping[str, np.ndarray]) -> list[Any]:
        """Return the named outputs for the rows of `feed`; raises what `run` raises."""
        rows = len(next(iter(feed.values())))
        if rows < TIMED_ROWS:
            return self._run(names, feed)
        parts = self._parts(rows)
        begin = time.perf_counter()
        outputs = run_parts(self._run, names, feed, parts)
        self._learn(parts, (time.perf_counter() - begin) / rows)
        return outputs

    def _parts(self, rows: int) -> int:
        """Return in how many parts so many rows are run."""
        parts = max(1, min(self._most, int(rows * self._alone_s / PART_S)))
        if parts > 1 and self._left:
            self._left -= 1
            return 1
        return parts

    def _learn(self, parts: int, row_s: float) -> None:
        """Take in the time that a row took."""
        if parts == 1:
            # The quickest counts, and is forgotten by and by: a slow moment is no slow machine.
            self._alone_s = min(row_s, self._alone_s * 1.05 or row_s)
            return
        self._split += 1
        if row_s > PAYS * self._alone_s:
            self._left, self._rest, self._split = self._rest, min(2 * self._rest, REST[1]), 0
        elif self._split >= AGAIN:
            self._left, self._rest, self._split = 1, REST[0], 0


def in_batches(run: Run, rows: int, characters: int) -> Run:
    """Return a run that gives `run` texts in batches, one after the other.

    A batch has at most so many rows, and no more characters than that, if every row were as long as
    its longest: operators that take texts apart pad them so. A text that is longer comes alone.
    """

    def batches(names: list[str], feed: Mapping[str, np.ndarray]) -> list[Any]:
        cuts = _cuts(feed, rows, characters)
        if len(cuts) == 2:
            return run(names, feed)
        outputs = [
            run(names, {name: array[begin:end] for name, array in feed.items()})
            for begin, end in itertools.pairwise(cuts)
        ]
        return [np.concatenate(columns) for columns in zip(*outputs, strict=True)]

    return batches


def _cuts(feed: Mapping[str, np.ndarray], rows: int, characters: int) -> list[int]:
    """Return where batches begin, and the number of rows."""
    lengths = _lengths(feed)
    cuts, longest = [0], 0
    for k, length in enumerate(lengths):
        longest, count = max(longest, length), k - cuts[-1]
        if count == rows or (count and (count + 1) * longest > characters):
            cuts.append(k)
            longest = length
    return [*cuts, len(lengths)]


def _lengths(feed: Mapping[str, np.ndarray]) -> list[int]:
    """Return how many characters each row's texts have."""
    sums = np.zeros(len(next(iter(feed.values()))), dtype=np.int64)
    for array in feed.values():
        if array.dtype == object:
            lengths = np.fromiter(map(len, array.ravel().tolist()), np.int64, array.size)
            sums += lengths.reshape(array.shape).sum(axis=1)
    return sums.tolist()


def run_parts(run: Run, names: list[str], feed: Mapping[str, np.ndarray], parts: int) -> list[Any]:
    """Return `run(names, feed)`, from `parts` runs at the same time with equally many rows each.

    Raises what the first part that failed raised.
    """
    if parts == 1:
        return run(names, feed)
    import threading

    count = len(next(iter(feed.values())))
    cuts = [count * k // parts for k in range(parts + 1)]
    outputs: list[Any] = [None] * parts

    def work(k: int) -> None:
        rows = slice(cuts[k], cuts[k + 1])
        try:
            outputs[k] = run(names, {name: array[rows] for name, array in feed.items()})
        except BaseException as error:  # raised below, in the thread that called
            outputs[k] = error

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, parts)]
    for thread in threads:
        thread.start()
    work(0)
    for thread in threads:
        thread.join()
    for part in outputs:
        if isinstance(part, BaseException):
            raise part
    return [np.concatenate(columns) for columns in zip(*outputs, strict=True)]
