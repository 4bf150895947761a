"""From the fields of a CSV column, or a pandas column, to one of few types."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from toolkit.runtime.fields import NA_TEXTS, is_missing, is_number

# Python's int() also takes "1_000" and digits of other scripts: those stay strings.
_INTEGER = re.compile(r"[+-]?[0-9]+")
_TRUTH = {"true": True, "false": False}
_INT64 = np.iinfo(np.int64)


def parse_fields(fields: Sequence[str]) -> np.ndarray:
    """Return the fields of one column as an array [N]; an empty field is a missing value.

    bool where all are "true" or "false" in any case (objects, with NaN, where one is missing),
    int64 where all the others are whole numbers (float64 where one is missing), float64 where all
    are numbers or none is there, else object: strings, and NaN where missing, as pandas has it
    (scikit-learn's imputers and encoders take None for another value). Among numbers a word like
    "NA" is a missing value too, as pandas reads
    it; among strings it may be a country, and stays.
    """
    present = [field for field in fields if field]
    whole = len(present) == len(fields)
    if present and all(field.lower() in _TRUTH for field in present):
        truths = [_TRUTH[field.lower()] if field else np.nan for field in fields]
        return np.array(truths, dtype=bool) if whole else _objects(truths)
    if whole and all(_INTEGER.fullmatch(field.strip()) for field in fields):
        integers = [int(field) for field in fields]
        if _INT64.min <= min(integers) and max(integers) <= _INT64.max:
            return np.array(integers, dtype=np.int64)
    numbers = [field for field in present if not is_missing(field)]
    if all(map(is_number, numbers)) and (numbers or not present):
        return np.array([_number(f) for f in fields], dtype=np.float64)
    return as_texts(fields)


def as_texts(fields: Sequence[str], words: Collection[str] | None = None) -> np.ndarray:
    """Return the fields of one column as text, objects [N], NaN where it is missing.

    An empty field is, and a word that pandas reads so ("NA"), unless it is one of `words`; None for
    all words.
    """
    marks = {""} if words is None else NA_TEXTS - set(words)
    return _objects([np.nan if field in marks else field for field in fields])


def _number(field: str) -> float:
    return float(field) if is_number(field) else np.nan


def plain_column(column: Any) -> np.ndarray | None:
    """Return a pandas Series as an array [N] of the types that `parse_fields` gives.

    float32, float64, the integers and bool stay as they are; an integer or bool column that misses
    values becomes float64. Missing text is None or NaN, as pandas read it: by its version. None
    where it holds anything else (dates, lists, decimals).
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
        return _objects([v if v is None or isinstance(v, str) else np.nan for v in values])
    return None


def _objects(values: Sequence[str | float | None]) -> np.ndarray:
    # Filled, not converted: numpy would make fixed-width strings, and NaN the string "nan".
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
