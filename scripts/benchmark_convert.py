"""Convert forests of several sizes with toolkit and with skl2onnx; print Markdown and JSON.

Each conversion (build and serialise, the checker's run included in ours) is done three times and
the fastest counts; then once more for the peak of Python's memory, which slows it down.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
import tracemalloc
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

REPEATS = 3
FEATURES = 8


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", default="10000,100000,400000", help="sizes, with commas")
    parser.add_argument("--json", type=Path, help="also write the JSON there")
    arguments = parser.parse_args()
    rows = [row for n in arguments.nodes.split(",") for row in measure(int(n))]
    versions = {p: version(p) for p in ("scikit-learn", "skl2onnx", "onnx", "numpy")}
    result = json.dumps({"versions": versions, "rows": rows}, indent=1)
    print(markdown(rows))
    print(result)
    if arguments.json:
        arguments.json.write_text(result + "\n")


def measure(nodes: int) -> list[dict[str, Any]]:
    """Return a row for each kind of forest of about so many nodes."""
    rows = []
    for kind, forest in (("regressor", regressor(nodes)), ("classifier", classifier(nodes))):
        count = sum(t.tree_.node_count for t in forest.estimators_)
        print(f"{kind} of {count} nodes", file=sys.stderr)
        theirs, ours = cost(lambda f=forest: theirs_of(f)), cost(lambda f=forest: ours_of(f))
        ratio = {k: round(ours[k] / theirs[k], 4) for k in ours}
        rows.append(
            {"forest": kind, "nodes": count, "skl2onnx": theirs, "ours": ours, "ratio": ratio}
        )
    return rows


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


def cost(convert: Callable[[], bytes]) -> dict[str, float]:
    """Return the seconds, the peak of Python's memory in MB, and the bytes of a conversion."""
    convert()  # imports
    times = []
    for _ in range(REPEATS):
        gc.collect()
        start = time.perf_counter()
        content = convert()
        times.append(time.perf_counter() - start)
    tracemalloc.start()
    convert()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {"seconds": round(min(times), 5), "mb": round(peak / 1e6, 2), "bytes": len(content)}


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| forest | nodes | skl2onnx s / MB / bytes | ours s / MB / bytes | ratio s / MB / bytes |",
        "|---|---|---|---|---|",
    ]
    for r in rows:
        cells = [" / ".join(f"{v:g}" for v in r[k].values()) for k in ("skl2onnx", "ours", "ratio")]
        lines.append(f"| {r['forest']} | {r['nodes']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
