"""From a proven bundle to smaller variants, each checked before it is kept."""

from __future__ import annotations

from toolkit.quantizer.flow import quantize
from toolkit.quantizer.methods import method_names, method_summaries

__all__ = ["method_names", "method_summaries", "quantize"]
