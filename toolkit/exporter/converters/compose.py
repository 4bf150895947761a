"""Pipelines, column transformers and unions: they pass values on and compute nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.formulas.response import transformed
from toolkit.exporter.graph import Graph, Matrix, Outputs, Table, Unconvertible, Value


def pipeline(est: Any, x: Value, g: Graph) -> Outputs:
    """Each step's transform is the next step's input; the outputs are the last step's."""
    steps = [step for _, step in est.steps if step is not None and step != "passthrough"]
    if not steps:
        return {"transform": g.matrix(x)}
    for step in steps[:-1]:
        x = transformed(step, x, g)
    return g.convert(steps[-1], x, g.scale)


def column_transformer(est: Any, x: Value, g: Graph) -> Outputs:
    """The parts' outputs side by side, in the order of `transformers_`."""
    width = len(x.columns) if isinstance(x, Table) else x.width
    names = list(getattr(est, "feature_names_in_", []))
    parts: list[Matrix] = []
    weights = est.transformer_weights or {}
    for name, transformer, columns in est.transformers_:
        indices = _indices(columns, names, width)
        if transformer == "drop" or not indices:
            continue
        part = g.select(x, indices)
        passed = isinstance(transformer, str)
        done = g.matrix(part) if passed else transformed(transformer, part, g)
        weight = weights.get(name)
        parts.append(done if weight is None else g.binary("Mul", done, [weight], "weight"))
    return {"transform": g.join(parts)}


def feature_union(est: Any, x: Value, g: Graph) -> Outputs:
    """The parts' outputs side by side, each times its weight."""
    weights = est.transformer_weights or {}
    parts = []
    for name, transformer in est.transformer_list:
        if transformer == "drop":
            continue
        passed = transformer == "passthrough"
        part = g.matrix(x) if passed else transformed(transformer, x, g)
        weight = weights.get(name)
        parts.append(part if weight is None else g.binary("Mul", part, [weight], "weight"))
    return {"transform": g.join(parts)}


def _indices(columns: Any, names: list[str], width: int) -> list[int]:
    """Return the positions that scikit-learn's column specification stands for."""
    if callable(columns):
        raise Unconvertible("a column selector that was not fitted")
    if isinstance(columns, slice):
        return list(range(width))[_positional(columns, names)]
    many = [columns] if isinstance(columns, str | int | np.integer) else list(columns)
    if many and all(isinstance(c, bool | np.bool_) for c in many):
        return [i for i, taken in enumerate(many) if taken]
    return [names.index(c) if isinstance(c, str) else range(width)[int(c)] for c in many]


def _positional(columns: slice, names: list[str]) -> slice:
    start, stop = columns.start, columns.stop
    if isinstance(start, str):
        start = names.index(start)
    if isinstance(stop, str):  # a slice of names includes its end
        stop = names.index(stop) + 1
    return slice(start, stop, columns.step)


CONVERTERS = {
    "sklearn.Pipeline": pipeline,
    "sklearn.ColumnTransformer": column_transformer,
    "sklearn.FeatureUnion": feature_union,
}
