"""Time our graphs beside others' and write docs/speed.json and docs/speed.md."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path

import cases
import graphs
import markdown

from toolkit.runner import environment

ROOT = Path(__file__).resolve().parents[2]
JSON, MARKDOWN = ROOT / "docs" / "speed.json", ROOT / "docs" / "speed.md"
PACKAGES = (
    "scikit-learn", "skl2onnx", "onnxruntime", "numpy", "treelite", "tl2cgen", "m2cgen",
    "scikit-learn-intelex",
)  # fmt: skip


def main() -> int:
    """Measure and write; with --models only print, since a part is no whole table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", help=f"only these, with semicolons: {'; '.join(cases.names())}")
    arguments = parser.parse_args()
    chosen = arguments.models.split(";") if arguments.models else cases.names()
    unknown = [n for n in chosen if n not in cases.names()]
    if unknown:
        parser.error(f"unknown model {unknown[0]!r}; they are: {'; '.join(cases.names())}")
    warnings.simplefilter("ignore")  # convergence is not what is measured
    figures = {
        "schema_version": 1,
        "environment": environment.describe(PACKAGES),
        "models": [graphs.measure(name) for name in chosen],
    }
    print(markdown.page(figures))
    if not arguments.models:
        JSON.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        MARKDOWN.write_text(markdown.page(figures), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
