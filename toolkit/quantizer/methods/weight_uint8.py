"""Weights as uint8 in plain ONNX with DequantizeLinear, for any runtime; float32 products."""

from __future__ import annotations

import onnx

from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.graphs import weight_only

SUFFIX = ".onnx"
LIMITS = {"nmse": 0.01, "agreement": 0.99}
SESSION = weight_only.SESSION


def apply(model: onnx.ModelProto, calibration: Calibration) -> bytes:
    """Return the graph with uint8 weights; NotApplicable where it has none.

    Codes are rounded for the layer's output and biases refitted, as in a pack; nothing is rounded
    when the graph runs.
    """
    return weight_only.stored_as_integers(model, calibration, lambda _: weight_only.BYTES)
