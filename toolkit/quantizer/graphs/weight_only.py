"""Graphs whose parameters are stored as integers and decoded when they are opened."""

from __future__ import annotations

import onnx
from onnx import helper

from toolkit.onnx_graph.domains import opset
from toolkit.onnx_graph.edits import copied
from toolkit.onnx_graph.subgraphs import walk
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.codes.affine import Affine
from toolkit.quantizer.codes.formats import Format
from toolkit.quantizer.graphs.layers import Formats, code
from toolkit.quantizer.graphs.qdq import Pieces, dequantized, rebuilt
from toolkit.quantizer.parameters import Parameter, Product, find_parameters, replace_values
from toolkit.quantizer.refitting import Refitting
from toolkit.quantizer.refusals import NotApplicable

# Else onnxruntime decodes the weights anew at every call.
SESSION = {"config": {"session.disable_quant_qdq": "1"}}

# Scales a tensor or column, and powers of two a row; a scale for each block of 32 rows.
BYTES = tuple(
    Format("affine", 8, scales, exponents)
    for scales in ("tensor", "column")
    for exponents in ("", "magnitude", "deviation")
)
WORDS = (Format("affine", 16, "column"),)
NIBBLES = tuple(Format("affine", 4, "block", exponents) for exponents in ("", "deviation"))


def stored_as_integers(model: onnx.ModelProto, calibration: Calibration, formats: Formats) -> bytes:
    """Return the model with its parameters as codes in the formats given for each.

    Raises NotApplicable where the graph has none, none is large enough, or one cannot be coded.
    """
    parameters = parameters_of(model)
    refitting = Refitting.of(model, calibration, parameters)
    try:
        # Before opset 21 DequantizeLinear has no 16 bits.
        minor = WORDS if opset(model) >= 21 else ()
        encoded, changed = code(refitting, parameters, formats, minor)
    except ValueError as error:
        raise NotApplicable(f"a parameter {error}") from None
    if not encoded:
        raise NotApplicable(
            f"the largest parameter has {max(p.values.size for p in parameters)} numbers: codes, "
            "their scales and the nodes that decode them would be larger"
        )
    replaced = copied(model)
    replace_values(replaced, changed)
    products, exact = (p for p in parameters if isinstance(p, Product)), refitting.exact
    flat = {p.name for p in products if exact[p.source].ndim == 2}
    pieces = [_pieces(replaced, name, codes, name in flat) for name, codes in encoded.items()]
    return rebuilt(replaced, encoded, pieces).SerializeToString(deterministic=True)


def _pieces(model: onnx.ModelProto, name: str, codes: Affine, flat: bool) -> Pieces:
    """Return what decodes a parameter; its product, in place, a Gemm with transB.

    flat: its operand is a matrix.
    """
    readers = [n for n in walk(model.graph.node) if name in n.input]
    turned = flat and len(readers) == 1 and readers[0].op_type in ("MatMul", "Gemm")
    turned = turned and readers[0].input[1] == name
    if turned:
        readers[0].op_type = "Gemm"
        readers[0].attribute.append(helper.make_attribute("transB", 1))
    return dequantized(name, codes, turned=turned, direct=turned)


def parameters_of(model: onnx.ModelProto) -> list[Parameter]:
    """Return a graph's parameters; NotApplicable where it has none among its initializers."""
    parameters = find_parameters(model)
    if not parameters:
        raise NotApplicable("the graph has no weight matrix among its initializers")
    return parameters
