"""Name the nodes that older onnxruntimes would otherwise refuse, by names of their own making.

Up to 1.21 onnxruntime makes one Split of the Gather and Slice nodes that read one tensor, and names
it after one of them. Where those are unnamed, two such Splits have one name, and the graph is
refused: "two nodes with same node name (/GatherSliceToSplitFusion/)". So these nodes are named
where there are two such tensors; nodes inside branches and loops all are, since names count in the
whole model. Other nodes need none.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, count

import onnx

from toolkit.onnx_graph.subgraphs import walk

FUSED = ("Gather", "Slice")


def apply(model: onnx.ModelProto) -> bool:
    """Give such nodes names, each its own in the model; return whether any was without."""
    nodes = list(walk(model.graph.node))
    inner = nodes[len(model.graph.node) :]
    shared = _sharing(model.graph.node)
    wanted = [*inner, *chain.from_iterable(shared if inner or len(shared) > 1 else ())]
    unnamed = [node for node in wanted if not node.name]
    taken = {node.name for node in nodes}
    fresh = (name for k in count() if (name := f"n{k}") not in taken)
    for node in unnamed:
        node.name = next(fresh)
    return bool(unnamed)


def _sharing(nodes: list[onnx.NodeProto]) -> list[list[onnx.NodeProto]]:
    """Return the Gather and Slice nodes of one graph that read a tensor several of them read."""
    readers = defaultdict(list)
    for node in nodes:
        if node.op_type in FUSED:
            readers[node.input[0]].append(node)
    return [group for group in readers.values() if len(group) > 1]
