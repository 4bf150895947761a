"""Sorted tables in the graph: bisection, piecewise linear interpolation, category lookups."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.estimators.frames import mark_of
from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.classes import largest_index
from toolkit.exporter.formulas.matmul import affine
from toolkit.exporter.graph import initializer
from toolkit.exporter.opsets import ML_OPSETS
from toolkit.exporter.origins import FEWEST
from toolkit.exporter.values import Matrix, Table, Unconvertible, Value
from toolkit.onnx_graph.domains import ML

EXACT = 2**53  # from here on float64 holds no two whole numbers next to each other
TENSORS = 4  # the version of ai.onnx.ml from which on a LabelEncoder's table is tensors


def exact(g: Conversion, x: Value) -> Matrix:
    """Return x as one float64 matrix: integers up to 2**53 and every float32 keep their value."""
    if isinstance(x, Table):
        return g.join([g.cast(m, "float64") for _, m in x.columns])
    return g.cast(x, "float64")


def float_type(x: Value) -> str:
    """Return the type of the numbers that a step gives for x: float64 where x has such, else 32."""
    parts = [m for _, m in x.columns] if isinstance(x, Table) else [x]
    return "float64" if any(m.dtype == "float64" for m in parts) else "float32"


def flags(g: Conversion, x: Value, threshold: float) -> Matrix:
    """Return 1 where x is above the threshold, else 0, in the type of x's numbers.

    A float32 is above a float64 if it is above the largest float32 that is not: one operator.
    """
    kind = float_type(x)
    if isinstance(x, Matrix) and x.dtype == "float32":
        with np.errstate(over="ignore"):
            limit = np.float32(threshold)
        if float(limit) > threshold:
            limit = np.nextafter(limit, np.float32(-np.inf))
        above = g.add("Binarizer", [x.name], "above", domain=ML, threshold=float(limit))
        result = Matrix(above, kind, x.width)
        return _carry_flags(g, x, result, threshold)
    source = exact(g, x)
    limits = g.constant([threshold], "float64", "threshold")
    above = g.add("Greater", [source.name, limits], "above")
    result = g.cast(Matrix(above, "bool", source.width), kind)
    return _carry_flags(g, source, result, threshold)


def _carry_flags(g: Conversion, x: Matrix, result: Matrix, threshold: float) -> Matrix:
    return g.carry(
        x,
        result,
        lambda own, _: (own > threshold).astype(np.float64),
        lambda part, _: flags(g, part, threshold),
    )


def where(g: Conversion, mask: str, yes: Any, no: Any, like: Matrix) -> Matrix:
    """Return yes where the mask holds, else no; each a tensor's name or a constant."""
    names = [v if isinstance(v, str) else g.constant(v, like.dtype, "choice") for v in (yes, no)]
    return Matrix(g.add("Where", [mask, *names], "chosen"), like.dtype, like.width)


def count_below(g: Conversion, x: Matrix, tables: list[np.ndarray], strict: bool = False) -> Matrix:
    """Return how many entries of each column's sorted table are ≤ x (< x if strict), int64 [N, d].

    A bisection: log2 of the longest table steps, all columns at once, each a Gather from the tables
    side by side. They are filled up with NaN, which no number reaches; a NaN in x counts 0.
    """
    # One step even where all tables are empty, so that there is a count for every row.
    width, steps = len(tables), max(1, *(len(t) for t in tables)).bit_length()
    padded = np.full((2**steps, width), np.nan)
    for k, table in enumerate(tables):
        padded[: len(table), k] = table
    flat = g.constant(padded.ravel(), x.dtype, "table")
    lane = np.arange(width)
    position = g.constant(np.zeros((1, width)), "int64", "start")
    stride = g.constant(width, "int64", "stride")
    operator = "Less" if strict else "LessOrEqual"
    for step in 2 ** np.arange(steps)[::-1]:
        # The entry before the candidate position decides whether all of them are below.
        at = g.add("Mul", [position, stride], "row")
        last = g.constant((step - 1) * width + lane.reshape(1, -1), "int64", "last")
        entry = g.add("Gather", [flat, g.add("Add", [at, last], "at")], "entry", axis=0)
        below = g.add("Cast", [g.add(operator, [entry, x.name], "below")], "move", to=7)
        jump = g.add("Mul", [below, g.constant(step, "int64", "step")], "jump")
        position = g.add("Add", [position, jump], "position")
    return Matrix(position, "int64", width)


def rows_of(
    g: Conversion, position: Matrix, tables: list[np.ndarray], dtype: str, hint: str
) -> Matrix:
    """Return each column's table entry at its position [N, d]; tables of unlike length."""
    width = position.width
    padded = np.zeros((max(len(t) for t in tables), width))
    for k, table in enumerate(tables):
        padded[: len(table), k] = table
    at = g.binary("Add", g.binary("Mul", position, width, "stride"), np.arange(width), "lane")
    flat = g.constant(padded.ravel(), dtype, hint)
    return Matrix(g.add("Gather", [flat, at.name], hint, axis=0), dtype, width)


def interpolate(g: Conversion, x: Matrix, xs: list[np.ndarray], ys: list[np.ndarray]) -> Matrix:
    """Return `numpy.interp(x, xs, ys)` column by column: constant beyond the ends.

    At position p (entries ≤ x) the line starts at entry p − 1; of equal xs the last counts.
    """
    position = count_below(g, x, xs)
    starts, values, slopes = [], [], []
    for a, b in zip(xs, ys, strict=True):
        with np.errstate(divide="ignore", invalid="ignore"):
            inner = np.diff(b) / np.diff(a)
        inner = np.where(np.diff(a) > 0, inner, 0.0)
        starts.append(np.concatenate([a[:1], a]))
        values.append(np.concatenate([b[:1], b]))
        slopes.append(np.concatenate([[0.0], inner, [0.0]]))
    start = rows_of(g, position, starts, x.dtype, "start")
    slope = rows_of(g, position, slopes, x.dtype, "slope")
    value = rows_of(g, position, values, x.dtype, "value")
    run = Matrix(g.add("Sub", [x.name, start.name], "run"), x.dtype, x.width)
    rise = g.mul(run, slope)
    return Matrix(g.add("Add", [value.name, rise.name], "interpolated"), x.dtype, x.width)


def columns_of(g: Conversion, x: Value) -> list[Matrix]:
    """Return the columns of a table or matrix, each a matrix of width 1."""
    if isinstance(x, Table):
        return [m for _, m in x.columns]
    return [x] if x.width == 1 else [g.column(x, i) for i in range(x.width)]


def category_index(g: Conversion, column: Matrix, categories: np.ndarray) -> Matrix:
    """Return each value's place among the categories, int64 [N]; their number where it is none."""
    count = len(categories)
    if column.dtype == "string":
        keys = text_categories(categories)
        values: dict[str, Any] = {"keys_strings": keys, "values_int64s": list(range(count))}
        index = g.add(
            "LabelEncoder", [column.name], "code", domain=ML, default_int64=count, **values
        )
        flat = g.add("Reshape", [index, g.constant([-1], "int64", "flat")], "codes")
        return Matrix(flat, "int64", 0)
    if count >= FEWEST and ML_OPSETS[g.opset] >= TENSORS:
        return g.flat(group_index(g, column, categories, np.arange(count), count))
    known = _numbers(column, categories)
    number = g.cast(column, known.dtype.name)
    table = g.constant(known.reshape(1, -1), known.dtype.name, "categories")
    equal = g.add("Equal", [number.name, table], "equal")
    if np.isnan(known).any():  # NaN equals nothing, itself included
        nan = g.add("IsNaN", [number.name], "isnan")
        gap = g.constant(np.isnan(known).reshape(1, -1), "bool", "missing")
        equal = g.add("Or", [equal, g.add("And", [nan, gap], "wasnan")], "equal")
    hot = g.cast(Matrix(equal, "bool", count), "float32")
    # A last column that is half true: it wins where no category does.
    pads = g.constant([0, 0, 0, 1], "int64", "pads")
    half = g.constant(0.5, "float32", "half")
    hot = Matrix(g.add("Pad", [hot.name, pads, half], "hot"), "float32", count + 1)
    return largest_index(g, hot)


def group_index(
    g: Conversion, column: Matrix, categories: np.ndarray, groups: np.ndarray, unknown: int
) -> Matrix:
    """Return the group of each value's category, int64 [N, 1]; `unknown` where it is none.

    groups: int64, one a category. A category whose group is that of unknown ones is left out of the
    table. Before ai.onnx.ml 4 a number is no key of it: its place is looked up, then its group.
    """
    text = column.dtype == "string"
    if not text and ML_OPSETS[g.opset] < TENSORS:
        table = g.constant(np.append(groups, unknown), "int64", "groups")
        index = category_index(g, column, categories)
        group = Matrix(g.add("Gather", [table, index.name], "group", axis=0), "int64", 0)
        return g.upright(group)
    keys = _texts(categories) if text else _numbers(column, categories)
    told = np.flatnonzero(groups != unknown)
    if not len(told):  # an empty table is not valid
        told = np.arange(1)
    keys, values = keys[told], groups[told]
    attributes: dict[str, Any]
    if ML_OPSETS[g.opset] >= TENSORS:
        attributes = {
            "keys_tensor": initializer("keys", keys),
            "values_tensor": initializer("values", values.astype(np.int64)),
            "default_tensor": initializer("default", np.array([unknown], dtype=np.int64)),
        }
    else:
        attributes = {
            "keys_strings": keys.tolist(),
            "values_int64s": values.tolist(),
            "default_int64": unknown,
        }
    value = column if text else g.cast(column, keys.dtype.name)
    code = g.add("LabelEncoder", [value.name], "code", domain=ML, **attributes)
    return Matrix(code, "int64", 1)


def _numbers(column: Matrix, categories: np.ndarray) -> np.ndarray:
    """Return the categories of a column of numbers, float64 or, where that merges some, int64."""
    if categories.dtype.kind == "O" and not all(_is_number(c) for c in categories):
        raise Unconvertible("a numeric column with categories that are text")
    if column.dtype == "int64" and max(map(abs, categories.tolist()), default=0) > EXACT:
        return categories.astype(np.int64)  # float64 would take neighbours for one another
    return np.asarray([np.nan if mark_of(c) else c for c in categories.tolist()], np.float64)


def category_codes(
    g: Conversion, column: Matrix, categories: np.ndarray, missing: float = np.nan
) -> Matrix:
    """Return each value's place among the fitted categories [N, 1], `missing` where it is none."""
    if column.dtype == "string":
        texts = text_categories(categories)
        # A missing text has no code of its own: it is NaN, as an unknown one.
        keys = [
            t for t, c in zip(texts, categories.tolist(), strict=True) if c == c and c is not None
        ]
        codes = g.add(
            "LabelEncoder",
            [column.name],
            "codes",
            domain=ML,
            keys_strings=keys,
            values_floats=[float(k) for k in range(len(keys))],
            default_float=float(missing),
        )
        return Matrix(codes, "float32", 1)
    number = g.cast(column, "float32") if column.dtype == "bool" else g.floating(column)
    known = np.asarray(categories, dtype=np.float64)
    known = known[~np.isnan(known)]
    table = g.constant(known.reshape(1, -1), number.dtype, "categories")
    equal = g.add("Equal", [number.name, table], "equal")
    hot = g.cast(Matrix(equal, "bool", len(known)), number.dtype)
    position = affine(g, hot, np.arange(len(known)).reshape(-1, 1), np.zeros(1))
    count = affine(g, hot, np.ones((len(known), 1)), np.zeros(1))
    nothing = g.constant([missing], number.dtype, "nan")
    is_known = g.cast(count, "bool")
    names = [is_known.name, position.name, nothing]
    return Matrix(g.add("Where", names, "codes"), number.dtype, 1)


def look_up(
    g: Conversion, column: Matrix, categories: np.ndarray, values: Any, unknown: Any
) -> Matrix:
    """Return each category's row of values [K, m] as float64 [N, m], `unknown` [m] for others."""
    values = np.asarray(values, dtype=np.float64).reshape(len(categories), -1)
    last = np.broadcast_to(np.asarray(unknown, dtype=np.float64), (1, values.shape[1]))
    table = g.constant(np.concatenate([values, last]), "float64", "encoding")
    index = category_index(g, column, categories)
    return Matrix(g.add("Gather", [table, index.name], "encoded", axis=0), "float64", len(last[0]))


def text_categories(categories: np.ndarray) -> list[str]:
    """Return fitted text categories as the graph knows them: a missing one is the empty string.

    Raises Unconvertible where the empty string is a category of its own beside the missing value.
    """
    texts = ["" if mark_of(c) else c for c in categories.tolist()]
    if not all(isinstance(t, str) for t in texts):
        raise Unconvertible("categories that are neither text nor numbers")
    if len(set(texts)) < len(texts):
        raise Unconvertible("the empty string and a missing value both as categories")
    return texts


def _texts(categories: np.ndarray) -> np.ndarray:
    return np.asarray(text_categories(categories), dtype=object)


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, int | float | np.number | np.bool_)
