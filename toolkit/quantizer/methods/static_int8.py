"""Products of uint8 operands and int8 weights; not for rows beyond the calibration rows."""

from __future__ import annotations

import onnx

from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.graphs import static

SUFFIX = ".onnx"
LIMITS = {"nmse": 0.01, "agreement": 0.99}

# Processors without VNNI add two products in 16 bits: 255 · 63 · 2 is the most that fits.
WEIGHT_BITS = 7


def apply(model: onnx.ModelProto, calibration: Calibration) -> bytes:
    """Return the quantized graph; NotApplicable where no product bears operands of 8 bits.

    On grids fixed by calibration rows (Q/DQ pairs): ranges by minimum and maximum, percentile,
    entropy and least squares are tried, and the best is kept. A row's result does not depend on its
    batch. What lies beyond a range is clipped without a word, and the answers stop growing: not for
    a device whose inputs no one limits.
    """
    return static.quantized(model, calibration, bits=8, weight_bits=WEIGHT_BITS, limits=LIMITS)
