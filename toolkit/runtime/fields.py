"""What one field of a CSV file stands for: a number, a truth value, a text, or a missing value."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from toolkit.runtime.schema import ANY, FINITE, MISSING, Input

# float() also takes "1_000" and digits of other scripts, which are hardly meant as numbers.
_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|nan|inf|infinity)", re.IGNORECASE
)

# What pandas takes for a missing value where it reads a column of numbers, besides NaN.
_MISSING = re.compile(r"|NULL|null|None|N/A|n/a|#?NA|#N/A|<NA>|-NaN|-nan|-?1\.#(?:IND|QNAN)")

# What pandas takes for a missing value where it reads a column of text.
NA_TEXTS = frozenset(
    {
        "",
        *("#N/A", "#N/A N/A", "#NA", "<NA>", "N/A", "NA", "n/a"),
        *("-1.#IND", "-1.#QNAN", "1.#IND", "1.#QNAN"),
        *("-NaN", "-nan", "NaN", "nan", "NULL", "null", "None"),
    }
)

# As pandas writes them, and others do.
_TRUTHS = {"false": False, "true": True}


def parsed_dtype(spec: Input) -> np.dtype:
    """Return the type that holds the input's values as read: float64 for every float."""
    return np.dtype(np.float64) if spec.numpy_dtype.kind == "f" else spec.numpy_dtype


def converter(spec: Input) -> Callable[[str], Any]:
    """Return the function from a field to its value for this input.

    It raises ValueError where the field stands for no value that the input takes.
    """
    kind, non_finite = spec.numpy_dtype.kind, spec.non_finite
    if kind == "O":
        text = _text(spec)
        return text if non_finite != FINITE else lambda field: _present(text(field), field)
    if kind == "b":
        return _truth
    if kind in "iu":
        return _whole
    largest = float(np.finfo(spec.numpy_dtype).max)

    def number(field: str) -> float:
        value = float(field) if is_number(field) else _other(field)
        if non_finite != ANY and (
            math.isinf(value) or (non_finite == FINITE and math.isnan(value))
        ):
            raise ValueError(field)
        if abs(value) > largest and "inf" not in field.lower():  # "1e400" is not meant as infinity
            raise ValueError(field)
        return value

    return number


def _text(spec: Input) -> Callable[[str], str]:
    """Return the function from a field to its text, "" for one that stands for a missing text."""
    if spec.words is None:
        return str
    marks = NA_TEXTS - set(spec.words)
    return lambda field: "" if field in marks else field


def _present(text: str, field: str) -> str:
    if not text:
        raise ValueError(field)
    return text


def _other(field: str) -> float:
    """Return what a field that is no number is among numbers: 1 or 0 for a truth, else missing."""
    truth = _TRUTHS.get(field.strip().lower())
    if truth is not None:
        return float(truth)
    if not is_missing(field):
        raise ValueError(field)
    return math.nan


def _whole(field: str) -> int:
    # Not by way of a float, which would round beyond 2**53; "3.0" is whole too.
    text = field.strip()
    if not is_number(text):
        return int(_truth(field))
    try:
        return int(text)
    except ValueError:
        if not float(text).is_integer():
            raise
        return int(float(text))


def _truth(field: str) -> bool:
    text = field.strip().lower()
    value = _TRUTHS.get(text, {"0": False, "1": True}.get(text))
    if value is None:
        raise ValueError(field)
    return value


def described(spec: Input) -> str:
    """Return in words what the input takes."""
    kind = spec.numpy_dtype.kind
    if kind == "O":
        return "text there, and none is missing"
    if kind == "b":
        return "true or false there"
    if kind in "iu":
        return f"whole numbers there ({spec.dtype})"
    return {
        FINITE: f"finite numbers there ({spec.dtype})",
        MISSING: f"numbers there ({spec.dtype}), or an empty field or NA for a missing one",
    }.get(spec.non_finite, f"numbers there ({spec.dtype})")


def is_number(field: str) -> bool:
    """Tell whether the field is written as a number (or nan, inf)."""
    return _NUMBER.fullmatch(field.strip()) is not None


def is_missing(field: str) -> bool:
    """Tell whether the field stands for a number that is not there."""
    return _MISSING.fullmatch(field.strip()) is not None
