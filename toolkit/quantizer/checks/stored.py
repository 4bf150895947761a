"""Whether a variant's parameters are stored in another way than the model's, or only renamed."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
from onnx import AttributeProto, numpy_helper


def parameters(model: onnx.ModelProto) -> Counter[bytes]:
    """Return how often the graph holds each array of numbers, whatever it is called.

    Arrays of initializers and of attributes, each as its type and little-endian bytes.
    """
    tensors = [*model.graph.initializer]
    counts: Counter[bytes] = Counter()
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR:
                tensors.append(attribute.t)
            elif attribute.floats or attribute.ints:
                values = attribute.floats or attribute.ints
                counts[np.asarray(values).tobytes()] += 1
    for tensor in tensors:
        counts[bytes([tensor.data_type]) + _content(tensor)] += 1
    return counts


def _content(tensor: onnx.TensorProto) -> bytes:
    values = numpy_helper.to_array(tensor)
    return repr(values.tolist()).encode() if values.dtype == object else values.tobytes()


def unchanged(model: onnx.ModelProto, variant: onnx.ModelProto) -> bool:
    """Tell whether every array of numbers of `model` is still in `variant` as it was."""
    return not parameters(model) - parameters(variant)
