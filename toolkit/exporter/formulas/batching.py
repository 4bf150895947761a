"""Rows in chunks: what stands between rows and thousands of points stays small and in the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.values import ELEMENT, Matrix
from toolkit.onnx_graph.subgraphs import read_by, rename

# A form takes a tensor's name, some rows [n, width], and adds the nodes that give [n, …] tensors.
Form = Callable[[str], Sequence[Matrix]]

ENTRIES = 2**17  # of rows times points in a chunk: half a megabyte of float32 in a core's cache


def batch_rows(points: int, width: int = 0) -> int:
    """Return how many rows a chunk has where each is compared with so many points.

    width: the columns; where they are many, a product of more rows reads the points less often.
    """
    return int(np.clip(max(ENTRIES // max(points, 1), width // 4), 16, 1024))


def in_batches(
    g: Conversion,
    x: Matrix,
    rows: int,
    form: Form,
    few: Form | None = None,
    most: int | None = None,
) -> list[Matrix]:
    """Return what `form` gives for x [N, width], computed for at most `rows` rows at a time.

    few: the form for a batch of at most `most` rows, which is not cut into chunks; by default the
    same form, for at most `rows`. Chunks are of equal size, the last row is repeated to fill them.
    Both forms' tensors must have the same types and widths. The forms' constants belong to the
    whole graph, so that they are stored once.
    """
    limit = g.constant([rows if most is None else most], "int64", "few")
    count = g.add("Shape", [x.name], "count", start=0, end=1)
    condition = g.add("LessOrEqual", [count, limit], "is_few")
    shared = _Shared()
    whole, given = _branch(g, shared, lambda: list((few or form)(x.name)))
    looped, _ = _branch(g, shared, lambda: looped_batches(g, x, rows, form))
    names = [g.name("rows") for _ in given]
    g.nodes.append(
        helper.make_node("If", [condition], names, then_branch=whole, else_branch=looped)
    )
    return [Matrix(n, m.dtype, m.width) for n, m in zip(names, given, strict=True)]


def either(
    g: Conversion, condition: str, yes: Callable[[], list[Matrix]], no: Callable[[], list[Matrix]]
) -> list[Matrix]:
    """Return what `yes` gives where the boolean scalar holds, else what `no` gives."""
    shared = _Shared()
    first, given = _branch(g, shared, yes)
    second, _ = _branch(g, shared, no)
    names = [g.name("either") for _ in given]
    g.nodes.append(
        helper.make_node("If", [condition], names, then_branch=first, else_branch=second)
    )
    return [Matrix(n, m.dtype, m.width) for n, m in zip(names, given, strict=True)]


def where_sure(
    g: Conversion,
    x: Matrix,
    sure: Callable[[], Matrix],
    all_sure: str,
    fast: Sequence[Matrix],
    exact: Callable[[Matrix], Sequence[Matrix]],
) -> list[Matrix]:
    """Return `fast`, tensors of the rows x [N, d], with what `exact` gives for rows in doubt.

    sure: adds the nodes that say which rows are not, bool [N]; all_sure: the boolean scalar that
    says that none is. exact: takes the rows in doubt.
    """

    def mended() -> list[Matrix]:
        doubt = g.add("Not", [sure().name], "doubt")
        at = g.add("Transpose", [g.add("NonZero", [doubt], "doubtful")], "doubtful", perm=[1, 0])
        some = Matrix(g.add("GatherND", [x.name, at], "some"), x.dtype, x.width)
        return [
            Matrix(g.add("ScatterND", [old.name, at, new.name], "mended"), old.dtype, old.width)
            for old, new in zip(fast, exact(some), strict=True)
        ]

    return either(g, all_sure, lambda: list(fast), mended)


def at_most(g: Conversion, x: Matrix, rows: int) -> str:
    """Return the condition that x has at most so many rows."""
    limit = g.constant([rows], "int64", "few")
    count = g.add("Shape", [x.name], "count", start=0, end=1)
    return str(g.add("LessOrEqual", [count, limit], "is_few"))


def looped_batches(g: Conversion, x: Matrix, rows: int, form: Form) -> list[Matrix]:
    """Return what `form` gives for x from a Loop over chunks of at most `rows` rows, even for one.

    Chunks are of equal size, the last row is repeated to fill them.
    """
    count = g.add("Shape", [x.name], "count", start=0, end=1)
    one, nothing = (g.constant([v], "int64", h) for v, h in ((1, "one"), (0, "nothing")))

    def parts(total: str, size: str) -> str:
        """Return ⌈total / size⌉."""
        raised = g.add("Sub", [g.add("Add", [total, size], "raised"), one], "raised")
        return str(g.add("Div", [raised, size], "parts"))

    chunks = parts(count, g.constant([rows], "int64", "most"))
    each = parts(count, chunks)
    spare = g.add("Sub", [g.add("Mul", [chunks, each], "filled"), count], "spare")
    left = g.constant([0, 0], "int64", "left")
    pads = g.add("Concat", [left, spare, nothing], "pads", axis=0)
    filled = g.add("Pad", [x.name, pads], "filled", mode="edge")
    width = g.constant([x.width], "int64", "width")
    cut = g.add("Reshape", [filled, g.add("Concat", [chunks, each, width], "cut", axis=0)], "cut")
    step, going = g.name("step"), g.name("going")

    def body() -> list[Matrix]:
        chunk = g.add("Gather", [cut, step], "chunk", axis=0)
        more = Matrix(g.add("Identity", [going], "more"), "bool", 0)
        return [more, *form(chunk)]

    inputs = [
        helper.make_tensor_value_info(step, TensorProto.INT64, []),
        helper.make_tensor_value_info(going, TensorProto.BOOL, []),
    ]
    graph, (_, *like) = _branch(g, _Shared(), body, inputs)
    graph.output[0].CopyFrom(helper.make_tensor_value_info(graph.output[0].name, 9, []))
    names = [g.name("chunks") for _ in like]
    times = g.add("Squeeze", [chunks], "times")
    go = g.constant(np.array(True), "bool", "go")
    g.nodes.append(helper.make_node("Loop", [times, go], names, body=graph))
    results = []
    for name, m in zip(names, like, strict=True):
        shape = [-1, m.width] if m.width else [-1]
        joined = g.add("Reshape", [name, g.constant(shape, "int64", "shape")], "joined")
        kept = g.add("Slice", [joined, nothing, count, nothing], "kept")
        results.append(Matrix(kept, m.dtype, m.width))
    return results


def packed(g: Conversion, weights: str) -> str:
    """Return a product's weights, a float64 tensor of constants, as float32 that can be packed.

    onnxruntime packs when it opens the graph, but only constants of the very graph in which the
    product is, or of the one around it; a Loop is two deep. So the cast stays beside the product: a
    constant of that graph once onnxruntime has folded it. Unpacked weights cost a copy a chunk.
    """
    name = g.cast(Matrix(weights, "float64", 0), "float32").name
    g.bound.add(name)
    return name


@dataclass
class _Shared:
    """What branches have in common: constants by content, and nodes that depend on these alone.

    fixed: the tensors that such nodes make.
    """

    constants: dict[tuple[Any, ...], str] = field(default_factory=dict)
    nodes: dict[tuple[Any, ...], list[str]] = field(default_factory=dict)
    fixed: set[str] = field(default_factory=set)


def _branch(
    g: Conversion,
    shared: _Shared,
    build: Callable[[], list[Matrix]],
    inputs: Sequence[ValueInfoProto] = (),
) -> tuple[GraphProto, list[Matrix]]:
    """Return what `build` adds to the graph as a graph inside it, and the tensors it gives.

    Inside, all tensors of the graph around it are seen; a subgraph's output must be its own. What
    is computed from constants alone stays outside, where onnxruntime does it once, and is there
    only once for all branches.
    """
    outer, before, g.nodes = g.nodes, set(g.constants), []
    try:
        given = build()
        inner, g.nodes = g.nodes, outer
        names = _merged(g, shared, before)
        kept = [node for node in inner if not _hoisted(g, shared, node, names)]
        given = [replace(m, name=names.get(m.name, m.name)) for m in given]
        made, g.nodes = {o for n in kept for o in n.output}, kept
        own = [m.name if m.name in made else g.add("Identity", [m.name], "same") for m in given]
    finally:
        g.nodes = outer
    outputs = [
        helper.make_tensor_value_info(n, ELEMENT[m.dtype], None)
        for n, m in zip(own, given, strict=True)
    ]
    return helper.make_graph(kept, "rows", list(inputs), outputs), given


def _merged(g: Conversion, shared: _Shared, before: set[str]) -> dict[str, str]:
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


def _hoisted(g: Conversion, shared: _Shared, node: NodeProto, names: dict[str, str]) -> bool:
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
