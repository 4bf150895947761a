"""Which nodes of a graph lead to some of its tensors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import onnx

from toolkit.onnx_graph.subgraphs import read_by


def leading_to(
    nodes: Sequence[onnx.NodeProto], names: Iterable[str]
) -> tuple[list[onnx.NodeProto], set[str]]:
    """Return those of a graph's nodes that the named tensors need, in order, and what they read.

    The names themselves count as read: one may be an input or an initializer of the graph.
    """
    read, found = set(names), []
    for node in reversed(nodes):
        if read.intersection(node.output):
            found.append(node)
            read.update(read_by(node))
    return found[::-1], read
