"""onnxruntime's quantize_dynamic, called so that what it cannot do is said and not raised."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

import onnx

from toolkit.errors import first_line
from toolkit.quantizer.checks.ort_rewrites import INTEGER_PRODUCTS, operators
from toolkit.quantizer.refusals import NoOp, NotApplicable
from toolkit.runtime import ort  # noqa: F401  (telemetry is off before onnxruntime is imported)


def quantized_dynamically(model: onnx.ModelProto, weight_type: str, **settings: Any) -> bytes:
    """Return what quantize_dynamic makes of a graph.

    weight_type: a name of onnxruntime's QuantType; settings: as quantize_dynamic takes them. Raises
    NoOp where it changes nothing, NotApplicable where it fails.
    """
    content = _quantized(model, weight_type, settings)
    if not INTEGER_PRODUCTS & operators(onnx.load_model_from_string(content)).keys():
        raise NoOp(
            "quantize_dynamic changed nothing: no MatMul or Gemm with constant float32 weights is "
            "left to it"
        )
    return content


def _quantized(model: onnx.ModelProto, weight_type: str, settings: dict[str, Any]) -> bytes:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it warns of pre-processing that small graphs don't need
    try:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "model.onnx", Path(folder) / "quantized.onnx"
            source.write_bytes(model.SerializeToString())
            # Behind operators of ai.onnx.ml, whose types it cannot tell, all is float32.
            options = {"DefaultTensorType": onnx.TensorProto.FLOAT}
            kind = QuantType[weight_type]
            quantize_dynamic(source, target, weight_type=kind, extra_options=options, **settings)
            return target.read_bytes()
    # It raises bare RuntimeError, ValueError, KeyError and onnx errors, by the operator it meets.
    except Exception as error:
        raise NotApplicable(
            f"quantize_dynamic fails on this graph ({first_line(error)})"
        ) from error
    finally:
        root.setLevel(level)
