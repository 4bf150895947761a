"""Compare our variants with other quantizers' and write docs/quantizers.json and .md."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import compare
import estimators
import page

ROOT = Path(__file__).resolve().parents[2]
JSON, MARKDOWN = ROOT / "docs" / "quantizers.json", ROOT / "docs" / "quantizers.md"
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
        "environment": environment(),
        "models": [compare.measure(estimators.make(name)) for name in chosen],
    }
    print(page.page(figures))
    if not arguments.models:
        JSON.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        MARKDOWN.write_text(page.page(figures), encoding="utf-8")
    return 0


def environment() -> dict[str, Any]:
    """Return the machine and the versions, None for what is not installed."""
    from toolkit.runner import environment as machine

    return machine.describe() | {"packages": {p: _version(p) for p in PACKAGES}}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    sys.exit(main())
