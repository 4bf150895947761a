"""Call opened models for long, from everywhere at once: right is bit-equal to one thread's answer.

Each kind of artifact and of rows is called from eight threads, with wrong inputs between that must
be refused; in processes that fork and spawn while the model is open; in an event loop; and for so
many minutes from all threads, with models opened anew now and then, while the memory is looked at.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from soak_models import WORDS, Kind, kinds_of, make

from toolkit.errors import ToolkitError
from toolkit.runtime import load

THREADS = 8
SIZES = (1, 1, 1, 2, 7, 64)
OPENED_ANEW = 2000  # calls of a thread between two openings, while the memory is looked at
WARM_UP = 0.2  # of the time: arenas of eight threads, pandas' and onnxruntime's own caches
# What the memory may grow by after that. An answer that is kept takes over a hundred bytes, a tenth
# of a gigabyte in a million calls. Eight threads' arenas fill up by some six megabytes in the first
# three million calls (docs/runtime.md); in one thread nothing grows.
BOUND_MB = 12.0


def batches(kind: Kind, model: Any, seed: int) -> list[Any]:
    """Return rows as the kind gives them, in several sizes."""
    chance = np.random.default_rng(seed)
    if kind.form == "array":
        one = model.inputs[0]
        return [chance.normal(size=(n, one.width)).astype(one.numpy_dtype) for n in SIZES]
    tables = [{i.name: _column(i, n, chance) for i in model.inputs} for n in SIZES]
    if kind.form == "dict":
        return tables
    import pandas as pd

    return [pd.DataFrame(table) for table in tables]


def _column(one: Any, rows: int, chance: np.random.Generator) -> list[Any]:
    if one.dtype == "string":
        return [str(word) or None for word in chance.choice(WORDS, rows)]
    return (10 * chance.normal(size=rows)).astype(one.numpy_dtype).tolist()


def wrong_inputs(model: Any) -> list[Any]:
    """Return what the model must refuse."""
    width = sum(one.width or 1 for one in model.inputs)
    numbers = next(one.name for one in model.inputs if one.dtype != "string")
    whole = {one.name: _column(one, 2, np.random.default_rng(0)) for one in model.inputs}
    return [
        np.zeros((1, width + 1), np.float32),
        [["no number"] * width],
        np.full((2, width), np.inf),
        None,
        {"no column of it": [1.0]},
        {**whole, numbers: ["no number"] * 2} if len(whole) > 1 else [[1.0], [2.0, 3.0]],
        {**whole, numbers: [1.0]} if len(whole) > 1 else np.zeros((2, 2, width)),
    ]


def bits(answer: np.ndarray) -> tuple[Any, ...]:
    """Return an answer so that only the very same one is equal."""
    held = tuple(answer.tolist()) if answer.dtype.hasobject else answer.tobytes()
    return answer.dtype.str, answer.shape, held


def predicted(kind: Kind, seed: int) -> list[tuple[Any, ...]]:
    """Return the answers to the batches of a seed, by a model that is opened for them."""
    model = load(kind.path)
    return [bits(model.predict(rows)) for rows in batches(kind, model, seed)]


class Caller:
    """Calls a model with one seed's rows, whose answers it knows from before, and wrong inputs."""

    def __init__(self, kind: Kind, model: Any, seed: int) -> None:
        self.name, self.model = kind.name, model
        self.rows = batches(kind, model, seed)
        self.wanted = [bits(model.predict(rows)) for rows in self.rows]
        self.wrong = wrong_inputs(model)

    def call(self, number: int) -> str:
        """Make a call and, every third time, one with a wrong input; return what is wrong."""
        at = number % len(self.rows)
        if bits(self.model.predict(self.rows[at])) != self.wanted[at]:
            return f"{self.name}: call {number} was answered otherwise"
        if number % 3 == 0:
            which = number // 3 % len(self.wrong)
            try:
                self.model.predict(self.wrong[which])
            except ToolkitError:
                return ""
            return f"{self.name}: the wrong input {which} was answered"
        return ""


def in_threads(work: Callable[[int], list[str]]) -> list[str]:
    """Run work(0 … THREADS - 1) at once; return what all of them found."""
    found: list[list[str]] = [[] for _ in range(THREADS)]
    start = threading.Barrier(THREADS)

    def run(k: int) -> None:
        start.wait()
        try:
            found[k] = work(k)
        except Exception as error:
            found[k] = [f"thread {k}: {type(error).__name__}: {error}"]

    threads = [threading.Thread(target=run, args=(k,)) for k in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [text for each in found for text in each]


def calls(kind: Kind, number: int) -> list[str]:
    """Make so many calls of one opened model from all threads; return what is wrong."""
    model = load(kind.path)
    callers = [Caller(kind, model, seed) for seed in range(THREADS)]

    def work(k: int) -> list[str]:
        said = (callers[k].call(at + k) for at in range(number // THREADS))
        return [text for text in said if text]

    return in_threads(work)


def processes(kind: Kind, method: str) -> list[str]:
    """Let two processes, made while the model is open here, open it and answer."""
    seeds = [(kind, seed) for seed in range(4)]
    wanted = [predicted(*each) for each in seeds]
    model = load(kind.path)
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = pool.starmap(predicted, seeds)
    del model
    return [] if found == wanted else [f"{kind.name}: processes that {method} answer otherwise"]


def event_loop(kind: Kind) -> list[str]:
    """Answer many callers from the threads of an event loop."""
    model = load(kind.path)
    callers = [Caller(kind, model, seed) for seed in range(4 * THREADS)]

    async def answers(caller: Caller) -> list[str]:
        return [await asyncio.to_thread(caller.call, number) for number in range(12)]

    async def together() -> list[list[str]]:
        return await asyncio.gather(*(answers(caller) for caller in callers))

    return [text for each in asyncio.run(together()) for text in each if text]


@dataclass(frozen=True)
class Memory:
    """What the process held, in MB, at each look after the warm-up."""

    seconds: tuple[float, ...]
    held: tuple[float, ...]
    calls: int

    def figures(self) -> dict[str, float]:
        """Return growth: from the median of the first tenth to the largest after it, in MB."""
        tenth = max(1, len(self.held) // 10)
        first = statistics.median(self.held[:tenth])
        slope = np.polyfit(self.seconds, self.held, 1)[0] * 60 if len(self.held) > 2 else 0.0
        return {
            "calls": self.calls,
            "looks": len(self.held),
            "first_mb": round(first, 2),
            "last_mb": round(statistics.median(self.held[-tenth:]), 2),
            "growth_mb": round(max(self.held) - first, 2),
            "slope_mb_per_minute": round(float(slope), 4),
            "bound_mb": BOUND_MB,
        }


def memory(kinds: Sequence[Kind], seconds: float, every: float) -> tuple[Memory, list[str]]:
    """Call all kinds from all threads for so long, and look at the memory meanwhile."""
    models = [load(kind.path) for kind in kinds]
    callers = [
        [Caller(kind, model, seed) for kind, model in zip(kinds, models, strict=True)]
        for seed in range(THREADS)
    ]
    begin = time.monotonic()
    made = [0] * THREADS

    def work(k: int) -> list[str]:
        said: list[str] = []
        while time.monotonic() - begin < seconds:
            which = made[k] % len(kinds)
            if text := callers[k][which].call(made[k] // len(kinds)):
                said.append(text)
            made[k] += 1
            if made[k] % OPENED_ANEW == 0:
                anew = made[k] // OPENED_ANEW % len(kinds)
                callers[k][anew].model = load(kinds[anew].path)
        return said

    looks: list[tuple[float, float]] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(every):
            if (at := time.monotonic() - begin) >= WARM_UP * seconds:
                looks.append((at, resident_mb()))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        found = in_threads(work)
    finally:
        done.set()
        looking.join()
    times, held = zip(*looks, strict=True)
    return Memory(times, held, sum(made)), found


def resident_mb() -> float:
    """Return the memory that the process has in use."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> int:
    """Run all of it; print the figures as JSON, and return 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=200_000, help="of each kind  [200000]")
    parser.add_argument("--minutes", type=float, default=10.0, help="of looks at the memory  [10]")
    parser.add_argument("--quick", action="store_true", help="2,000 calls, six seconds of memory")
    arguments = parser.parse_args()
    number, seconds = arguments.calls, arguments.minutes * 60
    if arguments.quick:
        number, seconds = 2000, 6.0
    with tempfile.TemporaryDirectory(prefix="soak-") as scratch:
        made = multiprocessing.get_context("spawn").Process(target=make, args=(Path(scratch),))
        made.start()  # scikit-learn is no part of what is measured
        made.join()
        report = soak(
            kinds_of(*(Path(scratch) / n for n in ("linear", "forest", "table"))), number, seconds
        )
    print(json.dumps(report, indent=1))
    return int(bool(report["wrong"]))


def soak(kinds: Sequence[Kind], number: int, seconds: float) -> dict[str, Any]:
    """Return the figures of all parts and, as "wrong", all that was wrong."""
    wrong: list[str] = []
    took: dict[str, float] = {}
    for kind in kinds:
        begin = time.monotonic()
        wrong += calls(kind, number)
        took[kind.name] = round(time.monotonic() - begin, 1)
        print(f"{kind.name}: {number} calls in {took[kind.name]} s", file=sys.stderr)
        for method in ("fork", "spawn"):
            wrong += processes(kind, method)
        wrong += event_loop(kind)
    held, found = memory(kinds, seconds, min(2.0, seconds / 60))
    figures = held.figures()
    wrong += found
    if figures["growth_mb"] > BOUND_MB:
        wrong.append(f"the memory grew by {figures['growth_mb']} MB, more than {BOUND_MB}")
    print(f"memory: {json.dumps(figures)}", file=sys.stderr)
    return {"threads": THREADS, "calls": number, "seconds": took, "memory": figures, "wrong": wrong}


if __name__ == "__main__":
    sys.exit(main())
