"""Convert and open forests of several sizes, ours against skl2onnx's; write docs/converting.md.

Conversion is build and serialise (the checker's run included in ours); opening is onnxruntime's
session from the bytes. All take turns; medians count, with least and most, and ratios are those of
the pairs. Memory is what a process of its own that has converted a small forest before grows by at
its peak, whatever allocates: Python, numpy or protobuf.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import spread

ROOT = Path(__file__).resolve().parents[1]
JSON, MARKDOWN = ROOT / "scripts" / "results" / "converting.json", ROOT / "docs" / "converting.md"
SIZES = "10000,100000,400000,900000"
REPEATS = 3
OPENINGS = 5
FEATURES = 8
DIGITS = {"seconds": 4, "mb": 1, "bytes": 0, "open_seconds": 5}  # what is measured, and how finely


def main() -> None:
    """Measure and print; with --nodes nothing is written, since a part is no whole table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", help=f"other sizes than {SIZES}, with commas")
    arguments = parser.parse_args()
    from toolkit.runner import environment

    for convert in (ours_of, theirs_of):  # imports are nobody's cost
        convert(regressor(1000))
    sizes = [int(n) for n in (arguments.nodes or SIZES).split(",")]
    rows = [row for n in sizes for row in measure(n)]
    figures = {"schema_version": 2, "environment": environment.describe(), "rows": rows}
    print(markdown(rows))
    if not arguments.nodes:
        JSON.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        MARKDOWN.write_text(page(figures), encoding="utf-8")


def measure(nodes: int) -> list[dict[str, Any]]:
    """Return a row for each kind of forest of about so many nodes."""
    rows = []
    for kind, forest in (("regressor", regressor(nodes)), ("classifier", classifier(nodes))):
        count = sum(t.tree_.node_count for t in forest.estimators_)
        print(f"{kind} of {count} nodes", file=sys.stderr)
        runs: dict[str, dict[str, list[float]]] = {n: {k: [] for k in DIGITS} for n in CONVERTERS}
        contents = {}
        for _ in range(REPEATS):
            for name, converter in CONVERTERS.items():
                seconds, contents[name] = timed(partial(converter, forest))
                found = (seconds, peak_mb(converter, forest), len(contents[name]))
                for key, value in zip(DIGITS, found, strict=False):
                    runs[name][key].append(value)
        for name, opened in openings(contents).items():
            runs[name]["open_seconds"] = opened
        costs = {n: {k: spread.of(v, DIGITS[k]) for k, v in r.items()} for n, r in runs.items()}
        ratio = {k: paired(runs["ours"][k], runs["skl2onnx"][k]) for k in DIGITS}
        rows.append({"forest": kind, "nodes": count, **costs, "ratio": ratio})
    return rows


def paired(ours: list[float], theirs: list[float]) -> dict[str, float]:
    """Return the ratios of the pairs."""
    return spread.of([a / b for a, b in zip(ours, theirs, strict=True)], 3)


def regressor(nodes: int) -> Any:
    """Return a fitted regression forest of about so many nodes."""
    from sklearn.ensemble import RandomForestRegressor

    rng = np.random.default_rng(0)
    X = rng.normal(size=(max(200, nodes // 25), FEATURES))
    y = X[:, 0] + np.sin(X[:, 1]) + rng.normal(size=len(X))
    return RandomForestRegressor(20, random_state=0).fit(X, y)


def classifier(nodes: int) -> Any:
    """Return a fitted forest of four classes of about so many nodes."""
    from sklearn.ensemble import RandomForestClassifier

    rng = np.random.default_rng(0)
    X = rng.normal(size=(max(200, nodes // 12), FEATURES))
    y = np.digitize(X[:, 0] + rng.normal(size=len(X)), [-1, 0, 1])
    return RandomForestClassifier(20, random_state=0).fit(X, y)


def ours_of(forest: Any) -> bytes:
    """Return toolkit's graph, built, checked and serialised."""
    from toolkit.exporter.model import build
    from toolkit.exporter.schema import infer
    from toolkit.exporter.tasks import task_of

    schema = infer(np.zeros((1, FEATURES)))
    return build(forest, schema, 21, task_of(forest), "finite").content


def theirs_of(forest: Any) -> bytes:
    """Return skl2onnx's graph, built and serialised."""
    from skl2onnx import to_onnx

    options = {id(forest): {"zipmap": False}} if hasattr(forest, "classes_") else None
    example = np.zeros((1, FEATURES), dtype=np.float32)
    return to_onnx(forest, example, options=options).SerializeToString()


CONVERTERS = {"skl2onnx": theirs_of, "ours": ours_of}


def timed(convert: Callable[[], bytes]) -> tuple[float, bytes]:
    """Return the seconds of a conversion, and its bytes."""
    gc.collect()
    start = time.perf_counter()
    content = convert()
    return time.perf_counter() - start, content


def openings(contents: dict[str, bytes]) -> dict[str, list[float]]:
    """Return the seconds that a session of each takes to open, by turns."""
    from toolkit.runtime.session import open_session

    times: dict[str, list[float]] = {name: [] for name in contents}
    for _ in range(OPENINGS):
        for name, content in contents.items():
            start = time.perf_counter()
            session = open_session(content, name)
            times[name].append(time.perf_counter() - start)
            del session
    return times


def peak_mb(converter: Callable[[Any], bytes], forest: Any) -> float:
    """Return by how many MB a child process grows at its peak; Linux counts it (VmHWM).

    The child converts a small forest first: the pages of the libraries' code, which a fork leaves
    behind, are no memory that a conversion takes.
    """
    small = regressor(1000)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what the parent has free would hide the child's first MB
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        gc.freeze()  # else a collection would touch, and so copy, what the parent has
        converter(small)
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
        before = high_water()
        converter(forest)
        os.write(writer, f"{high_water() - before:.2f}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as answer:
        return float(answer.read())


def high_water() -> float:
    """Return this process's largest resident size so far, MB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


def page(figures: dict[str, Any]) -> str:
    """Return the documentation's page."""
    machine = figures["environment"]
    libraries = ", ".join(f"{n} {v}" for n, v in machine["libraries"].items() if n != "toolkit")
    return (
        "<!-- Written by scripts/benchmark-convert. -->\n# Converting and opening forests\n\n"
        "Forests of 20 trees on 8 features, converted by skl2onnx and by `toolkit`, by turns: "
        "seconds, the MB by which a process of its own grows at the peak, bytes of the file, and "
        "seconds that onnxruntime takes to open it. Medians of the runs, and least–most where they "
        f"differ; ratios are those of the pairs, below 1 is ours. Measured with {libraries} on "
        f"{machine['platform']}.\n\n" + markdown(figures["rows"])
    )


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| forest | nodes | | skl2onnx | least–most | ours | least–most | ratio | least–most |",
        "|---|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    said = {"seconds": "s", "mb": "MB", "bytes": "bytes", "open_seconds": "s to open"}
    for r in rows:
        for key, name in said.items():
            cells = [c for who in (*CONVERTERS, "ratio") for c in spread.spelled(r[who][key])]
            lines.append(f"| {r['forest']} | {r['nodes']:,} | {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
