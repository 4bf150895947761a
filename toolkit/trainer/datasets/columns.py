"""From the fields of a CSV column, or a pandas column, to one of few types."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

# Python's int() and float() also take "1_000" and digits of other scripts: those stay strings.
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|nan|inf|infinity)", re.IGNORECASE
)
_INT64 = np.iinfo(np.int64)


def parse_fields(fields: Sequence[str]) -> np.ndarray:
    """Return the fields of one column as an array [N]; an empty field is a missing value.

    int64 where all the others are whole numbers (float64 where one is missing), float64 where all
    are numbers or none is there, else object: strings, and None where missing.
    """
    present = [field for field in fields if field]
    if len(present) == len(fields) and all(_INTEGER.fullmatch(field) for field in fields):
        integers = [int(field) for field in fields]
        if _INT64.min <= min(integers) and max(integers) <= _INT64.max:
            return np.array(integers, dtype=np.int64)
    if all(_NUMBER.fullmatch(field) for field in present):
        return np.array([float(field) if field else np.nan for field in fields], dtype=np.float64)
    return _objects([field or None for field in fields])


def plain_column(column: Any) -> np.ndarray | None:
    """Return a pandas Series as an array [N] of the types that `parse_fields` gives, or bool.

    float32, float64, the integers and bool stay as they are; an integer or bool column that misses
    values becomes float64. None where it holds anything else (dates, lists, decimals).
    """
    missing = column.isna().to_numpy()
    kind = getattr(column.dtype, "kind", "O")
    if kind in "biuf":
        # pandas' own nullable numbers have no numpy value for a missing one.
        if missing.any() and not isinstance(column.dtype, np.dtype):
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        return column.to_numpy(dtype=getattr(column.dtype, "numpy_dtype", column.dtype))
    values = column.to_numpy(dtype=object)
    if all(isinstance(value, str) for value in values[~missing]):
        return _objects([value if isinstance(value, str) else None for value in values])
    return None


def _objects(values: Sequence[str | None]) -> np.ndarray:
    # Filled, not converted: numpy would make fixed-width strings, and None the string "None".
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
