"""The short way in for tables: dicts of columns and pandas frames as most people have them.

`inputs.prepare` takes whatever there is, and says what is wrong with it. This takes columns of
plain numbers and texts, where nothing is, at a fraction of its time: None for anything else.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from toolkit.runtime.inputs import FAR, name_of
from toolkit.runtime.schema import FINITE, Input, non_finite_of_columns

NUMBERS = frozenset({float, int, bool, np.float64, np.float32, np.int64, np.int32, np.bool_})
WHOLE = frozenset({int, np.int64, np.int32})
TRUTHS = frozenset({bool, np.bool_})
CODES = {"float32": "f", "float64": "d", "int64": "q"}  # of struct, which reads lists fast
TAKEN = {"f": "fiub", "i": "i", "b": "b"}  # numpy's kinds that become numbers of a column's kind
ROW = (1, 1)
# What numpy, pandas, pyarrow and struct raise of values that are not plain: `prepare` says why.
ODD = (
    *(LookupError, TypeError, ValueError, OverflowError, AttributeError, NotImplementedError),
    struct.error,
)


class Column(NamedTuple):
    """One column that is taken: its name, its kind ("f", "i", "b" or "O"), whether it may miss."""

    name: str
    dtype: np.dtype
    kind: str
    code: str
    non_finite: str
    missing: bool


Read = Callable[[Column, Any], "np.ndarray | None"]


class Columns:
    """Reads tables for a model whose columns have names; `read` is safe to call from threads."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        joined = len(inputs) == 1 and inputs[0].columns is not None
        self._whole = inputs[0] if joined and inputs[0].dtype != "string" else None
        self._columns = _columns_of(inputs)
        # A frame's labels, as pandas' object and as a list, and where the columns are among them:
        # one tuple, since threads with other frames replace it.
        self._known: tuple[Any, list[Any], list[int]] = (None, [], [])

    def read(self, X: Any) -> dict[str, np.ndarray] | None:
        """Return one array [N, width] an input for a dict of lists or arrays, or a pandas frame.

        All numbers are finite (or missing, where that is taken) and not FAR. None where `prepare`
        has to look.
        """
        if not self._columns:
            return None
        try:
            values = self._dict(X) if type(X) is dict else self._frame(X)
            if values is None:
                return None
            if len(values[0]) == 1:
                return self._fed(values, _cell, 1)
            with np.errstate(over="ignore", invalid="ignore"):  # what overflows is FAR
                return self._fed(values, _many, len(values[0]))
        except ODD:
            return None

    def _dict(self, X: dict[Any, Any]) -> list[Any]:
        return [X[c.name] for c in self._columns]

    def _frame(self, X: Any) -> list[Any] | None:
        """Return the columns of a pandas frame as they lie there."""
        column: Callable[[int], Any] = X._get_column_array  # X[label] takes ten times as long
        index, labels, places = self._known
        if X.columns is not index:  # its labels never change
            own_labels = X.columns.tolist()
            if own_labels != labels:
                names = [name_of(label) for label in own_labels]
                if len(set(names)) < len(names):
                    return None
                places = [names.index(c.name) for c in self._columns]
            self._known = X.columns, own_labels, places
        return [column(k) for k in places]

    def _fed(self, values: list[Any], read: Read, rows: int) -> dict[str, np.ndarray] | None:
        arrays = []
        for column, own in zip(self._columns, values, strict=True):
            if len(own) != rows:
                return None
            done = read(column, own)
            if done is None:
                return None
            arrays.append(done)
        if self._whole is not None:
            return {self._whole.name: np.concatenate(arrays, axis=1)}
        return {c.name: a for c, a in zip(self._columns, arrays, strict=True)}


def _columns_of(inputs: Sequence[Input]) -> list[Column]:
    """Return the single columns of the inputs; none where they have no names, or others' types."""
    columns = []
    for spec in inputs:
        names = spec.columns or ((spec.name,) if len(inputs) > 1 and spec.width == 1 else ())
        if len(names) != spec.width or (len(inputs) > 1 and len(names) != 1):
            return []
        if spec.dtype not in ("float32", "float64", "int64", "bool", "string"):
            return []
        if len(inputs) > 1:
            names = (spec.name,)
        for name, non_finite in zip(
            names, non_finite_of_columns(spec.non_finite, len(names)), strict=True
        ):
            kind = spec.numpy_dtype.kind
            code = CODES.get(spec.dtype, "")
            columns.append(
                Column(name, spec.numpy_dtype, kind, code, non_finite, non_finite != FINITE)
            )
    return columns


def _cell(column: Column, values: Any) -> np.ndarray | None:
    """Return the only value as an array [1, 1]."""
    if type(values) is np.ndarray:
        value = values.item()
    elif type(values) is not list and hasattr(values, "_pa_array"):
        value = values._pa_array[0].as_py()  # values[0] takes four times as long
    else:
        value = values[0]
    kind = type(value)
    if column.kind == "O":
        if kind is not str:
            if not _is_missing(value):
                return None
            value = ""
        if not value and not column.missing:
            return None
    elif column.kind == "f":
        if value is None and column.missing:
            value = np.nan
        elif kind not in NUMBERS or not (-FAR < value < FAR or (column.missing and value != value)):
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
            # struct takes half of a complex number, and the count of a time span. Their sum with
            # anything is one of them, or an error, and takes a tenth of the time of all types.
            if type(sum(values)) not in NUMBERS:
                return None
            packed = struct.pack(f"{len(values)}{column.code}", *values)
            values = np.frombuffer(packed, column.dtype)
        elif TRUTHS.issuperset(map(type, values)):
            values = np.array(values)
    elif type(values) is not np.ndarray:
        values = _of_pandas(column, values)
    if type(values) is not np.ndarray or values.dtype.kind not in TAKEN[column.kind]:
        return None
    if values.ndim == 1:
        values = values.reshape(-1, 1)
    elif values.ndim != 2 or values.shape[1] != 1:
        return None
    if values.dtype != column.dtype:
        if column.kind == "i" and values.dtype.itemsize > column.dtype.itemsize:
            return None
        values = values.astype(column.dtype)
    values = np.ascontiguousarray(values)
    return values if column.kind != "f" or _is_taken(values, column.missing) else None


def _of_pandas(column: Column, values: Any) -> np.ndarray | None:
    """Return the numbers of an array of pandas' own as one of numpy's, NaN for NA."""
    if hasattr(values, "categories"):
        return np.asarray(values)
    kind = values.dtype.kind
    if kind not in TAKEN[column.kind]:
        return None
    if column.kind == "f":
        return values.to_numpy(np.float64, na_value=np.nan)
    return values.to_numpy()  # of objects where NA is among them


def _is_taken(values: np.ndarray, missing: bool) -> bool:
    """Tell whether no number is FAR, and none is missing where that is not taken."""
    if np.vdot(values, values) < FAR * FAR:  # nearly always, in one pass
        return True
    largest, least = np.fmax.reduce(values, axis=None), np.fmin.reduce(values, axis=None)
    return missing and not (largest >= FAR or least <= -FAR)  # NaN is neither


def _texts(column: Column, values: Any) -> np.ndarray | None:
    """Return texts as an array [N, 1]."""
    if type(values) is list:
        flat = np.empty(len(values), dtype=object)
        flat[:] = known = values
    else:
        if type(values) is not np.ndarray:
            coded = _coded(values)
            if coded is not None:
                return _of_known(column, *coded)
            values = values.to_numpy(dtype=object)  # an array of pandas' own
        flat = values.ravel()
        if flat.dtype != object or len(flat) != len(values):
            return None
        known = flat.tolist()
    try:
        "".join(known)  # a TypeError where one is no text, in a third of the time of looking
    except TypeError:
        known = ["" if v is None else v if v == v else _text_of(v) for v in known]
        "".join(known)
        flat = np.empty(len(known), dtype=object)
        flat[:] = known
    return flat.reshape(-1, 1) if column.missing or all(known) else None


def _coded(values: Any) -> tuple[list[Any], np.ndarray] | None:
    """Return the known texts and which of them each row has, -1 for none; None for other arrays.

    pandas keeps categories so, and pyarrow makes it of its texts in half the time of their copies.
    """
    if hasattr(values, "categories"):
        return values.categories.tolist(), values.codes
    arrow = getattr(values, "_pa_array", None)
    if arrow is None:
        return None
    encoded = arrow.combine_chunks().dictionary_encode()
    codes = encoded.indices.fill_null(-1) if encoded.null_count else encoded.indices
    return encoded.dictionary.to_pylist(), codes.to_numpy()


def _of_known(column: Column, known: list[Any], codes: np.ndarray) -> np.ndarray | None:
    """Return the texts with these codes as an array [N, 1]."""
    "".join(known)  # a TypeError where one is no text
    if not column.missing and not (all(known) and (codes >= 0).all()):
        return None
    texts = np.empty(len(known) + 1, dtype=object)
    texts[:] = [*known, ""]  # the last is that of -1
    return texts[codes].reshape(-1, 1)


def _text_of(value: Any) -> str:
    """Return the text that stands for a missing value; a TypeError for any other."""
    if not _is_missing(value):
        raise TypeError(value)
    return ""


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float | np.floating) and bool(value != value))
