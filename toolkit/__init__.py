"""From a fitted scikit-learn model to small, fast, proven artifacts for onnxruntime alone.

The names below are loaded on first use, so that `import toolkit` costs nothing and the runtime
works where scikit-learn is absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit.exporter import export
    from toolkit.quantizer import quantize
    from toolkit.report.flow import bench
    from toolkit.runtime import load

__version__ = "0.1.0"

_HOME = {
    "export": "toolkit.exporter",
    "quantize": "toolkit.quantizer",
    "bench": "toolkit.report.flow",
    "load": "toolkit.runtime",
}

__all__ = ["bench", "export", "load", "quantize"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        import importlib

        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'toolkit' has no attribute {name!r}")
