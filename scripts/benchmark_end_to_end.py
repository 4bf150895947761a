"""The whole road of a large forest, each command a process of its own; write docs/end-to-end.md.

`export`, `quantize` with every method, `bench`, `verify` and `predict` of a forest of a million
nodes and of five: seconds and peaks of memory. No process may map more than 8 GiB.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import spread

ROOT = Path(__file__).resolve().parents[1]
JSON, MARKDOWN = ROOT / "scripts" / "results" / "end-to-end.json", ROOT / "docs" / "end-to-end.md"
SIZES = "1000000,5000000"
TREES = 20
FEATURES = 8
DATA_ROWS = 20_000
LIMIT = 8 << 30
RUNS = 3
GATE = 1  # the exit code of a command whose files are all written, and that found a gate broken
LOOK_S = 0.1  # how often the memory of a command's processes is read


def main() -> int:
    """Measure and print; with --nodes nothing is written, since a part is no whole table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", help=f"other sizes than {SIZES}, with commas")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"of each size, {RUNS} if not given")
    arguments = parser.parse_args()
    from toolkit.runner import environment

    rows: list[dict[str, Any]] = []
    for nodes in (arguments.nodes or SIZES).split(","):
        with tempfile.TemporaryDirectory() as directory:
            rows += travels(int(nodes), arguments.runs, Path(directory))
    figures = {
        "schema_version": 2,
        "environment": environment.describe(),
        "runs": arguments.runs,
        "rows": rows,
    }
    print(markdown(rows))
    if not arguments.nodes:
        JSON.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        MARKDOWN.write_text(page(figures), encoding="utf-8")
    return 0 if all(r["exit_code"] in (0, GATE) for r in rows) else 1


def travels(nodes: int, runs: int, directory: Path) -> list[dict[str, Any]]:
    """Return a row a command for a forest of about so many nodes: medians, least and most."""
    # In a process of its own, so that no command inherits the memory of fitting.
    if run([__file__, "--fit", str(nodes), str(directory)], directory)["exit_code"]:
        raise SystemExit(f"fitting {nodes} nodes failed")
    count = int((directory / "nodes.txt").read_text(encoding="utf-8"))
    found = [travel(count, directory / f"bundle{k}", directory) for k in range(runs)]
    return [
        {"nodes": count, "command": command}
        | {key: max(f[k][key] for f in found) for key in ("exit_code", "error")}
        | {key: spread.of([f[k][key] for f in found], 1) for key in MEASURED}
        for k, command in enumerate(COMMANDS)
    ]


MEASURED = ("seconds", "cpu_seconds", "peak_mb")
COMMANDS = ("export", "quantize", "bench", "verify", "predict")


def travel(count: int, bundle: Path, directory: Path) -> list[dict[str, Any]]:
    """Return what each of COMMANDS takes, one after the other."""
    data, rows = (str(directory / n) for n in ("data.npz", "rows.npz"))
    model, pack = directory / "model.joblib", bundle / "model.uint8-pack.pack"
    arguments = (
        (str(model), "--data", data, "-o", str(bundle), "--allow-pickle"),
        (str(bundle),),
        (str(bundle),),
        (str(bundle),),
        (str(pack), "--input", rows),
    )
    found = []
    for command, given in zip(COMMANDS, arguments, strict=True):
        print(f"{count} nodes: toolkit {command}", file=sys.stderr)
        found.append(run(["-m", "toolkit", command, *given], directory))
    shutil.rmtree(bundle)
    return found


def run(arguments: Sequence[str], directory: Path) -> dict[str, Any]:
    """Return the seconds, the peak of resident memory and the exit code of a Python command.

    cpu_seconds: of it and of the processes that it starts, whatever else the machine does. The peak
    is the larger of the largest single process and of what the command and the processes that it
    starts have together, both read every LOOK_S.
    """
    start = time.perf_counter()
    with (directory / "stdout.txt").open("wb") as out, (directory / "said.txt").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, *arguments], stdout=out, stderr=said, preexec_fn=limited
        )
        peaks = [0]
        done = threading.Event()

        def look() -> None:
            while not done.wait(LOOK_S):
                peaks.append(max(resident(process.pid)))

        watcher = threading.Thread(target=look)
        watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        done.set()
        watcher.join()
        process.returncode = os.waitstatus_to_exitcode(status)
    lines = (directory / "said.txt").read_text(encoding="utf-8").splitlines()
    print(*lines, sep="\n", file=sys.stderr)
    return {
        "error": lines[-1] if process.returncode and lines else "",
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mb": round(max(peaks) / 1e6),
        "exit_code": process.returncode,
    }


def resident(pid: int) -> tuple[int, int]:
    """Return the resident bytes of a process and of all that it started: their sum, the largest.

    The sum is of this moment, the largest of any since the process began. Linux tells them; its
    ru_maxrss would begin with what this process has.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [c for t in tasks for c in (t / "children").read_text(encoding="utf-8").split()]
    except OSError:  # it has ended
        return 0, 0
    kb = {line.split()[0]: int(line.split()[1]) for line in status.splitlines() if " kB" in line}
    found = [resident(int(child)) for child in children]
    most = max([1024 * kb.get("VmHWM:", 0), *(largest for _, largest in found)])
    return 1024 * kb.get("VmRSS:", 0) + sum(own for own, _ in found), most


def limited() -> None:
    """Let the process map no more than LIMIT."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))


def fit(nodes: int, directory: Path) -> None:
    """Write a fitted forest of about so many nodes, its data and rows to predict."""
    import joblib
    import numpy as np
    from sklearn.ensemble import ExtraTreesRegressor

    rng = np.random.default_rng(0)
    X = rng.normal(size=(nodes // (2 * TREES), FEATURES))
    y = X[:, 0] + np.sin(X[:, 1]) + rng.normal(size=len(X))
    forest = ExtraTreesRegressor(TREES, random_state=0).fit(X, y)
    joblib.dump(forest, directory / "model.joblib")
    np.savez(directory / "data.npz", X=X[:DATA_ROWS], y=y[:DATA_ROWS])
    np.savez(directory / "rows.npz", X=X[:1000])
    count = sum(t.tree_.node_count for t in forest.estimators_)
    (directory / "nodes.txt").write_text(str(count), encoding="utf-8")


def page(figures: dict[str, Any]) -> str:
    """Return the documentation's page."""
    machine = figures["environment"]
    libraries = ", ".join(f"{n} {v}" for n, v in machine["libraries"].items() if n != "toolkit")
    runs = "One run each" if figures["runs"] == 1 else f"Medians of {figures['runs']} runs"
    return (
        "<!-- Written by scripts/benchmark-end-to-end. -->\n# The road of a large forest\n\n"
        f"A regression forest of {TREES} trees on {FEATURES} features, from the fitted estimator "
        "to a prediction, with every method of `quantize`. Each command is a process of its own in "
        "which no more than 8 GiB may be mapped. Memory is the most that the command and the fresh "
        "processes that `bench` starts have together, with Python and its libraries; bytes a node "
        f"are of that. {runs}, and least–most where they differ; one thread; {libraries} on "
        f"{machine['platform']}.\n\n" + markdown(figures["rows"])
    )


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| nodes | command | seconds | least–most | of the processor | least–most | peak MB "
        "| least–most | bytes a node | exit code |",
        "|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for r in rows:
        cells = [c for key in MEASURED for c in spread.spelled(r[key])]
        share = round(r["peak_mb"]["median"] * 1e6 / r["nodes"])
        lines.append(
            f"| {r['nodes']:,} | `toolkit {r['command']}` | {' | '.join(cells)} | {share:,} "
            f"| {r['exit_code']} |"
        )
    lines += [
        f"\n`toolkit {r['command']}`, {r['nodes']:,} nodes, exit code {r['exit_code']}: "
        f"`{r['error']}`"
        for r in rows
        if r["error"]
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fit"]:
        fit(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        sys.exit(main())
