"""The pack container with unquantized parameters: what the container alone saves."""

from __future__ import annotations

import onnx

from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.packs.packing import write_pack
from toolkit.quantizer.parameters import attribute_operator
from toolkit.quantizer.refusals import NotApplicable

SUFFIX = ".pack"
# Nothing is rounded: what remains is float32 itself against scikit-learn's float64.
LIMITS = {"nmse": 1e-6, "agreement": 0.999}


def apply(model: onnx.ModelProto, calibration: Calibration) -> bytes:
    """Return the pack; NotApplicable where an operator's parameters are out of reach."""
    operator = attribute_operator(model)
    if operator:
        raise NotApplicable(f"the parameters are attributes of {operator}, which packs do not hold")
    return write_pack(model, {})
