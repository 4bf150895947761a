"""Times of the runtime's calls and of its start, as ratios of paired turns in one run.

Calls: one row, rotating over the evaluation rows, against `session.run(None, …)` of a session with
one thread and onnxruntime's other defaults. Starts: whole processes by turns, from the first
instruction to the end, against one that only imports numpy; toolkit is compiled beforehand, as pip
installs it. `scripts/build-image --compare` measures starts in the image.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.runner.environment import describe
from toolkit.runtime import load
from toolkit.runtime.ort import onnxruntime

ROOT = Path(__file__).resolve().parent.parent

ROWS = 50  # calls a turn, each with another row
TURNS = 240
PLAIN, NUMPY = "session.run(None, …)", "import numpy"

LOAD = "import sys; from toolkit.runtime import load; load(sys.argv[1]).predict([[0.0] * 8])"
ORT = "import os; os.environ['ORT_DISABLE_TELEMETRY'] = '1'; import numpy, onnxruntime"

SESSION = """
import os, sys
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
providers = ["CPUExecutionProvider"]
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=providers)
row = numpy.zeros((1, int(sys.argv[2])), dtype=numpy.float32)
session.run(None, {session.get_inputs()[0].name: row})
"""


def call_ratios(folder: Path) -> dict[str, dict[str, float]]:
    """Return for each call its median time in µs and the median of its ratios to the plain one."""
    model = load(folder, threads=1)
    spec = model.inputs[0]
    with np.load(folder / "evaluation.npz") as archive:
        table = archive["input_0"].astype(spec.numpy_dtype)[:ROWS]
    rows = [np.ascontiguousarray(table[[k % len(table)]]) for k in range(ROWS)]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    plain = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    bound = model.bind(1)

    def in_place(row: np.ndarray) -> None:
        bound.rows[...] = row
        bound.run()

    calls: dict[str, Callable[[np.ndarray], Any]] = {
        PLAIN: lambda row: plain.run(None, {spec.name: row}),
        "predict": model.predict,
        "bound(row)": bound,
        "bound.rows[...] = row; bound.run()": in_place,
    }
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(TURNS):
        for name, call in calls.items():
            call(rows[0])
            begin = time.perf_counter()
            for row in rows:
                call(row)
            times[name].append((time.perf_counter() - begin) / ROWS * 1e6)
    return {name: _summary(taken, times[PLAIN]) for name, taken in times.items()}


def start_ratios(folder: Path, count: int) -> dict[str, dict[str, float]]:
    """Return for each program its median time in ms and the median of its ratios to numpy's."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        shutil.copytree(ROOT / "toolkit", home / "site" / "toolkit")
        compileall.compile_dir(home / "site", quiet=1)
        alone = shutil.copy(folder / "model.onnx", home / "model.onnx")
        rows = home / "rows.csv"
        width = load(folder).inputs[0].width or 0
        rows.write_text("0," * (width - 1) + "0\n", encoding="utf-8")
        predict = LOAD.replace("* 8", f"* {width}")
        command = ["-m", "toolkit.runtime", "predict", "--input", str(rows)]
        programs = {
            "pass": ["-c", "pass"],
            NUMPY: ["-c", "import numpy"],
            "import numpy, onnxruntime": ["-c", ORT],
            "a session of onnxruntime's own and a run": ["-c", SESSION, str(alone), str(width)],
            "load and predict, a graph alone": ["-c", predict, str(alone)],
            "load and predict, a graph in its directory": ["-c", predict, str(folder.resolve())],
            "python -m toolkit.runtime predict, a graph alone": [*command, str(alone)],
            "python -m toolkit.runtime predict, its directory": [*command, str(folder.resolve())],
            "toolkit --help": ["-m", "toolkit", "--help"],
        }
        environment = {**os.environ, "PYTHONPATH": str(home / "site")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        times: dict[str, list[float]] = {name: [] for name in programs}
        for turn in range(count + 1):
            for name, arguments in programs.items():
                begin = time.perf_counter()
                subprocess.run(
                    [sys.executable, *arguments],
                    check=True,
                    capture_output=True,
                    cwd=home,
                    env=environment,
                )
                if turn:  # the first reads the files from the disk
                    times[name].append((time.perf_counter() - begin) * 1e3)
    return {name: _summary(taken, times[NUMPY]) for name, taken in times.items()}


def _summary(times: list[float], base: list[float]) -> dict[str, float]:
    ratios = sorted(a / b for a, b in zip(times, base, strict=True))
    return {
        "time": statistics.median(times),
        "ratio": statistics.median(ratios),
        "ratio_p10": ratios[len(ratios) // 10],
        "ratio_p90": ratios[-1 - len(ratios) // 10],
    }


def _table(title: str, unit: str, figures: dict[str, dict[str, float]]) -> str:
    lines = [f"| {title} | {unit} | ratio | 10–90 % |", "|---|--:|--:|--:|"]
    for name, one in figures.items():
        spread = f"{one['ratio_p10']:.2f}–{one['ratio_p90']:.2f}"
        lines.append(f"| `{name}` | {one['time']:.1f} | {one['ratio']:.2f} | {spread} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=25)
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR")
    args = parser.parse_args()
    folders = args.folders or [ROOT / "models" / "california-linear"]
    calls = {folder.name: call_ratios(folder) for folder in folders}
    starts = start_ratios(folders[0], args.starts)
    machine = describe()
    libraries = machine["libraries"]
    parts = [
        "<!-- Written by scripts/benchmark-runtime. -->",
        "# What the runtime adds",
        "One row a call, one thread; the ratio is to onnxruntime's own call in the same turn.",
        *(_table(name, "µs", figures) for name, figures in calls.items()),
        f"A whole process, {folders[0].name}; the ratio is to one that only imports numpy. The "
        "command ends as soon as its answer is written, without the interpreter's own end.",
        _table("process", "ms", starts),
        f"Medians of {TURNS} turns and {args.starts} starts; {machine['machine']}, python "
        f"{machine['python']}, numpy {libraries['numpy']}, onnxruntime {libraries['onnxruntime']}. "
        "Ratios are of paired turns; times depend on what else the machine does.",
    ]
    text = "\n\n".join(parts) + "\n"
    print(text, end="")
    found = {"schema_version": 1, "environment": machine, "calls_us": calls, "starts_ms": starts}
    (ROOT / "docs" / "runtime-figures.md").write_text(text, encoding="utf-8")
    (ROOT / "scripts" / "results" / "runtime-figures.json").write_text(
        json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
