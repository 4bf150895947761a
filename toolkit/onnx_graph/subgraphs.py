"""The graphs inside nodes: branches of If, bodies of Loop, which see the tensors around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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


def walk(nodes: Sequence[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """Yield the nodes, then those of the graphs inside each, and inside these."""
    yield from nodes
    for node in nodes:
        for graph in inside(node):
            yield from walk(graph.node)


def operators(graph: onnx.GraphProto) -> set[str]:
    """Return the operators of a graph, those of graphs inside its nodes among them."""
    return {node.op_type for node in walk(graph.node)}


def read_by(node: onnx.NodeProto) -> set[str]:
    """Return the names that a node reads, those that graphs inside it read among them.

    A name that is made inside is none of the outer graph's: names are unique in the whole model.
    """
    nodes = list(walk([node]))
    names = {name for each in nodes for name in each.input}
    return names | {o.name for each in nodes for graph in inside(each) for o in graph.output}


def made_by(node: onnx.NodeProto) -> set[str]:
    """Return the names of a node's outputs, and of all that graphs inside it make."""
    nodes = list(walk([node]))
    names = {name for each in nodes for name in each.output}
    return names | {i.name for each in nodes for graph in inside(each) for i in graph.input}


def rename(node: onnx.NodeProto, names: Mapping[str, str]) -> None:
    """Give a node's tensors new names, in place, also in the graphs inside it."""
    for each in walk([node]):
        each.input[:] = [names.get(n, n) for n in each.input]
        each.output[:] = [names.get(n, n) for n in each.output]
        for graph in inside(each):
            for value in (*graph.input, *graph.output):
                value.name = names.get(value.name, value.name)


def namer(graph: onnx.GraphProto) -> Callable[[str], str]:
    """Return what makes a hint a name that no tensor has yet, in the graphs inside neither.

    A loop's tensors may not have the names of those around it.
    """
    taken = {v.name for v in (*graph.input, *graph.output, *graph.initializer)}
    for node in graph.node:
        taken |= read_by(node) | made_by(node)

    def name(hint: str) -> str:
        fresh = next(n for k in count() if (n := hint + str(k or "")) not in taken)
        taken.add(fresh)
        return fresh

    return name
