"""Whether a pack's trees still have all of their thresholds."""

from __future__ import annotations

import onnx

from toolkit.quantizer.trees.forests import find_forests
from toolkit.runtime import pack


def dropped(model: onnx.ModelProto, content: bytes, origin: str) -> str:
    """Return what is to be said of a variant whose trees have fewer thresholds; "" where all stay.

    content: the variant's bytes; model: the graph that it was made of.
    """
    if not pack.is_pack(content):
        return ""
    left = sum(forest.thresholds() for forest in pack.read(content, origin).forests)
    every = sum(forest.thresholds() for forest in find_forests(model)) if left else 0
    return f"keeps {left:,} of {every:,} thresholds" if left < every else ""
