"""From a fitted estimator to a proven bundle.

The names below are loaded on first use: whoever needs one small module of this package does not
wait for onnx.
"""

from __future__ import annotations

import importlib
from typing import Any

from toolkit.exporter.flow import convert_and_prove, export
from toolkit.exporter.prove_external import prove_graph

_HOME = {
    "convert_and_prove": "flow",
    "export": "flow",
    "prove_graph": "foreign",
}

__all__ = ["convert_and_prove", "export", "prove_graph"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"toolkit.exporter.{_HOME[name]}"), name)
    raise AttributeError(f"module 'toolkit.exporter' has no attribute {name!r}")
