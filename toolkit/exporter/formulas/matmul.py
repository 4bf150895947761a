"""Products with weights: of a tensor, or of the index or the sparse rows that it was made from."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.graph import Graph
from toolkit.exporter.origins import Block, Coded, SparseRows, parts_of
from toolkit.exporter.values import Matrix


def affine(g: Graph, x: Matrix, weights: Any, bias: Any) -> Matrix:
    """Return `x @ weights + bias`; weights [width, k], bias [k]."""
    weights, bias = np.asarray(weights), np.asarray(bias).reshape(-1)
    if (code := x.origin(Coded)) is not None:
        return _gathered(g, x, code, weights, bias)
    names = [
        x.name,
        g.constant(weights, x.dtype, "coefficient"),
        g.constant(bias, x.dtype, "intercept"),
    ]
    return Matrix(g.add("Gemm", names, "scores"), x.dtype, weights.shape[1])


def linear(g: Graph, x: Matrix, weights: np.ndarray, bias: np.ndarray) -> Matrix:
    """Return `x @ weights + bias` [N, k], without the matrix where x is sparse rows.

    Nor where x is sparse rows side by side with others. weights [width, k], bias [k].
    """
    parts = parts_of(x) or (x,)
    if not any(p.origin(SparseRows) for p in parts):
        return affine(g, x, weights, bias)
    terms, others, start = [], [], 0
    for part in parts:
        block = weights[start : start + part.width]
        start += part.width
        part = g.cast(part, x.dtype)
        if (sparse := part.origin(SparseRows)) is not None:
            terms.append(_read_out(g, sparse, block))
        else:
            others.append((part, block))
    if not others:
        return g.binary("Add", g.total(terms), bias, "intercept")
    rest = g.join([part for part, _ in others])
    return g.total([*terms, affine(g, rest, np.vstack([block for _, block in others]), bias)])


def _read_out(g: Graph, rows: SparseRows, weights: np.ndarray) -> Matrix:
    kind, outputs = rows.values.dtype, weights.shape[1]
    table = g.constant(weights, kind, "coefficient")
    picked = g.add("Gather", [table, rows.places], "picked", axis=0)
    values = g.add("Unsqueeze", [rows.values.name, g.constant([1], "int64", "number")], "values")
    product = g.add("MatMul", [values, picked], "products")
    flat = g.add("Reshape", [product, g.constant([-1, outputs], "int64", "shape")], "scores")
    return Matrix(flat, kind, outputs)


def _gathered(g: Graph, x: Matrix, coded: Coded, weights: np.ndarray, bias: np.ndarray) -> Matrix:
    """Return `x @ weights + bias` of a coded x: rows of tables, and one product for the rest.

    weights [width, k], bias [k].
    """
    dense: list[Matrix] = []
    rows, tables = [], []
    for part, start, end in zip(coded.parts, coded.ends[:-1], coded.ends[1:], strict=True):
        own = weights[start:end]
        if isinstance(part, Block):
            table, constant = part.table(own)
            bias = bias + constant
            tables.append((part.index, table))
        elif part.width:
            dense.append(part)
            rows.append(own)
    if not dense:  # the constant is in every row of the first table
        tables[0] = (tables[0][0], tables[0][1] + bias)
    terms = []
    for index, table in tables:
        values = g.constant(table, x.dtype, "weights")
        name = g.add("Gather", [values, g.flat(index).name], "weight", axis=0)
        terms.append(Matrix(name, x.dtype, weights.shape[1]))
    if dense:
        terms.append(linear(g, g.cast(g.join(dense), x.dtype), np.vstack(rows), bias))
    return g.total(terms)
