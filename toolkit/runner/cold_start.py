"""How long a fresh process takes to its first prediction, and how much memory it needs for it."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

import toolkit
from toolkit.errors import ToolkitError

RUNS = 3
ENOUGH_S = 1.0  # a start that is this slow (scikit-learn's) is not repeated
LIMIT_S = 120.0

# On Linux ru_maxrss survives fork and exec: a small child would report its large parent's peak.
_PEAK = """
try:
    with open("/proc/self/status") as status:
        kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
except (OSError, StopIteration):
    try:
        import resource
        unit = 1024 if sys.platform == "darwin" else 1
        kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    except ImportError:
        kib = None
print("" if kib is None else kib / 1024, flush=True)
"""

# Both take what `files` of their subject wrote, and make one prediction.
ARTIFACT = """
import json, sys
from toolkit.runtime import load
with open(sys.argv[2], encoding="utf-8") as rows:
    load(sys.argv[1], unproved=True).predict(json.load(rows))
"""
ESTIMATOR = """
import sys, joblib
estimator, call, row = joblib.load(sys.argv[1])
getattr(estimator, call)(row)
"""


class Start(NamedTuple):
    """Process start to first prediction: the median and (fastest, slowest) in ms; the peak in MB.

    The peak is the median of the runs' peaks, None where the platform does not tell.
    """

    median_ms: float
    range_ms: tuple[float, float]
    peak_mb: float | None


def measure(
    program: str,
    files: Callable[[Path, Mapping[str, np.ndarray]], list[str]],
    row: Mapping[str, np.ndarray],
) -> Start:
    """Return what fresh processes take.

    program: Python that predicts one row. files: writes what it needs for this row into a folder
    and returns the program's arguments. Up to 3 runs, fewer where they take long. Raises
    ToolkitError where the process fails.
    """
    with tempfile.TemporaryDirectory(prefix="toolkit-") as folder:
        arguments = files(Path(folder), row)
        runs: list[tuple[float, float | None]] = []
        begin = time.perf_counter()
        while len(runs) < RUNS and (not runs or time.perf_counter() - begin < ENOUGH_S):
            runs.append(_start(program, arguments))
    peaks = [peak for _, peak in runs if peak is not None]
    taken = [ms for ms, _ in runs]
    return Start(
        median_ms=statistics.median(taken),
        range_ms=(min(taken), max(taken)),
        peak_mb=statistics.median(peaks) if peaks else None,
    )


def _start(program: str, arguments: list[str]) -> tuple[float, float | None]:
    command = [sys.executable, "-c", program + _PEAK, *arguments]
    begin = time.perf_counter_ns()
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env=_environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        stopper = threading.Timer(LIMIT_S, process.kill)
        stopper.start()
        # The line comes right after the prediction; what the process does to end is not counted.
        line = process.stdout.readline()
        elapsed = time.perf_counter_ns() - begin
        complaint = process.stderr.read()
        process.wait()
        stopper.cancel()
    if process.returncode != 0 or not line:
        last = (complaint.strip().splitlines() or ["no message"])[-1]
        raise ToolkitError(
            f"a fresh process could not predict with {arguments[0]} (exit {process.returncode}: "
            f"{last}); check that {sys.executable} can import toolkit and the model's libraries"
        )
    return elapsed / 1e6, float(line) if line.strip() else None


def _environment() -> dict[str, str]:
    # The toolkit that runs now, also where it is not installed; one thread, as everywhere else.
    home = str(Path(toolkit.__file__).resolve().parent.parent)
    paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    text = {"PYTHONIOENCODING": "utf-8", "PYTHONPATH": os.pathsep.join(paths)}
    return {**os.environ, **threads, **text}
