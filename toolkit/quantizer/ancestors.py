"""Which nodes of a graph lead to some of its tensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import onnx


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
            read.update(_reads(node))
    return found[::-1], read


def _reads(node: onnx.NodeProto) -> Iterator[str]:
    """Yield what a node reads, and what graphs inside it do."""
    yield from node.input
    for attribute in node.attribute:
        for graph in [attribute.g, *attribute.graphs]:
            yield from (output.name for output in graph.output)
            for inner in graph.node:
                yield from _reads(inner)
