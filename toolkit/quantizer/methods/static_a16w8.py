"""Products of uint16 operands and int8 weights; not for rows far beyond the calibration rows."""

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

    For processors for neural networks, which take such products. Operands reach eight times as far
    as in the calibration rows: none of these is clipped, and 13 bits are left. What lies further
    out is clipped without a word, and the answers stop growing: not for a device whose inputs no
    one limits.
    """
    return static.quantized(model, calibration, bits=16, weight_bits=8, limits=LIMITS)
