"""From a proven bundle to smaller variants, each checked before it is kept.

`quantize` is loaded on first use: listing the methods needs neither onnx nor onnxruntime.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.quantizer.methods import method_names, method_summaries

if TYPE_CHECKING:
    from toolkit.quantizer.flow import quantize

__all__ = ["method_names", "method_summaries", "quantize"]


def __getattr__(name: str) -> Any:
    if name == "quantize":
        from toolkit.quantizer import flow

        return flow.quantize
    raise AttributeError(f"module 'toolkit.quantizer' has no attribute {name!r}")
