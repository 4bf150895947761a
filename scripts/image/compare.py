"""The images beside one with scikit-learn: sizes and starts, measured the same way, as a table."""

from __future__ import annotations

import json
import os
import platform
import statistics
import tempfile
from pathlib import Path

import measure
from engine import Engine
from subject import ROWS

# Starts in each round and rounds; the images take turns, so that a busy moment meets all of them.
STARTS, ROUNDS = 5, 3
TABLE, FIGURES = Path("docs/image-sizes.md"), Path("scripts/results/image-sizes.json")
COMPARISON = "scripts/image/comparison/Dockerfile"
RUNTIME = ["python3", "-m", "toolkit.runtime", "predict", "/model", "--input", "/data/rows.csv"]
SCIKIT_LEARN = ["python3", "/opt/predict.py", "/data/rows.csv"]

STAND_IN = (
    "The base is the stand-in that `scripts/build-image` makes where there is no engine: Python "
    "and its standard library alone. `python:*-slim` is larger, and by as much are the two images "
    "on it; `small` has no base."
)

VERSIONS = """
import importlib.metadata as m, json, sys
names = "numpy", "onnxruntime", "scikit-learn", "scipy"
found = {n: m.version(n) for n in names if any(m.distributions(name=n))}
print(json.dumps({"python": sys.version.split()[0], **found}))
"""


def write_table(engine: Engine, bundle: Path, base: str | None, secrets: dict[str, Path]) -> None:
    """Build the comparison, measure all images, write docs/image-sizes.md and its JSON."""
    other = "localhost/toolkit:scikit-learn"
    values = {"BUNDLE": bundle.as_posix(), **({"PYTHON_IMAGE": base} if base else {})}
    engine.build(other, COMPARISON, None, values, secrets)
    images = {
        "runtime": ("localhost/toolkit:runtime", RUNTIME),
        "small": ("localhost/toolkit:small", RUNTIME),
        "scikit-learn": (other, SCIKIT_LEARN),
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        python = ["--entrypoint=python3"]
        rows = engine.run(images["small"][0], "-c", ROWS, "/model", options=python)
        (folder / "rows.csv").write_text(
            "".join(rows.stdout.splitlines(keepends=True)[:2]), encoding="utf-8"
        )
        options = [f"--volume={folder}:/data:ro"]
        starts = [
            {n: measure.start(engine, *images[n], options, STARTS) for n in images}
            for _ in range(ROUNDS)
        ]
    found = {n: _figures(engine, images[n][0], [s[n] for s in starts]) for n in images}
    if base is None:
        base = _base_of_the_dockerfile()
        engine.call("pull", "--quiet", base)
    size = measure.content(engine, base)
    report = {
        "schema_version": 1,
        "base": {
            "image": base.partition("@")[0].rpartition("/")[2],
            "bytes": size.size,
            "bytes_compressed": size.compressed,
        },
        "machine": platform.machine(),
        "engine": engine.name,
        "model": json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))["name"],
        "runs": STARTS * ROUNDS,
        "images": found,
    }
    FIGURES.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    TABLE.write_text(render(report), encoding="utf-8")
    print(TABLE.read_text(encoding="utf-8"))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with open(summary, "a", encoding="utf-8") as out:
            out.write(TABLE.read_text(encoding="utf-8"))


def _figures(engine: Engine, image: str, starts: list[dict]) -> dict:
    content = measure.content(engine, image)
    milliseconds = [m for start in starts for m in start["milliseconds"]]
    numpy = [m for start in starts for m in start["numpy"]]
    versions = engine.run(image, "-c", VERSIONS, options=["--entrypoint=python3"])
    return {
        "bytes": content.size,
        "bytes_compressed": content.compressed,
        "start_ms": {
            "median": round(statistics.median(milliseconds), 1),
            "min": round(min(milliseconds), 1),
            "max": round(max(milliseconds), 1),
        },
        "import_numpy_ms": round(statistics.median(numpy), 1),
        "start_ratio": round(
            statistics.median(a / b for a, b in zip(milliseconds, numpy, strict=True)), 3
        ),
        "peak_rss_mb": round(max(start["peak_mb"] for start in starts), 1),
        "versions": json.loads(versions.stdout),
    }


def _base_of_the_dockerfile() -> str:
    lines = Path("Dockerfile").read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("FROM python:")).split()[1]


def render(report: dict) -> str:
    """Return the table as Markdown."""
    base, images = report["base"], report["images"]
    reference = images["scikit-learn"]
    lines = [
        "<!-- Written by `scripts/build-image --compare`; do not edit. -->",
        "# The images beside one with scikit-learn",
        "",
        "| image | MB | gzip, MB | start to prediction, ms | fastest–slowest | by `import numpy` "
        "| peak memory, MB |",
        "|---|--:|--:|--:|--:|--:|--:|",
        f"| the base of the first and the last, `{base['image'].partition(':')[0]}` "
        f"| {base['bytes'] / 1e6:.0f} | {base['bytes_compressed'] / 1e6:.0f} | | | | |",
    ]
    for name, found in images.items():
        start = found["start_ms"]
        lines.append(
            f"| `{name}` | {found['bytes'] / 1e6:.0f} | {found['bytes_compressed'] / 1e6:.0f} "
            f"| {start['median']:.0f} | {start['min']:.0f}–{start['max']:.0f} "
            f"| {found['start_ratio']:.2f} "
            f"| {found['peak_rss_mb']:.0f} |"
        )
    lines.append("")
    for name in ("runtime", "small"):
        found = images[name]
        smaller = reference["bytes"] / found["bytes"]
        compressed = reference["bytes_compressed"] / found["bytes_compressed"]
        sooner = reference["start_ms"]["median"] / found["start_ms"]["median"]
        lines.append(
            f"- `{name}` is {smaller:.1f} times smaller ({compressed:.1f} times compressed) than "
            f"the image with scikit-learn, and predicts {sooner:.1f} times sooner."
        )
    versions = {k: v for found in images.values() for k, v in found["versions"].items()}
    lines += [
        "",
        *([STAND_IN, ""] if base["image"].startswith("toolkit-base") else []),
        f"Model {report['model']}, one row, median of {report['runs']} starts of a whole process; "
        "by `import numpy`: beside one that only imports it, in the same container and by turns. "
        "MB are 10⁶ bytes; "
        f"{report['machine']}, {', '.join(f'{k} {v}' for k, v in versions.items())}.",
        "",
    ]
    return "\n".join(lines)
