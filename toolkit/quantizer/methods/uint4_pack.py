"""Parameters as 4-bit codes in a pack, by blocks of rows where that helps: the fewest bytes."""

from __future__ import annotations

import onnx

from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.packs.coding import coded_pack

SUFFIX = ".pack"
LIMITS = {"nmse": 0.05, "agreement": 0.97}
# Of each feature of trees: beyond these a table of thresholds outweighs leaves of 4 bits.
MOST_THRESHOLDS = 256


def apply(model: onnx.ModelProto, calibration: Calibration) -> bytes:
    """Return the pack; NotApplicable where the graph has neither parameters nor trees."""
    return coded_pack(model, calibration, 4, LIMITS, MOST_THRESHOLDS)
