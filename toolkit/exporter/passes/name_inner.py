"""Name the nodes of branches and loops, which onnxruntime 1.18 to 1.20 takes for one where unnamed.

They refuse a graph with two unnamed nodes inside: "two nodes with same node name". Nodes of the
graph itself need no name.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import onnx

from toolkit.subgraphs import inside


def apply(model: onnx.ModelProto) -> bool:
    """Give each node inside another one a name of its own; return whether any was without.

    Names are short: nobody reads them, and a graph may have thousands.
    """
    unnamed = [node for node in _inner(model.graph) if not node.name]
    taken = {node.name for node in (*model.graph.node, *_inner(model.graph))}
    fresh = (name for k in count() if (name := f"n{k}") not in taken)
    for node in unnamed:
        node.name = next(fresh)
    return bool(unnamed)


def _inner(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield the nodes of the graphs inside a graph's nodes, and of those inside them."""
    for node in graph.node:
        for body in inside(node):
            yield from body.node
            yield from _inner(body)
