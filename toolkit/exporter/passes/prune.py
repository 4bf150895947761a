"""Remove the nodes and initializers that no output needs."""

from __future__ import annotations

import onnx

from toolkit.onnx_graph.edits import replace_initializers, replace_nodes
from toolkit.onnx_graph.index import leading_to


def apply(model: onnx.ModelProto) -> bool:
    """Drop dead nodes and initializers; return whether there were any."""
    graph = model.graph
    nodes, needed = leading_to(graph.node, [o.name for o in graph.output])
    constants = [i for i in graph.initializer if i.name in needed]
    changed = len(nodes) < len(graph.node) or len(constants) < len(graph.initializer)
    if changed:
        replace_nodes(graph, nodes)
        replace_initializers(graph, constants)
    return changed
