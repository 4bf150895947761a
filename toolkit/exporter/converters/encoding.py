"""Encoders of categories."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.graph import ML, Graph, Matrix, Outputs, Table, Unconvertible, Value


def one_hot(est: Any, x: Value, g: Graph) -> Outputs:
    """OneHotEncoder: a block of 0/1 columns for each input column.

    A category that was not seen in fitting gives zeros, as with handle_unknown="ignore"; a missing
    text is the empty string in the graph.
    """
    if getattr(est, "infrequent_categories_", None) and any(
        c is not None for c in est.infrequent_categories_
    ):
        raise Unconvertible("infrequent categories")
    if est.handle_unknown == "error":
        g.traps.append("an unknown category gives zeros where scikit-learn would raise an error")
    columns = columns_of(g, x)
    if len(columns) != len(est.categories_):
        raise Unconvertible(f"{len(columns)} columns where {len(est.categories_)} were fitted")
    drops = [None] * len(columns) if est.drop_idx_ is None else list(est.drop_idx_)
    blocks = []
    for column, categories, drop in zip(columns, est.categories_, drops, strict=True):
        kept = np.arange(len(categories)) != (-1 if drop is None else drop)
        if kept.any():
            blocks.append(_block(g, column, categories[kept]))
    return {"transform": g.join(blocks)}


def columns_of(g: Graph, x: Value) -> list[Matrix]:
    """Return the columns of a table or matrix, each a matrix of width 1."""
    if isinstance(x, Table):
        return [m for _, m in x.columns]
    return [x] if x.width == 1 else [g.column(x, i) for i in range(x.width)]


def _block(g: Graph, column: Matrix, categories: np.ndarray) -> Matrix:
    if column.dtype == "string":
        return _text_block(g, column, text_categories(categories))
    if column.dtype == "int64" and categories.dtype.kind in "iu":
        table = g.constant(categories.reshape(1, -1), "int64", "categories")
        equal = g.add("Equal", [column.name, table], "equal")
        return g.cast(Matrix(equal, "bool", len(categories)), "float32")
    known = np.asarray(categories, dtype=np.float64)
    number = g.floating(column)
    table = g.constant(known.reshape(1, -1), number.dtype, "categories")
    equal = g.add("Equal", [number.name, table], "equal")
    if np.isnan(known).any():  # NaN equals nothing, itself included
        nan = g.add("IsNaN", [number.name], "isnan")
        last = g.constant(np.isnan(known).reshape(1, -1), "bool", "missing")
        equal = g.add("Or", [equal, g.add("And", [nan, last], "wasnan")], "equal")
    return g.cast(Matrix(equal, "bool", len(known)), "float32")


def _text_block(g: Graph, column: Matrix, categories: list[str]) -> Matrix:
    width = len(categories)
    hot = g.add("OneHotEncoder", [column.name], "hot", domain=ML, cats_strings=categories, zeros=1)
    shape = g.constant([-1, width], "int64", "flat")
    return Matrix(g.add("Reshape", [hot, shape], "block"), "float32", width)


def text_categories(categories: np.ndarray) -> list[str]:
    """Return fitted text categories as the graph knows them: a missing one is the empty string.

    Raises Unconvertible where the empty string is a category of its own beside the missing value.
    """
    texts = ["" if c is None or c != c else c for c in categories.tolist()]
    if not all(isinstance(t, str) for t in texts):
        raise Unconvertible("categories that are neither text nor numbers")
    if len(set(texts)) < len(texts):
        raise Unconvertible("the empty string and a missing value both as categories")
    return texts


CONVERTERS = {"sklearn.OneHotEncoder": one_hot}
