"""onnxruntime's quantize_dynamic: uint8 weights, activations quantized by the batch's own range."""

from __future__ import annotations

import onnx

from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.graphs.dynamic import quantized_dynamically

SUFFIX = ".onnx"
# A batch with larger values than the calibration rows has a coarser grid, and ten times the
# error on the held-out rows of California Housing.
LIMITS = {"nmse": 1e-3, "agreement": 0.99}


def apply(model: onnx.ModelProto, calibration: Calibration) -> bytes:
    """Return the quantized graph; NotApplicable where quantize_dynamic changes nothing or fails."""
    return quantized_dynamically(model, "QUInt8")
