"""Who makes and who reads each tensor of a graph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.onnx_graph.subgraphs import inside, read_by, walk

if TYPE_CHECKING:
    import onnx

GIVEN = -1


@dataclass(frozen=True)
class Reading:
    """One place where a tensor is read.

    at: the position in the graph of the node that reads it, or of that around this node; position:
    which of the node's inputs it is, GIVEN where a graph inside the node gives it as its output;
    inner: the node stands in a graph inside the one at `at`, or it is read there.
    """

    at: int
    node: onnx.NodeProto
    position: int
    inner: bool


class Index:
    """A graph's tensors by name, as they were when the index was built.

    constants: the initializers; outputs: the graph's; makers: the node that makes a tensor, of
    those that are in no graph inside it; readings: where one is read, in graphs inside nodes too,
    in the order of nodes.
    """

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.constants = {t.name: t for t in graph.initializer}
        self.outputs = [o.name for o in graph.output]
        self.makers = {name: node for node in graph.node for name in node.output}
        self.readings: dict[str, list[Reading]] = {}
        self._nodes = list(graph.node)
        for at, top in enumerate(graph.node):
            for node in walk([top]):
                for position, name in enumerate(node.input):
                    self._read(name, Reading(at, node, position, node is not top))
                for name in (o.name for body in inside(node) for o in body.output):
                    self._read(name, Reading(at, node, GIVEN, True))

    def _read(self, name: str, reading: Reading) -> None:
        self.readings.setdefault(name, []).append(reading)

    def readers(self, name: str) -> list[onnx.NodeProto]:
        """Return the graph's nodes that read a tensor, themselves or inside, each once."""
        positions = dict.fromkeys(reading.at for reading in self.readings.get(name, []))
        return [self._nodes[at] for at in positions]

    def wanted(self, name: str) -> int:
        """Return how often a tensor is read, an output of the graph once for that."""
        return len(self.readings.get(name, [])) + self.outputs.count(name)


def leading_to(
    nodes: Sequence[onnx.NodeProto], names: Iterable[str]
) -> tuple[list[onnx.NodeProto], set[str]]:
    """Return those of a graph's nodes that the named tensors need, in order, and what they read.

    The names themselves count as read: one may be an input or an initializer of the graph.
    """
    read, needed = set(names), []
    for node in reversed(nodes):
        if read.intersection(node.output):
            needed.append(node)
            read.update(read_by(node))
    return needed[::-1], read
