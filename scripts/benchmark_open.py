"""Open forests from packs and from skl2onnx's own files; write docs/opening.md.

Each file is opened in processes of its own, in turns: from its bytes on the disk to an onnxruntime
session of one thread. The medians count, with least and most, the ratio is that of the pairs, and
the memory is what the process has at its peak above what its imports took (Linux only).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import spread

ROOT = Path(__file__).resolve().parents[1]
JSON, MARKDOWN = ROOT / "scripts" / "results" / "opening.json", ROOT / "docs" / "opening.md"
OPEN = r"""
import re, sys, time
import onnxruntime
from toolkit.runtime import pack
def peak():  # a child's ru_maxrss begins with its parent's
    return int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) / 1024
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
before, start = peak(), time.perf_counter()
source = sys.argv[1]
if source.endswith(".pack"):
    source = pack.read(open(source, "rb").read(), source).to_onnx()
session = onnxruntime.InferenceSession(source, options)
print(time.perf_counter() - start, peak() - before)
"""


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7, help="how often each file is opened")
    arguments = parser.parse_args()
    from toolkit.runner import environment

    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(depth, Path(folder), arguments.repeats) for depth in (8, 12)]
    figures = {"schema_version": 2, "environment": environment.describe(), "rows": rows}
    print(page(figures))
    JSON.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    MARKDOWN.write_text(page(figures), encoding="utf-8")


def measure(depth: int, folder: Path, repeats: int) -> dict[str, Any]:
    """Return the row of a forest of 100 trees of this depth on California Housing."""
    import numpy as np
    from skl2onnx import to_onnx
    from sklearn.ensemble import RandomForestRegressor

    from toolkit.exporter import export
    from toolkit.quantizer import quantize
    from toolkit.trainer.datasets.california import dataset

    data = dataset()
    X, y = data.X[data.train], data.y[data.train]
    forest = RandomForestRegressor(100, max_depth=depth, random_state=42).fit(X, y)
    plain = folder / f"{depth}.onnx"
    plain.write_bytes(to_onnx(forest, X[:1].astype(np.float32)).SerializeToString())
    bundle = export(forest, X, y, name="forest", out=folder / f"forest-{depth}")
    (variant,) = quantize(bundle, ["uint8-pack"])
    packed = bundle.path / str(variant.file)
    nodes = sum(t.tree_.node_count for t in forest.estimators_)
    print(f"forest of {nodes} nodes", file=sys.stderr)
    pairs = [(opened(plain), opened(packed)) for _ in range(repeats)]
    return {
        "nodes": nodes,
        "plain": _medians([a for a, _ in pairs], plain),
        "pack": _medians([b for _, b in pairs], packed),
        "ratio": spread.of([b[0] / a[0] for a, b in pairs], 2),
    }


def opened(path: Path) -> tuple[float, float]:
    """Return the seconds and the MB of opening a file in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(path)], check=True, capture_output=True, encoding="utf-8"
    )
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes


def _medians(found: list[tuple[float, float]], path: Path) -> dict[str, Any]:
    return {
        "seconds": spread.of([s for s, _ in found], 4),
        "mb": spread.of([m for _, m in found], 1),
        "bytes": path.stat().st_size,
    }


def page(figures: dict[str, Any]) -> str:
    """Return the figures as a Markdown page."""
    machine = figures["environment"]
    libraries = ", ".join(f"{n} {v}" for n, v in machine["libraries"].items() if n != "toolkit")
    lines = [
        "<!-- Written by scripts/benchmark-open. -->",
        "# Opening forests",
        "",
        "From the file's bytes to a session, each time in a process of its own, by turns: a "
        "`uint8-pack` against skl2onnx's file of the same forest. MB: what the process has at its "
        "peak above what its imports took. Medians of the runs, and least–most; the ratio of the "
        f"pairs' times likewise. {libraries} on {machine['platform']}.",
        "",
        "| nodes | file | seconds | least–most | MB | least–most | bytes |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in figures["rows"]:
        for name, file in (("plain", "skl2onnx's"), ("pack", "`uint8-pack`")):
            found = row[name]
            cells = [*spread.spelled(found["seconds"]), *spread.spelled(found["mb"])]
            lines.append(
                f"| {row['nodes']:,} | {file} | {' | '.join(cells)} | {found['bytes']:,} |"
            )
        lines.append(f"| | ratio | {' | '.join(spread.spelled(row['ratio']))} | | | |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
