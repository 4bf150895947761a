"""Pipelines, column transformers and unions: they pass values on and compute nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from toolkit.exporter.conversion import Conversion, at_hand
from toolkit.exporter.formulas.lookup import columns_of
from toolkit.exporter.formulas.response import transformed
from toolkit.exporter.schema.told import places_of
from toolkit.exporter.values import Matrix, Outputs, Table, Unconvertible, Value


def pipeline(est: Any, x: Value, g: Conversion) -> Outputs:
    """Each step's transform is the next step's input; the outputs are the last step's."""
    steps = [step for _, step in est.steps if step is not None and step != "passthrough"]
    if not steps:
        return {"transform": g.matrix(x)}
    for step in steps[:-1]:
        x = transformed(step, x, g)
    return g.convert(steps[-1], x, g.scale)


def column_transformer(est: Any, x: Value, g: Conversion) -> Outputs:
    """The parts' outputs side by side, in the order of `transformers_`.

    A table where there is text among numbers, as in a data frame (set_output) with categories.
    """
    names = list(getattr(est, "feature_names_in_", []))
    parts: list[Matrix] = []
    weights = est.transformer_weights or {}
    for name, transformer, columns in est.transformers_:
        try:
            places = places_of(columns, names, est.n_features_in_)
        except ValueError as error:
            raise Unconvertible(str(error)) from None
        if transformer == "drop" or not places:
            continue
        part = g.select(x, at_hand(x, places))
        passed = isinstance(transformer, str)
        done = part if passed else transformed(transformer, part, g)
        weight = weights.get(name)
        mixed = isinstance(done, Table) and _is_mixed(columns_of(g, done))
        whole = columns_of(g, done) if mixed else [g.matrix(done)]
        parts += [_times(g, one, weight) for one in whole]
    if _is_mixed(parts):
        columns = [c for p in parts for c in columns_of(g, p)]
        return {"transform": cast(Matrix, Table(tuple((c.name, c) for c in columns)))}
    return {"transform": g.join(parts)}


def _is_mixed(parts: Sequence[Matrix]) -> bool:
    """Tell whether there is text among numbers."""
    return len({p.dtype == "string" for p in parts if p.width}) > 1


def feature_union(est: Any, x: Value, g: Conversion) -> Outputs:
    """The parts' outputs side by side, each times its weight."""
    weights = est.transformer_weights or {}
    parts = []
    for name, transformer in est.transformer_list:
        if transformer == "drop":
            continue
        passed = transformer == "passthrough"
        part = g.matrix(x if passed else transformed(transformer, x, g))
        weight = weights.get(name)
        parts.append(_times(g, part, weight))
    return {"transform": g.join(parts)}


def _times(g: Conversion, part: Matrix, weight: float | None) -> Matrix:
    unweighted = weight is None or part.is_nothing
    return part if unweighted else g.binary("Mul", part, [weight], "weight")


CONVERTERS = {
    "sklearn.Pipeline": pipeline,
    "sklearn.ColumnTransformer": column_transformer,
    "sklearn.FeatureUnion": feature_union,
}
