"""Parameters as 8-bit codes with scales and zero points in a pack; biases refitted."""

from __future__ import annotations

import onnx

from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.packs.coding import coded_pack

SUFFIX = ".pack"
LIMITS = {"nmse": 0.01, "agreement": 0.99}
THRESHOLDS = True


def apply(model: onnx.ModelProto, calibration: Calibration, thresholds: int | None = None) -> bytes:
    """Return the pack; NotApplicable where the graph has neither parameters nor trees."""
    return coded_pack(model, calibration, 8, LIMITS, thresholds)
