"""Remove Identity nodes that only rename an inner tensor."""

from __future__ import annotations

import onnx

from toolkit.onnx_graph.edits import replace_nodes
from toolkit.onnx_graph.subgraphs import rename


def apply(model: onnx.ModelProto) -> bool:
    """Let the readers of an Identity's output read its input; return whether there was one.

    An Identity that gives a graph output stays: the output's name is part of the contract.
    """
    graph = model.graph
    outputs = {o.name for o in graph.output}
    renamed: dict[str, str] = {}
    for node in graph.node:
        if node.op_type == "Identity" and node.output[0] not in outputs:
            renamed[node.output[0]] = renamed.get(node.input[0], node.input[0])
    others = [n for n in graph.node if not (n.op_type == "Identity" and n.output[0] in renamed)]
    for node in others:
        rename(node, renamed)
    if renamed:
        replace_nodes(graph, others)
    return bool(renamed)
