"""onnxruntime's quantize_dynamic with int8 weights of 7 bits, a scale a column."""

from __future__ import annotations

import onnx

from toolkit.onnx_graph.edits import copied
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.graphs.dynamic import quantized_dynamically
from toolkit.quantizer.parameters import plain_products

SUFFIX = ".onnx"
# A batch with larger values than the calibration rows has a coarser grid, and ten times the
# error on the held-out rows of California Housing.
LIMITS = {"nmse": 1e-3, "agreement": 0.99}


def apply(model: onnx.ModelProto, calibration: Calibration) -> bytes:
    """Return the quantized graph; NotApplicable where quantize_dynamic changes nothing or fails.

    Processors without VNNI add two products of a uint8 activation and an int8 weight in 16 bits,
    which saturate from 255 · 129 on: the weights are rounded to 7 bits (reduce_range), so that the
    file gives the same numbers on every processor. A weight of one column stays float32, since
    onnxruntime crashes on a scale a column there.
    """
    named, single = _named_single_columns(model)
    return quantized_dynamically(
        named, "QInt8", per_channel=True, reduce_range=True, nodes_to_exclude=single
    )


def _named_single_columns(model: onnx.ModelProto) -> tuple[onnx.ModelProto, list[str]]:
    """Return the model with names for the products by one column, and these names.

    quantize_dynamic writes a Gemm as a MatMul of another name first.
    """
    columns = {p.name for p in plain_products(model) if p.values.shape[1] == 1}
    named, names = copied(model), []
    for at, node in enumerate(named.graph.node):
        if len(node.input) > 1 and node.input[1] in columns:
            node.name = node.name or f"single{at}"
            names += [node.name, f"{node.name}_MatMul"]
    return named, names
