"""Rows in chunks: what stands between rows and thousands of points stays small and in the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.subgraphs import collected, either
from toolkit.exporter.values import Matrix

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
    Both forms' tensors have the same types and widths.
    """
    return either(
        g,
        at_most(g, x, rows if most is None else most),
        lambda: (few or form)(x.name),
        lambda: looped_batches(g, x, rows, form),
        "rows",
    )


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
    times = g.add("Squeeze", [chunks], "times")
    like = collected(g, times, lambda step: form(g.add("Gather", [cut, step], "chunk", axis=0)))
    results = []
    for m in like:
        shape = [-1, m.width] if m.width else [-1]
        joined = g.add("Reshape", [m.name, g.constant(shape, "int64", "shape")], "joined")
        trimmed = g.add("Slice", [joined, nothing, count, nothing], "kept")
        results.append(Matrix(trimmed, m.dtype, m.width))
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
