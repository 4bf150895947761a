"""Requests a second and latencies of `toolkit serve` beside FastAPI + joblib, by turns."""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from load import ask, measure, post

from toolkit.exporter import export
from toolkit.runner.environment import describe
from toolkit.trainer import train

ROOT = Path(__file__).resolve().parents[2]
PAGE, RESULTS = ROOT / "docs/serve-figures.md", ROOT / "scripts/results/serve.json"
MODELS = ("california-linear", "california-forest")
ROWS, CONNECTIONS = (1, 100), (1, 8)
BASE = "FastAPI + joblib"
REQUESTS = 50  # different ones, by turns
WARM_S = 0.3
TOLERANCE = 1e-3  # of the answers' spread: float32 against float64
JSON_TYPE = "content-type: application/json"


@dataclass(frozen=True)
class Service:
    """A service under test: its process, its port, and its requests by the number of rows."""

    name: str
    process: subprocess.Popen
    port: int
    requests: dict[int, list[bytes]]


def services(name: str, scratch: Path, stack: ExitStack) -> list[Service]:
    """Start both services with a recipe's model; they end with the stack."""
    import joblib

    trained = train(name)
    rows = trained.dataset
    joblib.dump(trained.estimator, scratch / f"{name}.joblib")
    export(
        trained.estimator, rows.X_train, rows.y_train,
        name=name, out=scratch / name, X_test=rows.X_test, y_test=rows.y_test,
    )  # fmt: skip
    table = np.asarray(rows.X_test, dtype=np.float32)
    ours, port = started([sys.executable, "-m", "toolkit.serve", str(scratch / name)], stack)
    theirs, their_port = started(
        [sys.executable, "-m", "uvicorn", "bare:app", "--app-dir", str(Path(__file__).parent),
         "--log-level", "error", "--no-access-log"],
        stack, MODEL=str(scratch / f"{name}.joblib"),
    )  # fmt: skip
    found = [
        Service("toolkit serve", ours, port, by_rows(table, name, in_json)),
        Service("toolkit serve, binary", ours, port, by_rows(table, name, in_bytes)),
        Service(BASE, theirs, their_port, by_rows(table, name, bare)),
    ]
    compare(found, rows.y_test)
    return found


def started(
    command: Sequence[str], stack: ExitStack, **environment: str
) -> tuple[subprocess.Popen, int]:
    """Start a service on a free port and on one core, and wait until it answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        env={**os.environ, **environment},
        stderr=subprocess.DEVNULL,
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(process.pid, {cores()[0]})
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process, port
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"error: {' '.join(command)} does not start")


def cores() -> tuple[int, int]:
    """Return the core of the services and that of the client, which are one where there is one."""
    known = sorted(os.sched_getaffinity(0))
    return known[0], known[-1]


def by_rows(table: np.ndarray, name: str, make: Any) -> dict[int, list[bytes]]:
    """Return requests of each number of rows, with the same rows for every service."""
    return {
        count: [
            make(name, np.take(table, range(k * count, (k + 1) * count), axis=0, mode="wrap"))
            for k in range(REQUESTS)
        ]
        for count in ROWS
    }


def in_json(name: str, rows: np.ndarray) -> bytes:
    """Return a request of the protocol in JSON, with as few digits as float32 needs."""
    data = [float(str(value)) for value in rows.ravel()]
    entry = {"name": "X", "shape": list(rows.shape), "datatype": "FP32", "data": data}
    body = json.dumps({"inputs": [entry]}).encode()
    return post(f"/v2/models/{name}/infer", body, [JSON_TYPE])


def in_bytes(name: str, rows: np.ndarray) -> bytes:
    """Return a request with bytes behind the JSON, and bytes asked for."""
    entry = {
        "name": "X",
        "shape": list(rows.shape),
        "datatype": "FP32",
        "parameters": {"binary_data_size": rows.nbytes},
    }
    head = json.dumps({"inputs": [entry], "parameters": {"binary_data_output": True}}).encode()
    headers = [
        "content-type: application/octet-stream",
        f"inference-header-content-length: {len(head)}",
    ]
    return post(f"/v2/models/{name}/infer", head + rows.astype("<f4").tobytes(), headers)


def bare(name: str, rows: np.ndarray) -> bytes:
    """Return a request as FastAPI's service takes it."""
    document = {"rows": [[float(str(value)) for value in row] for row in rows]}
    return post("/predict", json.dumps(document).encode(), [JSON_TYPE])


def compare(found: list[Service], targets: Any) -> None:
    """End with an error where the services do not answer alike."""
    request = {s.name: ask(s.port, s.requests[100][0]) for s in found}
    ours = np.array(json.loads(request["toolkit serve"])["outputs"][0]["data"])
    theirs = np.array(json.loads(request[BASE])["predictions"]).ravel()
    in_binary = np.frombuffer(request["toolkit serve, binary"][-4 * len(ours) :], "<f4")
    spread = float(np.std(np.asarray(targets, dtype=np.float64)))
    if not (ours == in_binary).all() or np.abs(ours - theirs).max() > TOLERANCE * spread:
        raise SystemExit("error: the services do not answer alike")


def turns(found: list[Service], count: int, seconds: float) -> list[dict[str, Any]]:
    """Return the figures of each number of rows and connections, a row a service."""
    figures = []
    for rows in ROWS:
        for connections in CONNECTIONS:
            taken: dict[str, list[list[int]]] = {s.name: [] for s in found}
            for _ in range(count):
                for s in found:
                    measure(s.port, s.requests[rows], connections, WARM_S)
                    taken[s.name].append(measure(s.port, s.requests[rows], connections, seconds))
            figures += [
                {"rows": rows, "connections": connections, "service": name,
                 **summary(turns_, taken[BASE], seconds)}
                for name, turns_ in taken.items()
            ]  # fmt: skip
    return figures


def summary(turns_: list[list[int]], base: list[list[int]], seconds: float) -> dict[str, Any]:
    """Return medians over turns, and the least and the most; ratio: of paired turns."""
    rates = [len(t) / seconds for t in turns_]
    ratios = [len(t) / len(b) for t, b in zip(turns_, base, strict=True)]

    def of(values: list[float]) -> dict[str, float]:
        least, most = min(values), max(values)
        return {"median": statistics.median(values), "min": least, "max": most}

    return {
        "requests_s": of(rates),
        "p50_ms": of([float(np.percentile(t, 50)) / 1e6 for t in turns_]),
        "p99_ms": of([float(np.percentile(t, 99)) / 1e6 for t in turns_]),
        "ratio": of(ratios),
    }


def peak_mb(process: subprocess.Popen) -> float:
    """Return the most memory that a service took, in MB."""
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


def render(report: dict[str, Any]) -> str:
    """Return the page."""
    lines = [
        "<!-- Written by scripts/benchmark-serve. -->",
        "# The service beside FastAPI + joblib",
        "",
        "| model | rows | connections | service | requests/s | least–most | p50, ms | p99, ms | "
        "least–most | by FastAPI |",
        "|---|--:|--:|---|--:|--:|--:|--:|--:|--:|",
    ]
    for model, figures in report["figures"].items():
        for f in figures:
            rate, p99 = f["requests_s"], f["p99_ms"]
            lines.append(
                f"| {model} | {f['rows']} | {f['connections']} | {f['service']} | "
                f"{rate['median']:,.0f} | {rate['min']:,.0f}–{rate['max']:,.0f} | "
                f"{f['p50_ms']['median']:.2f} | {p99['median']:.2f} | "
                f"{p99['min']:.2f}–{p99['max']:.2f} | {f['ratio']['median']:.2f} |"
            )
    lines += ["", "| model | service | peak memory, MB |", "|---|---|--:|"]
    for model, peaks in report["peak_mb"].items():
        lines += [f"| {model} | {name} | {peak:.0f} |" for name, peak in peaks.items()]
    machine, libraries = report["environment"], report["environment"]["libraries"]
    versions = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    lines += [
        "",
        "Both run on uvicorn with httptools, one process each on one core, and were asked by one "
        "client on another core, by turns, with the same rows; each connection sends its next "
        "request when it has its answer. FastAPI's function is `async`, and calls `predict` of the "
        "fitted estimator; its answers were compared with ours before. Binary: tensors as bytes "
        f"behind the JSON. Medians of {report['turns']} turns of {report['seconds']:g} s; by "
        "FastAPI: requests a second beside its own of the same turn.",
        "",
        f"{machine['machine']}, python {machine['python']}, numpy {libraries['numpy']}, "
        f"onnxruntime {libraries['onnxruntime']}, scikit-learn {libraries['scikit-learn']}, "
        f"{versions}.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.5)
    args = parser.parse_args()
    figures: dict[str, Any] = {}
    peaks: dict[str, dict[str, float]] = {}
    for name in MODELS:
        with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
            found = services(name, Path(scratch), stack)
            os.sched_setaffinity(0, {cores()[1]})
            figures[name] = turns(found, args.turns, args.seconds)
            peaks[name] = {s.name: peak_mb(s.process) for s in found if "binary" not in s.name}
            os.sched_setaffinity(0, range(os.cpu_count() or 1))
    report = {
        "schema_version": 1,
        "environment": describe(),
        "versions": {n: version(n) for n in ("uvicorn", "httptools", "fastapi", "pydantic")},
        "turns": args.turns,
        "seconds": args.seconds,
        "figures": figures,
        "peak_mb": peaks,
    }
    text = render(report)
    print(text, end="")
    PAGE.write_text(text, encoding="utf-8")
    RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
