"""Write weights that are next to nothing as 0: products with them take a hundred times longer."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

# With operands up to 1e10, a sum of a million products with smaller weights is below 1e-16: of the
# largest weight, where all are small, as those of a model of tiny answers.
TINY = 2.0**-106


def apply(model: onnx.ModelProto) -> bool:
    """Set float32 weights of products below TINY to 0; return whether there was one.

    Training with a penalty leaves the weights of units that are never active at such values, and
    each product with them is computed by microcode. A weight is a matrix that is the second operand
    of MatMul or Gemm; other constants may be there because they are tiny.
    """
    products = [n for n in model.graph.node if n.op_type in ("MatMul", "Gemm") and not n.domain]
    weights = {n.input[1] for n in products}
    changed = False
    for tensor in model.graph.initializer:
        if tensor.name not in weights or tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        size = np.abs(values)
        tiny = (size < TINY * min(1.0, float(size.max(initial=0.0)))) & (values != 0)
        if tiny.any():
            flushed = np.where(tiny, np.float32(0), values)
            tensor.CopyFrom(numpy_helper.from_array(flushed, tensor.name))
            changed = True
    return changed
