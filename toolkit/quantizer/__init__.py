"""From a proven bundle to smaller variants, each checked before it is kept.

    flow      the text of `quantize`
    methods/  one file a method, in a few lines: what it makes of a graph, and what that must keep
    graphs/   what the .onnx methods are made of
    packs/    what the .pack methods are made of, down to the file
    budget/   formats chosen parameter by parameter, so that a stated budget is kept
    checks/   whether a variant may be kept, and what is to be said of it
    codes/    tensors as small integers, and which integers suit one best
    trees/    tree ensembles as streams of small integers

Beside them stands what all of these need: calibration rows, what a graph's parameters are
(`parameters`), what a change of one does (`probe`), and how what lies behind it is
refitted (`refit`). How far outputs are from others is `toolkit.metrics`' to say.

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
