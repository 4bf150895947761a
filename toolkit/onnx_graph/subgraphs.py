"""The graphs inside nodes: branches of If, bodies of Loop, which see the tensors around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


def inside(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """Yield the graphs among a node's attributes."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def operators(graph: onnx.GraphProto) -> set[str]:
    """Return the operators of a graph, those of graphs inside its nodes among them."""
    found = {node.op_type for node in graph.node}
    for node in graph.node:
        for inner in inside(node):
            found |= operators(inner)
    return found


def read_by(node: onnx.NodeProto) -> set[str]:
    """Return the names that a node reads, those that graphs inside it read among them.

    A name that is made inside is none of the outer graph's: names are unique in the whole model.
    """
    names = set(node.input)
    for graph in inside(node):
        names.update(o.name for o in graph.output)
        for inner in graph.node:
            names |= read_by(inner)
    return names


def rename(node: onnx.NodeProto, names: Mapping[str, str]) -> None:
    """Give a node's tensors new names, in place, also in the graphs inside it."""
    node.input[:] = [names.get(n, n) for n in node.input]
    node.output[:] = [names.get(n, n) for n in node.output]
    for graph in inside(node):
        for value in (*graph.input, *graph.output):
            value.name = names.get(value.name, value.name)
        for inner in graph.node:
            rename(inner, names)


def made_by(node: onnx.NodeProto) -> set[str]:
    """Return the names of a node's outputs, and of all that graphs inside it make."""
    names = set(node.output)
    for graph in inside(node):
        names.update(i.name for i in graph.input)
        for inner in graph.node:
            names |= made_by(inner)
    return names


def namer(graph: onnx.GraphProto) -> Callable[[str], str]:
    """Return what makes a hint a name that no tensor has yet, in the graphs inside neither.

    A loop's tensors may not have the names of those around it.
    """
    taken = {v.name for v in (*graph.input, *graph.output, *graph.initializer)}
    for node in graph.node:
        taken |= read_by(node) | made_by(node)

    def name(hint: str) -> str:
        found = next(n for k in count() if (n := hint + str(k or "")) not in taken)
        taken.add(found)
        return found

    return name
