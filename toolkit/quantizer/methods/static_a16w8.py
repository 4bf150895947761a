"""Products of uint16 operands and int8 weights, as processors for neural networks take them."""

from __future__ import annotations

import onnx

from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.graphs import static

SUFFIX = ".onnx"
LIMITS = {"nmse": 0.01, "agreement": 0.99}
# On the CPU onnxruntime multiplies these in float32: then the weights are best decoded once.
SESSION = {"config": {"session.disable_quant_qdq": "1"}}


def apply(model: onnx.ModelProto, calibration: Calibration) -> bytes:
    """Return the quantized graph; NotApplicable where no product is large enough.

    Operands reach eight times as far as in the calibration rows: nothing is clipped, and 13 bits
    are left.
    """
    return static.quantized(model, calibration, bits=16, weight_bits=8, limits=LIMITS)
