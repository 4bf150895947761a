"""A model with other nodes or initializers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


def copied(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy, to be changed in place."""
    copy = type(model)()
    copy.CopyFrom(model)
    return copy


def replace_nodes(graph: onnx.GraphProto, nodes: Iterable[onnx.NodeProto]) -> None:
    """Give a graph these nodes, its own among them or not, in place of those that it has.

    Those that it had stay readable where somebody holds them, and are the graph's no longer.
    """
    new = list(nodes)
    del graph.node[:]
    graph.node.extend(new)


def replace_initializers(graph: onnx.GraphProto, tensors: Iterable[onnx.TensorProto]) -> None:
    """Give a graph these initializers in place of those that it has, likewise."""
    new = list(tensors)
    del graph.initializer[:]
    graph.initializer.extend(new)


def drop_initializers(graph: onnx.GraphProto, names: Iterable[str]) -> list[onnx.TensorProto]:
    """Take initializers out of a graph and return those that were there, in its order."""
    gone = set(names)
    dropped = [t for t in graph.initializer if t.name in gone]
    replace_initializers(graph, [t for t in graph.initializer if t.name not in gone])
    return dropped
