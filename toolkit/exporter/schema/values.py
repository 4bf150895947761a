"""One column's values, whatever holds them: numpy, pandas' own types, pyarrow, lists, objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Number
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput
from toolkit.estimators.frames import KEPT, mark_of

FLOAT, INT, BOOL, TEXT = "float", "int", "bool", "text"
NUMBER = "number"  # any of the first three
LARGEST_WHOLE = 2**53  # from here on float64 holds no two whole numbers next to each other
_INT64 = np.iinfo(np.int64)


class NoColumn(InvalidInput):
    """The values are neither numbers nor text; the message says what they are."""


@dataclass(frozen=True)
class Values:
    """A column's values [N]: float64, int64 or bool, or objects where `kind` is text.

    Missing numbers are NaN. Of text, each is a str or what marks a missing one; marks: which of
    these there are ("nan", "none", "na"; "kept" for an empty text).
    """

    array: np.ndarray
    kind: str
    marks: frozenset[str] = frozenset()


def read_column(column: Any, name: str) -> Values:
    """Return a column's values [N]; NoColumn, naming it, where they are neither numbers nor text.

    Objects that are all numbers, or all True and False, are numbers; with one missing they are
    floating-point ones.
    """
    array = as_array(column)
    if array.ndim != 1:
        raise NoColumn(f"column {name!r} has the shape {array.shape}; give one value a row")
    if array.dtype.kind in "fiub":
        return _of_numbers(array, name)
    if array.dtype.kind in "MmcV":
        raise NoColumn(f"column {name!r} of {array.dtype} is neither numbers nor text; convert it")
    values = list(column) if array.dtype.kind == "O" else array.tolist()
    return _of_objects(values, name)


def as_array(rows: Any) -> np.ndarray:
    """Return rows as numpy has them; InvalidInput that names the row where they are ragged.

    Lists that hold text and numbers become objects: numpy would make texts of the numbers.
    """
    try:
        array = np.asarray(rows)
        if array.dtype.kind in "US" and not isinstance(rows, np.ndarray):
            array = np.asarray(rows, dtype=object)
    except ValueError:
        raise InvalidInput(_ragged(rows)) from None
    return array


def whole_beyond(values: Values) -> bool:
    """Tell whether whole numbers are so large that float64 does not hold them all."""
    if values.kind != INT or not len(values.array):
        return False
    return bool(max(abs(int(values.array.min())), abs(int(values.array.max()))) > LARGEST_WHOLE)


def _of_numbers(array: np.ndarray, name: str) -> Values:
    if array.dtype.kind == "b":
        return Values(array, BOOL)
    if array.dtype.kind == "f":
        return Values(np.asarray(array, dtype=np.float64), FLOAT)
    if array.dtype.kind == "u" and len(array) and int(array.max()) > _INT64.max:
        raise NoColumn(
            f"column {name!r} has the value {int(array.max())}, beyond int64, the largest whole "
            "numbers of a graph; make them floating-point numbers, or text"
        )
    return Values(array.astype(np.int64), INT)


def _of_objects(values: list[Any], name: str) -> Values:
    marks_of = [mark_of(v) for v in values]
    present = [v for v, mark in zip(values, marks_of, strict=True) if mark is None]
    marks = frozenset(m for m in marks_of if m is not None)
    if all(isinstance(v, str) for v in present):
        if "" in present:
            marks |= {KEPT}
        return Values(_objects(values), TEXT, marks)
    for value in present:
        if not isinstance(value, Number | np.bool_ | Decimal) or isinstance(value, complex):
            raise NoColumn(
                f"column {name!r} has the value {value!r} ({type(value).__name__}); a column holds "
                "numbers or text"
            )
    if not marks and all(isinstance(v, bool | np.bool_) for v in present):
        return Values(np.array(present, dtype=bool), BOOL)
    if not marks and all(_is_whole(v) for v in present):
        return Values(np.array([int(v) for v in present], dtype=np.int64), INT)
    numbers = [np.nan if m else float(v) for v, m in zip(values, marks_of, strict=True)]
    return Values(np.array(numbers, dtype=np.float64), FLOAT, marks)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and _INT64.min <= int(value) <= _INT64.max


def _objects(values: Sequence[Any]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)  # filled: numpy would make fixed-width text
    array[:] = values
    return array


def _ragged(rows: Any) -> str:
    """Return what is wrong with rows that are no array, for a message."""
    lengths = [len(r) if hasattr(r, "__len__") else 1 for r in rows]
    other = next((i for i, n in enumerate(lengths) if n != lengths[0]), None)
    if other is None:
        return "X holds rows of several shapes; give [N, features]"
    return (
        f"X is ragged: row {other} has {lengths[other]} values and row 0 has {lengths[0]}; give "
        "each row as many"
    )
