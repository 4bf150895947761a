"""Weights as uint4 in plain ONNX, a scale for every 32 inputs, small matrices as uint8."""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from toolkit.onnx_graph.domains import opset
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.codes.formats import Format
from toolkit.quantizer.graphs import weight_only
from toolkit.quantizer.parameters import Parameter
from toolkit.quantizer.refusals import NotApplicable

SUFFIX = ".onnx"
LIMITS = {"nmse": 0.01, "agreement": 0.99}
SESSION = weight_only.SESSION

# Blocks of DequantizeLinear, and the element type.
LEAST_OPSET = 21
SMALL = 1 / 8


def apply(model: onnx.ModelProto, calibration: Calibration) -> bytes:
    """Return the graph with uint4 weights; NotApplicable where it has none or its opset is older.

    Codes are rounded for the layer's output and biases refitted, as in a pack. A tensor with less
    than SMALL of all parameters has uint8 codes: its bytes hardly count, and as the first or the
    last of a network its errors do (with 64 and 64 units the normalised MSE falls by ten).
    """
    if opset(model) < LEAST_OPSET:
        raise NotApplicable(
            f"the graph is written in opset {opset(model)}, which has no uint4; export it with "
            f"--opset {LEAST_OPSET}"
        )
    few = SMALL * sum(p.values.size for p in weight_only.parameters_of(model))

    def formats(parameter: Parameter) -> Sequence[Format]:
        return weight_only.BYTES if parameter.values.size < few else weight_only.NIBBLES

    return weight_only.stored_as_integers(model, calibration, formats)
