"""The way in of tables, and batches in parts while others have the cores; ratios of paired turns.

Tables: `load().predict` of a recipe of numbers and text, in one thread, against `session.run(None,
…)` of a session of the same graph with arrays that are ready. What is measured is the thread's time
on its core, so that others on the machine count little.

Parts: `load().predict` of a model whose batches are cut in parts, against that of the same in one
thread, both by the clock and in time on the cores; alone, and with a process on each core that
never rests.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import toolkit
from toolkit.runner.environment import describe
from toolkit.runtime import load
from toolkit.runtime.inputs import prepare
from toolkit.runtime.ort import onnxruntime
from toolkit.trainer import train

ROOT = Path(__file__).resolve().parent.parent
TABLES, TREES = "mixed-pipeline", "california-gbm"
CALLS = {1: 40, 1000: 8}  # rows -> calls a turn
READY = "session.run(None, …), ready arrays"
BUSY = "while True: pass"


def exported(recipe: str, folder: Path) -> tuple[Path, Any]:
    """Return a recipe's model directory, and the rows of its data set."""
    made = train(recipe)
    out = folder / recipe
    toolkit.export(made.estimator, made.dataset.X_train, made.dataset.y_train, name="m", out=out)
    return out, made.dataset.X


def forms(frame: Any) -> dict[str, Any]:
    """Return the same table in the forms that people have it in."""
    texts = [name for name in frame if frame[name].dtype.kind not in "fiub"]
    return {
        "dict of arrays": {n: frame[n].to_numpy(object if n in texts else None) for n in frame},
        "dict of lists": {n: frame[n].tolist() for n in frame},
        "data frame, text as objects": frame.astype(dict.fromkeys(texts, object)),
        "data frame, text as `str`": frame.astype(dict.fromkeys(texts, "str")),
        "data frame, text as categories": frame.astype(dict.fromkeys(texts, "category")),
        "data frame, nullable": frame.convert_dtypes(),
        "data frame, pyarrow": frame.convert_dtypes(dtype_backend="pyarrow"),
    }


def table_ratios(folder: Path, frame: Any, turns: int) -> dict[int, dict[str, list[float]]]:
    """Return the ratios to the ready arrays of each form's calls, by rows and form, sorted."""
    model = load(folder, threads=1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    plain = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    found = {}
    for rows, count in CALLS.items():
        at = np.arange(rows) % len(frame)
        table = frame.iloc[at].reset_index(drop=True)
        ready = prepare(table, model.inputs)
        calls: dict[str, Callable[[], Any]] = {READY: lambda feed=ready: plain.run(None, feed)}
        for name, form in forms(table).items():
            calls[name] = lambda X=form: model.predict(X)
        times = by_turns(calls, count, turns)
        found[rows] = {name: ratios(taken, times[READY]) for name, taken in times.items()}
        found[rows][READY] = [statistics.median(times[READY]) * 1e6]
    return found


def by_turns(calls: dict[str, Callable[[], Any]], count: int, turns: int) -> dict[str, list[float]]:
    """Return each call's seconds on its core, one figure a turn."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(turns):
        for name, call in calls.items():
            call()
            begin = time.thread_time()
            for _ in range(count):
                call()
            times[name].append((time.thread_time() - begin) / count)
    return times


def part_ratios(folder: Path, rows: np.ndarray, turns: int) -> dict[str, list[float]]:
    """Return the ratios of calls that may be in parts to those in one thread, sorted.

    A turn is a call of each, so that `load().predict` learns of the cores what a caller's does.
    """
    models = [load(folder), load(folder, threads=1)]
    taken: list[list[tuple[float, float]]] = [[], []]
    for turn in range(turns):
        for k in (0, 1) if turn % 2 else (1, 0):
            clock, cores = time.perf_counter(), time.process_time()
            models[k].predict(rows)
            taken[k].append((time.perf_counter() - clock, time.process_time() - cores))
    return {
        "by the clock": ratios([t for t, _ in taken[0]], [t for t, _ in taken[1]]),
        "on the cores": ratios([t for _, t in taken[0]], [t for _, t in taken[1]]),
    }


@contextmanager
def busy_cores() -> Iterator[None]:
    """Run a process on each core that takes half of it, or more."""
    cores = sorted(os.sched_getaffinity(0))
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in cores]
    try:
        for other, core in zip(others, cores, strict=True):
            os.sched_setaffinity(other.pid, {core})
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def ratios(times: list[float], base: list[float]) -> list[float]:
    """Return the ratios of paired turns, sorted."""
    return sorted(a / b for a, b in zip(times, base, strict=True))


def summary(found: list[float]) -> dict[str, float]:
    """Return the median, and what lies between a tenth of the turns and nine tenths."""
    edge = len(found) // 10
    return {
        "ratio": round(statistics.median(found), 3),
        "p10": round(found[edge], 3),
        "p90": round(found[-1 - edge], 3),
    }


def markdown(title: str, head: list[str], rows: dict[str, list[dict[str, float]]]) -> str:
    """Return a table of ratios with their spread."""
    lines = [f"| {title} | {' | '.join(head)} |", "|---" + "|--:" * len(head) + "|"]
    for name, cells in rows.items():
        told = [f"{c['ratio']:.2f} ({c['p10']:.2f}–{c['p90']:.2f})" for c in cells]
        lines.append(f"| {name} | {' | '.join(told)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=200)
    args = parser.parse_args()
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch:
        folder, frame = exported(TABLES, Path(scratch))
        tables = table_ratios(folder, frame, args.turns)
        folder, X = exported(TREES, Path(scratch))
        rows = np.ascontiguousarray(np.asarray(X)[:1000], dtype=np.float32)
        parts = {"alone": part_ratios(folder, rows, args.turns)}
        with busy_cores():
            parts["each core half taken"] = part_ratios(folder, rows, args.turns)
    plain = {rows: found.pop(READY)[0] for rows, found in tables.items()}
    by_form = {n: [summary(found[n]) for found in tables.values()] for n in tables[1]}
    by_load = {n: [summary(found) for found in one.values()] for n, one in parts.items()}
    machine = describe()
    libraries = machine["libraries"]
    text = "\n\n".join(
        [
            "<!-- Written by scripts/benchmark-tables. -->",
            "# What tables cost on their way in, and parts where others have the cores",
            f"`load().predict`, the recipe {TABLES}, one thread: the median ratio to "
            f"`session.run(None, …)` of the same graph with ready arrays ({plain[1]:.0f} µs for a "
            f"row, {plain[1000]:.0f} µs for 1,000), and 10–90 % of the turns; time on the core.",
            markdown("given", ["1 row", "1,000 rows"], by_form),
            f"1,000 rows, the recipe {TREES}: `load().predict`, which may cut them in parts, as a "
            f"ratio to one thread; {len(os.sched_getaffinity(0))} cores.",
            markdown("the machine", list(parts["alone"]), by_load),
            f"{args.turns} turns; {machine['machine']}, python {machine['python']}, numpy "
            f"{libraries['numpy']}, onnxruntime {libraries['onnxruntime']}; {load_before:.1f} "
            "processes wanted a core when this began.",
        ]
    )
    print(text)
    found = {
        "schema_version": 1,
        "environment": machine,
        "load_before": load_before,
        "plain_us": plain,
        "tables": by_form,
        "parts": by_load,
    }
    (ROOT / "docs" / "table-figures.md").write_text(text + "\n", encoding="utf-8")
    (ROOT / "scripts" / "results" / "table-figures.json").write_text(
        json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
