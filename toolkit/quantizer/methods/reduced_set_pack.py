"""Support vectors and processes on a tenth of their points, as codes in a pack; duals fitted."""

from __future__ import annotations

import onnx

from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.packs.packing import write_pack
from toolkit.quantizer.packs.reduced_set import reduced

SUFFIX = ".pack"
LIMITS = {"nmse": 2e-3, "agreement": 0.99}


def apply(model: onnx.ModelProto, calibration: Calibration) -> bytes:
    """Return the pack; NotApplicable where the graph has no sum of Gaussian kernels."""
    return write_pack(*reduced(model, calibration, LIMITS["nmse"] / 2))
