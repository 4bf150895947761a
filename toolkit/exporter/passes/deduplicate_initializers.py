"""Write equal constants once, whichever nodes read them."""

from __future__ import annotations

import math

import onnx

from toolkit.onnx_graph import kernel_sums
from toolkit.onnx_graph.edits import drop_initializers
from toolkit.onnx_graph.subgraphs import rename

# Smaller ones save next to nothing, and one for each node keeps what a node adds its own: a
# quantizer may correct biases.
LEAST_VALUES, LEAST_AXES = 32, 2


def apply(model: onnx.ModelProto) -> bool:
    """Let nodes read the first of equal matrices and larger tensors, and drop the others.

    onnxruntime computes alike what is computed alike from one tensor once, when it opens a graph.
    """
    first: dict[tuple[int, tuple[int, ...], bytes], str] = {}
    names: dict[str, str] = {}
    for t in model.graph.initializer:
        is_small = len(t.dims) < LEAST_AXES or math.prod(t.dims) < LEAST_VALUES
        if is_small or t.data_type == onnx.TensorProto.STRING:
            continue
        same = first.setdefault((t.data_type, tuple(t.dims), t.raw_data), t.name)
        if same != t.name:
            names[t.name] = same
    if names:
        drop_initializers(model.graph, names)
        for node in model.graph.node:
            rename(node, names)
        kernel_sums.rename(model, names)
    return bool(names)
