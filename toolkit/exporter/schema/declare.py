"""A schema's inputs in a graph under construction."""

from __future__ import annotations

from toolkit.estimators.frames import CATEGORY, COLUMNS, OBJECTS, PAIRS
from toolkit.exporter.conversion import Conversion
from toolkit.exporter.origins import Fitted, Input
from toolkit.exporter.schema.spec import Schema
from toolkit.exporter.values import Matrix, Table, Value


def declare(schema: Schema, g: Conversion) -> Value:
    """Return the graph's inputs as the value that the first converter gets.

    A wide graph casts float32 to float64 at once.
    """
    inputs = [
        Matrix(g.name(s.name), s.dtype, s.width, blank=s.missing).knowing(Input())
        for s in schema.inputs
    ]
    columns = [g.cast(m, "float64") if g.wide and m.dtype == "float32" else m for m in inputs]
    several = schema.form in (COLUMNS, OBJECTS, PAIRS)
    names = [s.name for s in schema.inputs] if several else list(schema.inputs[0].columns or ())
    marked = {c.name for c in schema.columns if c.dtype == CATEGORY}
    categories = tuple(k for k, name in enumerate(names) if name in marked)
    places = None if schema.places is None else tuple(schema.places)
    fitted = Fitted(places, categories)
    if not several:
        return columns[0].knowing(fitted)
    named = tuple((s.name, m) for s, m in zip(schema.inputs, columns, strict=True))
    return Table(named, origins=(fitted,))
