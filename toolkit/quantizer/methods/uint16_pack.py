"""Parameters as 16-bit codes in a pack: half the bytes, and nearly nothing lost."""

from __future__ import annotations

import onnx

from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.packs.coding import coded_pack

SUFFIX = ".pack"
LIMITS = {"nmse": 1e-4, "agreement": 0.998}


def apply(model: onnx.ModelProto, calibration: Calibration) -> bytes:
    """Return the pack; NotApplicable where the graph has neither parameters nor trees."""
    return coded_pack(model, calibration, 16, LIMITS)
