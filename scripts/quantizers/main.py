"""Compare our variants with other quantizers' and write docs/quantizers.md and its JSON."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path

import compare
import estimators
import page

from toolkit.runner import environment

ROOT = Path(__file__).resolve().parents[2]
JSON, MARKDOWN = ROOT / "scripts" / "results" / "quantizers.json", ROOT / "docs" / "quantizers.md"
PACKAGES = ("onnxruntime", "onnx", "onnx_shrink_ray", "skl2onnx", "scikit-learn", "numpy")


def main() -> int:
    """Measure and write; with --models only print, since a part is no whole table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--models", help=f"only these, with semicolons: {'; '.join(estimators.names())}"
    )
    arguments = parser.parse_args()
    chosen = arguments.models.split(";") if arguments.models else estimators.names()
    unknown = [n for n in chosen if n not in estimators.names()]
    if unknown:
        parser.error(f"unknown model {unknown[0]!r}; they are: {'; '.join(estimators.names())}")
    warnings.simplefilter("ignore")  # convergence is not what is measured
    figures = {
        "schema_version": 1,
        "environment": environment.describe(PACKAGES),
        "models": [compare.measure(estimators.make(name)) for name in chosen],
    }
    print(page.page(figures))
    if not arguments.models:
        JSON.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        MARKDOWN.write_text(page.page(figures), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
