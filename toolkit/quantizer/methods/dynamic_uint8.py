"""onnxruntime's quantize_dynamic: uint8 weights, activations quantized by the batch's own range."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import onnx

from toolkit.errors import first_line
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.methods import NoOp, NotApplicable
from toolkit.runtime import ort  # noqa: F401  (telemetry is off before onnxruntime is imported)

SUFFIX = ".onnx"
LIMITS = {"nmse": 0.01, "agreement": 0.99}

# The integer operators that show that something was really quantized.
INTEGER_OPERATORS = {"MatMulInteger", "DynamicQuantizeMatMul", "ConvInteger"}


def apply(model: onnx.ModelProto, calibration: Calibration) -> bytes:
    """Return the quantized graph; NoOp where quantize_dynamic changes nothing.

    NotApplicable where it fails.
    """
    content = _quantized(model)
    operators = {n.op_type for n in onnx.load_model_from_string(content).graph.node}
    if not operators & INTEGER_OPERATORS:
        raise NoOp(
            "quantize_dynamic changed nothing: the graph has no MatMul or Gemm with constant "
            "float32 weights"
        )
    return content


def _quantized(model: onnx.ModelProto) -> bytes:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it warns of pre-processing that small graphs don't need
    try:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "model.onnx", Path(folder) / "quantized.onnx"
            source.write_bytes(model.SerializeToString())
            quantize_dynamic(source, target, weight_type=QuantType.QUInt8)
            return target.read_bytes()
    # It raises bare RuntimeError, ValueError, KeyError and onnx errors, by the operator it meets.
    except Exception as error:
        raise NotApplicable(
            f"quantize_dynamic fails on this graph ({first_line(error)})"
        ) from error
    finally:
        root.setLevel(level)
