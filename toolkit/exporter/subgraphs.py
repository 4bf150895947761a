"""ONNX's If and Loop: graphs inside the graph, built by the same operators as the graph around.

What is in a branch, or in the body of an open loop, sees the tensors around it. The body of a
closed loop sees its state alone, so that passes need not look into it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper

from toolkit.exporter.graph import Graph, initializer
from toolkit.exporter.values import ELEMENT, Matrix
from toolkit.onnx_graph.domains import contributed_types
from toolkit.onnx_graph.subgraphs import read_by, rename

Build = Callable[[], Sequence[Matrix]]
# body(number of the step (int64 scalar), state) -> (next state, name of the bool scalar "go on")
Body = Callable[[str, list[Matrix]], tuple[Sequence[Matrix], str]]


def either(g: Graph, condition: str, yes: Build, no: Build, hint: str = "either") -> list[Matrix]:
    """Return what `yes` gives where the boolean scalar holds, else what `no` gives.

    Both give tensors of the same types and widths. Their constants belong to the whole graph, so
    that they are stored once.
    """
    shared = _Shared()
    first, outputs = _open(g, shared, yes)
    second, _ = _open(g, shared, no)
    branches = {"then_branch": first, "else_branch": second}
    return _outer(g, "If", [condition], outputs, hint, **branches)


def collected(g: Graph, times: str, row: Callable[[str], Sequence[Matrix]]) -> list[Matrix]:
    """Return what `row` gives for each number of a step (int64 scalar), one after the other.

    times: the int64 scalar that says how many. The Matrix of a result stands for [times, …].
    """
    step, going = g.name("step"), g.name("going")

    def body() -> list[Matrix]:
        results = list(row(step))
        return [Matrix(g.add("Identity", [going], "more"), "bool", 0), *results]

    graph, (_, *results) = _open(g, _Shared(), body, _counters(step, going))
    graph.output[0].CopyFrom(_scalar(graph.output[0].name, TensorProto.BOOL))
    go = g.constant(True, "bool", "go")
    return _outer(g, "Loop", [times, go], results, "chunks", body=graph)


def loop(
    g: Graph,
    state: Sequence[Matrix],
    body: Body,
    *,
    times: int | None = None,
    condition: str = "",
    shape: Sequence[None] | None = None,
) -> list[Matrix]:
    """Repeat `body` at most `times` times, while it says so; return the last state.

    The body is closed: whatever it needs from the graph is in the state, and constants that it
    makes are its own. condition: the boolean scalar that lets the first step run. The Matrix of a
    state may stand for a tensor of any rank; shape: that of all of them where it is known.
    """
    step, going = g.name("step"), g.name("going")
    before = [Matrix(g.name("state"), m.dtype, m.width) for m in state]
    with g.subgraph(closed=True) as inner:
        following, more = body(step, before)
        after = [m.name for m in _own(g, inner.nodes, following)]
    graph = helper.make_graph(
        inner.nodes,
        "body",
        [*_counters(step, going), *(_value(m.name, m, shape) for m in before)],
        [
            _scalar(more, TensorProto.BOOL),
            *(_value(name, m, shape) for name, m in zip(after, state, strict=True)),
        ],
        [initializer(n, a) for n, a in inner.constants.items()],
        value_info=contributed_types(inner.nodes),
    )
    most = "" if times is None else g.constant(times, "int64", "steps")
    go = condition or g.constant(True, "bool", "go")
    inputs = [most, go, *(m.name for m in state)]
    return _outer(g, "Loop", inputs, state, "final", body=graph)


def _outer(
    g: Graph, op: str, inputs: list[str], like: Sequence[Matrix], hint: str, **graphs: GraphProto
) -> list[Matrix]:
    names = g.add_many(op, inputs, hint, len(like), **graphs)
    return [Matrix(n, m.dtype, m.width) for n, m in zip(names, like, strict=True)]


def _scalar(name: str, element: int) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, element, [])


def _counters(step: str, going: str) -> list[ValueInfoProto]:
    return [_scalar(step, TensorProto.INT64), _scalar(going, TensorProto.BOOL)]


def _value(name: str, m: Matrix, shape: Sequence[None] | None = None) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, ELEMENT[m.dtype], shape)


def _own(g: Graph, nodes: list[NodeProto], results: Sequence[Matrix]) -> list[Matrix]:
    """Return the results under names that the nodes make; a subgraph's outputs must be its own."""
    produced = {name for node in nodes for name in node.output}
    own: list[Matrix] = []
    for m in results:
        if m.name not in produced or any(m.name == other.name for other in own):
            name = g.name("same")
            nodes.append(helper.make_node("Identity", [m.name], [name]))
            m = replace(m, name=name)
        own.append(m)
    return own


@dataclass
class _Shared:
    """What branches have in common: constants by content, and nodes that depend on these alone.

    fixed: the tensors that such nodes make.
    """

    constants: dict[tuple[Any, ...], str] = field(default_factory=dict)
    nodes: dict[tuple[Any, ...], list[str]] = field(default_factory=dict)
    fixed: set[str] = field(default_factory=set)


def _open(
    g: Graph, shared: _Shared, build: Build, inputs: Sequence[ValueInfoProto] = ()
) -> tuple[GraphProto, list[Matrix]]:
    """Return what `build` adds to the graph as a graph inside it, and the tensors it gives.

    What is computed from constants alone stays outside, where onnxruntime does it once, and is
    there only once for all branches.
    """
    before = set(g.constants)
    with g.subgraph(closed=False) as inner:
        results = build()
    names = _merged(g, shared, before)
    nodes = [node for node in inner.nodes if not _hoisted(g, shared, node, names)]
    results = [replace(m, name=names.get(m.name, m.name)) for m in results]
    own = _own(g, nodes, results)
    return helper.make_graph(nodes, "rows", list(inputs), [_value(m.name, m) for m in own]), own


def _merged(g: Graph, shared: _Shared, before: set[str]) -> dict[str, str]:
    """Drop new constants that a branch has already; return by which names they go now."""
    names: dict[str, str] = {}
    for name in [n for n in g.constants if n not in before]:
        values = g.constants[name]
        if values.dtype == object:
            continue
        known = shared.constants.setdefault((values.dtype, values.shape, values.tobytes()), name)
        if known != name:
            names[name] = known
            del g.constants[name]
    return names


def _hoisted(g: Graph, shared: _Shared, node: NodeProto, names: dict[str, str]) -> bool:
    """Move a node that depends on constants alone out of the branch; tell whether it was moved.

    names: new names of tensors, to which are added those of a node that is there already.
    """
    rename(node, names)
    if (
        node.output[0] in g.bound
        or not node.input
        or not all(n in g.constants or n in shared.fixed for n in read_by(node))
    ):
        return False
    attributes = tuple(a.SerializeToString(deterministic=True) for a in node.attribute)
    key = (node.op_type, node.domain, tuple(node.input), attributes)
    if key in shared.nodes:
        names.update(zip(node.output, shared.nodes[key], strict=True))
    else:
        shared.nodes[key] = list(node.output)
        shared.fixed.update(node.output)
        g.nodes.append(node)
    return True
