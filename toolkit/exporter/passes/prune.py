"""Remove the nodes and initializers that no output needs."""

from __future__ import annotations

import onnx

from toolkit.onnx_graph.subgraphs import read_by


def apply(model: onnx.ModelProto) -> bool:
    """Drop dead nodes and initializers; return whether there were any."""
    graph = model.graph
    needed = {o.name for o in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed |= read_by(node)
            kept.append(node)
    constants = [i for i in graph.initializer if i.name in needed]
    changed = len(kept) < len(graph.node) or len(constants) < len(graph.initializer)
    if changed:
        nodes = [onnx.NodeProto.FromString(n.SerializeToString()) for n in reversed(kept)]
        tensors = [onnx.TensorProto.FromString(t.SerializeToString()) for t in constants]
        del graph.node[:], graph.initializer[:]
        graph.node.extend(nodes)
        graph.initializer.extend(tensors)
    return changed
