"""Run recipes through the command line and sum up their reports as one Markdown table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

TOOLKIT = str(Path(sys.executable).with_name("toolkit"))
FOLDER = Path("build/models")
HEADERS = (
    "recipe", "method", "bytes", "× smaller", "score", "loss", "labels equal", "µs a row", "gates",
)  # fmt: skip


def main(names: list[str]) -> int:
    """Run every recipe to its end and return the worst exit code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    lines = ["| " + " | ".join(HEADERS) + " |", "|---|---|" + "--:|" * (len(HEADERS) - 3) + "---|"]
    worst = 0
    for name in names or recipes():
        code, step = run(name)
        worst = max(worst, code)
        report = FOLDER / name / "report.json"
        if code > 1 or not report.is_file():
            lines.append(f"| {name} | **{step} failed with exit code {code}** |" + " |" * 7)
        else:
            lines += rows(json.loads(report.read_text(encoding="utf-8")))
    table = "\n".join(["## Recipes", "", *lines, ""])
    (FOLDER / "summary.md").write_text(table, encoding="utf-8")
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with open(summary, "a", encoding="utf-8") as out:
            out.write(table)
    print(table)
    return worst


def recipes() -> list[str]:
    """Return the names of all recipes."""
    command = [TOOLKIT, "recipes", "--json"]
    listed = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    return [entry["name"] for entry in json.loads(listed)["recipes"]]


def run(name: str) -> tuple[int, str]:
    """Run one recipe; return the exit code and the step that gave it."""
    folder = str(FOLDER / name)
    worst, step = 0, ""
    steps = (["export", name, "-o", folder, "--force"], ["quantize", folder], ["bench", folder])
    for arguments in steps:
        print(f"\n$ toolkit {' '.join(arguments)}", file=sys.stderr, flush=True)
        code = subprocess.run([TOOLKIT, *arguments], stdout=sys.stderr).returncode
        if code > worst:
            worst, step = code, arguments[0]
        if code > 1:
            break
    return worst, step


def rows(report: dict) -> list[str]:
    """Return a table line for each variant of a report."""
    reference = score(report["variants"][0])
    out = []
    for variant in report["variants"]:
        failed = [
            g["expression"]
            for g in report["gates"]
            if g["method"] == variant["method"] and not g["passed"]
        ]
        found, made = score(variant), variant["status"] == "ok"
        out.append(
            [
                report["model"],
                variant["method"],
                number(variant["bytes"], ",.0f") if made else variant["status"],
                number(variant["size_ratio"], ".2f"),
                number(found, ".4f"),
                number(None if None in (found, reference) else reference - found, ".1e"),
                number((variant["difference"] or {}).get("label_agreement"), ".2%"),
                number(per_row(variant), ".2f"),
                "**fails " + ", ".join(failed) + "**" if failed else "ok" if made else "–",
            ]
        )
    return ["| " + " | ".join(line).replace("<", "&lt;") + " |" for line in out]


def score(variant: dict) -> float | None:
    """Return R² or the accuracy, None where the model has no such figure."""
    metrics = variant["metrics"] or {}
    return metrics.get("r2", metrics.get("accuracy"))


def per_row(variant: dict) -> float | None:
    """Return the median microseconds a row in the largest batch."""
    latency = variant["latency_us"]
    if not latency:
        return None
    batch = max(latency, key=int)
    return latency[batch]["p50"] / int(batch)


def number(value: float | None, form: str) -> str:
    """Return a figure as text, a dash where there is none."""
    return "–" if value is None else format(value, form)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
