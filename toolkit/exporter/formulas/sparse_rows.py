"""Rows of which few columns are not zero: as places and values, made a matrix only where one reads.

A linear step takes its weights at the places, so that nothing of `rows × columns` is ever made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from toolkit.exporter.graph import Graph
    from toolkit.exporter.values import Matrix

MOST = 1 << 16  # columns of a matrix that a batch is given: 256 KB a row in float32


@dataclass(frozen=True)
class SparseRows:
    """A matrix [N, width]: `values` [N, L] stand in the columns `places` [N, L], others are 0.

    values: of any floating type; where a place comes twice its values are added. places: int64
    tensor's name, each in [0, width).
    """

    places: str
    values: Matrix
    width: int


def summed(g: Graph, rows: SparseRows) -> SparseRows:
    """Return the rows with each place's values added up; the slots left over hold zeros.

    The places are sorted; equal ones get one slot, the number of places before it that differ.
    """
    shape = g.add("Shape", [rows.places], "shape")
    count = g.add("Slice", [shape, *_numbers(g, 1, 2)], "length")
    ordered, order = g.add(
        "TopK", [rows.places, count], "ordered", outputs=2, axis=1, largest=0, sorted=1
    )
    values = g.add("GatherElements", [rows.values.name, order], "values", axis=1)
    one, end = _numbers(g, 1, 2**31)
    zero, last = _numbers(g, 0, -1)
    before = g.add("Slice", [ordered, zero, last, one], "before")
    after = g.add("Slice", [ordered, one, end, one], "after")
    new = g.add(
        "Cast", [g.add("Not", [g.add("Equal", [before, after], "equal")], "new")], "n", to=7
    )
    new = g.add("Pad", [new, g.constant([0, 1, 0, 0], "int64", "pads")], "new")
    slot = g.add("CumSum", [new, g.constant(1, "int64", "axis")], "slot")
    empty = g.constant([0.0], rows.values.dtype, "zero")
    room = g.add("Expand", [empty, shape], "room")
    total = g.add("ScatterElements", [room, slot, values], "summed", axis=1, reduction="add")
    room = g.add("Expand", [zero, shape], "room")
    places = g.add("ScatterElements", [room, slot, ordered], "places", axis=1, reduction="max")
    return replace(rows, places=places, values=replace(rows.values, name=total))


def dense(g: Graph, rows: SparseRows) -> Matrix:
    """Return the rows as a matrix; linear steps find the rows by its name in `g.sparse_rows`."""
    count = g.add("Shape", [rows.places], "rows", start=0, end=1)
    shape = g.add("Concat", [count, *_numbers(g, rows.width)], "shape", axis=0)
    empty = g.constant([0.0], rows.values.dtype, "zero")
    room = g.add("Expand", [empty, shape], "room")
    inputs = [room, rows.places, rows.values.name]
    name = g.add("ScatterElements", inputs, "matrix", axis=1, reduction="add")
    g.sparse_rows[name] = rows
    return replace(rows.values, name=name, width=rows.width)


def linear(g: Graph, x: Matrix, weights: np.ndarray, bias: np.ndarray) -> Matrix:
    """Return `x @ weights + bias` [N, k], without the matrix where x is sparse rows.

    Nor where x is sparse rows side by side with others. weights [width, k], bias [k].
    """
    origin = g.origins.get(x.name)
    joined = origin is not None and origin.step is None
    parts = origin.sources if origin is not None and joined else (x,)
    if not any(p.name in g.sparse_rows for p in parts):
        return g.affine(x, weights, bias)
    terms, others, start = [], [], 0
    for part in parts:
        block = weights[start : start + part.width]
        start += part.width
        part = g.cast(part, x.dtype)
        if part.name in g.sparse_rows:
            terms.append(_read_out(g, g.sparse_rows[part.name], block))
        else:
            others.append((part, block))
    if not others:
        return g.binary("Add", g.total(terms), bias, "intercept")
    rest = g.join([part for part, _ in others])
    return g.total([*terms, g.affine(rest, np.vstack([block for _, block in others]), bias)])


def _read_out(g: Graph, rows: SparseRows, weights: np.ndarray) -> Matrix:
    kind, outputs = rows.values.dtype, weights.shape[1]
    table = g.constant(weights, kind, "coefficient")
    picked = g.add("Gather", [table, rows.places], "picked", axis=0)
    values = g.add("Unsqueeze", [rows.values.name, *_numbers(g, 1)], "values")
    product = g.add("MatMul", [values, picked], "products")
    flat = g.add("Reshape", [product, g.constant([-1, outputs], "int64", "shape")], "scores")
    return replace(rows.values, name=flat, width=outputs)


def as_type(g: Graph, rows: SparseRows, dtype: str) -> SparseRows:
    """Return the rows with values of this type."""
    return replace(rows, values=g.cast(rows.values, dtype))


def too_wide(g: Graph, nodes: list[str]) -> int:
    """Return the columns of the widest matrix beyond MOST that these nodes' outputs hold, or 0.

    Of sparse rows, and of codes of categories (formulas.codes).
    """
    widths = {name: code.width for held in (g.sparse_rows, g.codes) for name, code in held.items()}
    return max((widths[n] for n in nodes if widths.get(n, 0) > MOST), default=0)


def _numbers(g: Graph, *values: int) -> list[str]:
    return [g.constant([v], "int64", "number") for v in values]
