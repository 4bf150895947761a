"""Time our graphs beside others' and write docs/speed.md and its JSON."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import cases
import graphs
import markdown

from toolkit.runner import environment

ROOT = Path(__file__).resolve().parents[2]
JSON, MARKDOWN = ROOT / "scripts" / "results" / "speed.json", ROOT / "docs" / "speed.md"
SCHEMA_VERSION = 2
PACKAGES = (
    "scikit-learn", "skl2onnx", "onnxruntime", "numpy", "treelite", "tl2cgen", "m2cgen",
    "scikit-learn-intelex",
)  # fmt: skip


def main() -> int:
    """Measure and write, after every model; others keep what they had where --models is given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", help=f"only these, with semicolons: {'; '.join(cases.names())}")
    arguments = parser.parse_args()
    chosen = arguments.models.split(";") if arguments.models else cases.names()
    unknown = [n for n in chosen if n not in cases.names()]
    if unknown:
        parser.error(f"unknown model {unknown[0]!r}; they are: {'; '.join(cases.names())}")
    warnings.simplefilter("ignore")  # convergence is not what is measured
    machine = environment.describe(PACKAGES)
    kept = _known(machine) if arguments.models else {}
    for name in chosen:
        kept[name] = graphs.measure(name)
        models = [kept[n] for n in cases.names() if n in kept]
        figures = {
            "schema_version": SCHEMA_VERSION,
            "environment": machine,
            "models": models,
        }
        JSON.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        MARKDOWN.write_text(markdown.page(figures), encoding="utf-8")
    print(MARKDOWN.read_text(encoding="utf-8"))
    return 0


def _known(machine: dict[str, Any]) -> dict[str, Any]:
    """Return the committed figures by model, where they are of this machine and these versions."""
    if not JSON.is_file():
        return {}
    figures = json.loads(JSON.read_text(encoding="utf-8"))
    alike = {"schema_version": SCHEMA_VERSION, "environment": machine}
    same = all(figures[key] == value for key, value in alike.items())
    return {m["model"]: m for m in figures["models"]} if same else {}


if __name__ == "__main__":
    sys.exit(main())
