"""Export, pack and time models of many categories; write docs/categories.md.

Three columns of text with so many categories each, one of numbers; one-hot codes before a linear
model. The memory is that of the whole process at its peak, which has
what was fitted in it (Linux only); names are random, so that no pack compresses them to nothing.
Times of 1,000 rows are taken by turns, the medians count, with least and most.
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
JSON, MARKDOWN = ROOT / "scripts" / "results" / "categories.json", ROOT / "docs" / "categories.md"
COLUMNS = ("user", "item", "shop")
MODELS = ("Ridge", "LogisticRegression")
BATCH = 1000


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--categories", type=int, default=50_000, help="of a column")
    parser.add_argument("--repeats", type=int, default=15, help="how often rows are answered")
    parser.add_argument("--model", choices=MODELS, help="measure this one here, print its row")
    arguments = parser.parse_args()
    if arguments.model:
        print(json.dumps(measure(arguments.model, arguments.categories, arguments.repeats)))
        return
    from toolkit.runner import environment

    rows = [_apart(name, arguments.categories, arguments.repeats) for name in MODELS]
    figures = {"schema_version": 1, "environment": environment.describe(), "rows": rows}
    print(page(figures))
    JSON.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    MARKDOWN.write_text(page(figures), encoding="utf-8")


def _apart(name: str, categories: int, repeats: int) -> dict[str, Any]:
    """Return the row of a model, measured in a process of its own."""
    print(name, file=sys.stderr)
    sizes = [f"--categories={categories}", f"--repeats={repeats}"]
    command = [sys.executable, __file__, f"--model={name}", *sizes]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    row: dict[str, Any] = json.loads(done.stdout)
    return row


def measure(name: str, categories: int, repeats: int) -> dict[str, Any]:
    """Return what a model of so many categories a column costs."""
    import resource
    from time import perf_counter

    from toolkit.exporter import export
    from toolkit.quantizer import quantize
    from toolkit.runtime import load

    model, X, y = fitted(name, categories)
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        bundle = export(model, X, y, name="categories", out=Path(folder) / "m", tune="latency")
        seconds = perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        (variant,) = quantize(bundle, ["float32-pack"])
        opened = load(bundle.path, threads=1)
        rows, both = X.head(BATCH), (model.predict, opened.predict)
        times = [[_seconds(answer, rows) for answer in both] for _ in range(repeats + 1)]
        return {
            "model": name,
            "categories": categories,
            "export_seconds": round(seconds, 1),
            "peak_mb": round(peak),
            "onnx_bytes": (bundle.path / "model.onnx").stat().st_size,
            "pack_bytes": (bundle.path / str(variant.file)).stat().st_size,
            "parameter_bytes": _parameter_bytes(model, X),
            "sklearn_ms": spread.of([1e3 * a for a, _ in times[1:]], 2),
            "toolkit_ms": spread.of([1e3 * b for _, b in times[1:]], 2),
            "ratio": spread.of([b / a for a, b in times[1:]], 3),
        }


def fitted(name: str, categories: int) -> tuple[Any, Any, Any]:
    """Return a model of three columns of text and one of numbers, and what it was fitted on."""
    import numpy as np
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    rng = np.random.default_rng(0)
    columns = {}
    for column in COLUMNS:
        names = np.array([f"{v:012x}" for v in rng.integers(0, 2**48, categories)])
        columns[column] = rng.permutation(np.r_[names, rng.choice(names, categories // 5)])
    X = pd.DataFrame(columns)
    X["load"] = rng.normal(size=len(X))
    y = X["load"] + rng.normal(size=len(X))
    encoder = OneHotEncoder(handle_unknown="ignore")
    before = make_column_transformer((encoder, list(COLUMNS)), (StandardScaler(), ["load"]))
    if name == "Ridge":
        return make_pipeline(before, Ridge()).fit(X, y), X, y
    labels = np.digitize(y, [-1.0, 0.0, 1.0])
    return make_pipeline(before, LogisticRegression(max_iter=30)).fit(X, labels), X, labels


def _seconds(answer: Any, rows: Any) -> float:
    from time import perf_counter

    start = perf_counter()
    answer(rows)
    return perf_counter() - start


def _parameter_bytes(model: Any, X: Any) -> int:
    """Return the bytes of the categories' names and of the weights in float32."""
    names = sum(len(text.encode()) for column in COLUMNS for text in X[column].unique())
    return int(names + 4 * model[-1].coef_.size)


def page(figures: dict[str, Any]) -> str:
    """Return the figures as a Markdown page."""
    machine = figures["environment"]
    libraries = ", ".join(f"{n} {v}" for n, v in machine["libraries"].items() if n != "toolkit")
    lines = [
        "<!-- Written by scripts/benchmark-categories. -->",
        "# Many categories",
        "",
        f"{figures['rows'][0]['categories']:,} texts in each of {len(COLUMNS)} columns, one-hot, "
        "before a linear model. MB: the process at its peak, with what was fitted in it. "
        "Parameters: the names in UTF-8 and the weights in float32; the pack is a `float32-pack`. "
        f"Times of {BATCH:,} rows of a data frame, one thread, by turns: medians, and least–most. "
        f"{libraries} on {machine['platform']}.",
        "",
        "| model | export s | MB | .onnx bytes | pack bytes | of parameters | scikit-learn ms | "
        "least–most | toolkit ms | least–most | ratio | least–most |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in figures["rows"]:
        share = row["pack_bytes"] / row["parameter_bytes"]
        times = [
            c for key in ("sklearn_ms", "toolkit_ms", "ratio") for c in spread.spelled(row[key])
        ]
        lines.append(
            f"| {row['model']} | {row['export_seconds']} | {row['peak_mb']:,} | "
            f"{row['onnx_bytes']:,} | {row['pack_bytes']:,} | {share:.2f} | {' | '.join(times)} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
