"""The whole road of a large forest, each command a process of its own; write docs/road.md.

`export`, `quantize` (to `uint8-pack`), `bench`, `verify` and `predict` of a forest of a million
nodes and of five, each allowed 8 GiB of address space, with its time and its peak of memory.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
JSON, MARKDOWN = ROOT / "docs" / "road.json", ROOT / "docs" / "road.md"
SIZES = "1000000,5000000"
TREES = 20
FEATURES = 8
DATA_ROWS = 20_000
LIMIT = 8 << 30


def main() -> int:
    """Measure and print; with --nodes nothing is written, since a part is no whole table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", help=f"other sizes than {SIZES}, with commas")
    arguments = parser.parse_args()
    from toolkit.runner import environment

    rows: list[dict[str, Any]] = []
    for nodes in (arguments.nodes or SIZES).split(","):
        with tempfile.TemporaryDirectory() as directory:
            rows += travel(int(nodes), Path(directory))
    figures = {"schema_version": 1, "environment": environment.describe(), "rows": rows}
    print(markdown(rows))
    if not arguments.nodes:
        JSON.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        MARKDOWN.write_text(page(figures), encoding="utf-8")
    return 0 if all(r["exit_code"] == 0 for r in rows) else 1


def travel(nodes: int, directory: Path) -> list[dict[str, Any]]:
    """Return a row a command for a forest of about so many nodes."""
    # In a process of its own, so that no command inherits the memory of fitting.
    fitted = run([__file__, "--fit", str(nodes), str(directory)], directory)
    if fitted["exit_code"]:
        raise SystemExit(f"fitting {nodes} nodes failed")
    count = int((directory / "nodes.txt").read_text())
    bundle = str(directory / "bundle")
    model, data, rows = (str(directory / n) for n in ("model.joblib", "data.npz", "rows.npz"))
    pack = f"{bundle}/model.uint8-pack.pack"
    commands = (
        ("export", model, "--data", data, "-o", bundle, "--allow-pickle"),
        ("quantize", bundle, "--method", "uint8-pack"),
        ("bench", bundle),
        ("verify", bundle),
        ("predict", pack, "--input", rows),
    )
    found = []
    for command in commands:
        print(f"{count} nodes: toolkit {command[0]}", file=sys.stderr)
        found.append(
            {"nodes": count, "command": command[0]} | run(["-m", "toolkit", *command], directory)
        )
    return found


def run(arguments: Sequence[str], directory: Path) -> dict[str, Any]:
    """Return the seconds, the peak of resident memory and the exit code of a Python command."""
    start = time.perf_counter()
    with (directory / "stdout.txt").open("wb") as out:
        process = subprocess.Popen([sys.executable, *arguments], stdout=out, preexec_fn=limited)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "seconds": round(time.perf_counter() - start, 1),
        "peak_mb": round(usage.ru_maxrss * 1024 / 1e6),
        "exit_code": process.returncode,
    }


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
    (directory / "nodes.txt").write_text(str(count))


def page(figures: dict[str, Any]) -> str:
    """Return the documentation's page."""
    machine = figures["environment"]
    libraries = ", ".join(f"{n} {v}" for n, v in machine["libraries"].items() if n != "toolkit")
    return (
        "<!-- Written by scripts/benchmark-road. -->\n# The road of a large forest\n\n"
        f"A regression forest of {TREES} trees on {FEATURES} features, from the fitted estimator "
        "to the bench, each command a process of its own that may map 8 GiB: its seconds and the "
        f"peak of its resident memory. Measured with {libraries} on {machine['platform']}.\n\n"
        + markdown(figures["rows"])
    )


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| nodes | command | seconds | peak MB | bytes a node | exit code |",
        "|---:|---|---:|---:|---:|---:|",
    ]
    for r in rows:
        share = round(r["peak_mb"] * 1e6 / r["nodes"])
        lines.append(
            f"| {r['nodes']:,} | `toolkit {r['command']}` | {r['seconds']:,} | {r['peak_mb']:,} "
            f"| {share:,} | {r['exit_code']} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fit"]:
        fit(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        sys.exit(main())
