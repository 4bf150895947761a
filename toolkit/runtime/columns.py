"""The short way in for tables: dicts of columns and pandas frames as most people have them.

`inputs.prepare` takes whatever there is, and says what is wrong with it. This takes columns of
plain numbers and texts, where nothing is, at a fraction of its time: None for anything else.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from toolkit.runtime.inputs import FAR, name_of
from toolkit.runtime.schema import FINITE, Input, takes_of_columns

NUMBERS = frozenset({float, int, bool, np.float64, np.float32, np.int64, np.int32, np.bool_})
WHOLE = frozenset({int, np.int64, np.int32})
TRUTHS = frozenset({bool, np.bool_})
CODES = {"float32": "f", "float64": "d", "int64": "q"}  # of Python's arrays, which read lists fast
TAKEN = {"f": "fiub", "i": "i", "b": "b"}  # numpy's kinds that become numbers of a column's kind
ROW = (1, 1)


class Column(NamedTuple):
    """One column that is taken: its name, its kind ("f", "i", "b" or "O"), whether it may miss."""

    name: str
    dtype: np.dtype
    kind: str
    code: str
    takes: str
    missing: bool


class Columns:
    """Reads tables for a model whose columns have names; `read` is safe to call from threads."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        joined = len(inputs) == 1 and inputs[0].columns is not None
        self._whole = inputs[0] if joined and inputs[0].dtype != "string" else None
        self._columns = _columns_of(inputs)
        self._labels: list[Any] = []
        self._places: list[int] = []

    def read(self, X: Any) -> dict[str, np.ndarray] | None:
        """Return one array [N, width] an input for a dict of lists or arrays, or a pandas frame.

        All numbers are finite (or missing, where that is taken) and not FAR. None where `prepare`
        has to look.
        """
        if not self._columns:
            return None
        try:
            values = self._dict(X) if type(X) is dict else self._frame(X)
            return None if values is None else self._fed(values)
        except (KeyError, TypeError, ValueError, OverflowError, IndexError, AttributeError):
            return None

    def _dict(self, X: dict[Any, Any]) -> list[Any]:
        return [X[c.name] for c in self._columns]

    def _frame(self, X: Any) -> list[Any] | None:
        """Return the columns of a pandas frame as they lie there."""
        column: Callable[[int], Any] = X._get_column_array  # X[label] takes ten times as long
        labels = X.columns.tolist()
        if labels != self._labels:
            names = [name_of(label) for label in labels]
            if len(set(names)) < len(names):
                return None
            places = [names.index(c.name) for c in self._columns]
            self._places, self._labels = places, labels
        return [column(k) for k in self._places]

    def _fed(self, values: list[Any]) -> dict[str, np.ndarray] | None:
        rows = len(values[0])
        read = _cell if rows == 1 else _many
        found = []
        for column, own in zip(self._columns, values, strict=True):
            if len(own) != rows:
                return None
            done = read(column, own)
            if done is None:
                return None
            found.append(done)
        if self._whole is not None:
            return {self._whole.name: np.concatenate(found, axis=1)}
        return {c.name: a for c, a in zip(self._columns, found, strict=True)}


def _columns_of(inputs: Sequence[Input]) -> list[Column]:
    """Return the single columns of the inputs; none where they have no names, or others' types."""
    found = []
    for spec in inputs:
        names = spec.columns or ((spec.name,) if len(inputs) > 1 and spec.width == 1 else ())
        if len(names) != spec.width or (len(inputs) > 1 and len(names) != 1):
            return []
        if spec.dtype not in ("float32", "float64", "int64", "bool", "string"):
            return []
        if len(inputs) > 1:
            names = (spec.name,)
        for name, takes in zip(names, takes_of_columns(spec.takes, len(names)), strict=True):
            kind = spec.numpy_dtype.kind
            code = CODES.get(spec.dtype, "")
            found.append(Column(name, spec.numpy_dtype, kind, code, takes, takes != FINITE))
    return found


def _cell(column: Column, values: Any) -> np.ndarray | None:
    """Return the only value as an array [1, 1]."""
    value = values.item() if type(values) is np.ndarray else values[0]
    kind = type(value)
    if column.kind == "O":
        if kind is not str:
            if value is not None and value == value:
                return None
            value = ""
        if not value and not column.missing:
            return None
    elif column.kind == "f":
        if kind not in NUMBERS or not (-FAR < value < FAR or (column.missing and value != value)):
            return None
    elif kind not in (WHOLE if column.kind == "i" else TRUTHS):
        return None
    cell = np.empty(ROW, column.dtype)
    cell[0, 0] = value
    return cell


def _many(column: Column, values: Any) -> np.ndarray | None:
    """Return the values as an array [N, 1]."""
    if column.kind == "O":
        return _texts(column, values)
    if type(values) is list:
        if column.code:
            values = np.frombuffer(array(column.code, values), column.dtype)
        elif TRUTHS.issuperset(map(type, values)):
            values = np.array(values)
    if type(values) is not np.ndarray or values.dtype.kind not in TAKEN[column.kind]:
        return None
    if values.ndim == 1:
        values = values.reshape(-1, 1)
    elif values.ndim != 2 or values.shape[1] != 1:
        return None
    if values.dtype != column.dtype:
        if column.kind == "i" and values.dtype.itemsize > column.dtype.itemsize:
            return None
        with np.errstate(over="ignore"):
            values = values.astype(column.dtype)
    values = np.ascontiguousarray(values)
    return values if column.kind != "f" or _is_taken(values, column.missing) else None


def _is_taken(values: np.ndarray, missing: bool) -> bool:
    """Tell whether no number is FAR, and none is missing where that is not taken."""
    if np.vdot(values, values) < FAR * FAR:  # nearly always, in one pass
        return True
    largest, least = np.fmax.reduce(values, axis=None), np.fmin.reduce(values, axis=None)
    return missing and not (largest >= FAR or least <= -FAR)  # NaN is neither


def _texts(column: Column, values: Any) -> np.ndarray | None:
    if type(values) is not list:
        if type(values) is not np.ndarray:
            values = values.to_numpy(dtype=object)  # an array of pandas' own
        if values.dtype != object:
            return None
        whole, values = values, values.ravel().tolist()
        if len(whole) != len(values):
            return None
    else:
        whole = None
    "".join(values)  # a TypeError where one is no text, in a third of the time of looking at types
    if not column.missing and "" in values:
        return None
    if whole is not None:
        return whole.reshape(-1, 1)
    out = np.empty((len(values), 1), dtype=object)
    out[:, 0] = values
    return out
