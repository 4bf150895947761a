"""Rows of which few columns are not zero: as places and values, made a matrix only where one reads.

A linear step takes its weights at the places, so that nothing of `rows × columns` is ever made.
"""

from __future__ import annotations

from dataclasses import replace

from toolkit.exporter.graph import Graph
from toolkit.exporter.origins import SparseRows
from toolkit.exporter.values import Matrix


def summed(g: Graph, rows: SparseRows) -> SparseRows:
    """Return the rows with each place's values added up; the slots left over hold zeros.

    The places are sorted; equal ones get one slot, the number of places before it that differ.
    """
    shape = g.add("Shape", [rows.places], "shape")
    count = g.add("Slice", [shape, *_numbers(g, 1, 2)], "length")
    ordered, order = g.add_many(
        "TopK", [rows.places, count], "ordered", 2, axis=1, largest=0, sorted=1
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
    return replace(rows, places=places, values=Matrix(total, rows.values.dtype, rows.values.width))


def dense(g: Graph, rows: SparseRows) -> Matrix:
    """Return the rows as a matrix that linear steps need not read."""
    count = g.add("Shape", [rows.places], "rows", start=0, end=1)
    shape = g.add("Concat", [count, *_numbers(g, rows.width)], "shape", axis=0)
    empty = g.constant([0.0], rows.values.dtype, "zero")
    room = g.add("Expand", [empty, shape], "room")
    inputs = [room, rows.places, rows.values.name]
    name = g.add("ScatterElements", inputs, "matrix", axis=1, reduction="add")
    return g.known(Matrix(name, rows.values.dtype, rows.width), rows)


def _numbers(g: Graph, *values: int) -> list[str]:
    return [g.constant([v], "int64", "number") for v in values]
