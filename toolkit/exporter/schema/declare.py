"""A schema's inputs in a graph under construction."""

from __future__ import annotations

from toolkit.estimators.frames import CATEGORY, COLUMNS, OBJECTS, PAIRS
from toolkit.exporter.graph import Graph
from toolkit.exporter.schema.spec import Schema
from toolkit.exporter.values import Matrix, Table, Value


def declare(schema: Schema, g: Graph) -> Value:
    """Return the graph's inputs as the value that the first converter gets.

    A wide graph casts float32 to float64 at once.
    """
    given = [Matrix(g.name(s.name), s.dtype, s.width, blank=s.missing) for s in schema.inputs]
    g.inputs |= {m.name: m for m in given}
    taken = [g.cast(m, "float64") if g.wide and m.dtype == "float32" else m for m in given]
    matrices = [(s.name, m) for s, m in zip(schema.inputs, taken, strict=True)]
    several = schema.form in (COLUMNS, OBJECTS, PAIRS)
    value: Value = Table(tuple(matrices)) if several else matrices[0][1]
    names = [s.name for s in schema.inputs] if several else list(schema.inputs[0].columns or ())
    marked = {c.name for c in schema.columns if c.dtype == CATEGORY}
    g.categorical = (value, tuple(k for k, name in enumerate(names) if name in marked))
    if schema.places is not None:
        g.places = (value, schema.places)
    return value
