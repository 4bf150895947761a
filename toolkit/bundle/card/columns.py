"""What each column of a model takes, and within which range its calibration rows lie.

A card goes further than the rows do: of numbers it shows bounds that are rounded outwards, so that
no row's own value stands there, and of texts only those that several rows share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any

import numpy as np

from toolkit.runtime.schema import ANY, FINITE, MISSING, non_finite_of_columns

DIGITS = 3  # of a bound
TEXTS = 10  # different texts up to which they are named
SHARED = 5  # rows that have a text which is named
LETTERS = 40  # of a text that is named

TYPES = {
    "float32": "number (float32)",
    "float64": "number (float64)",
    "int64": "whole number (int64)",
    "bool": "true or false (bool)",
    "string": "text (string)",
}


@dataclass(frozen=True)
class Column:
    """A column in words: its place and name, what it takes, where a missing value goes, its range.

    tensor: the input that it belongs to; name: None where the data had none; seen: None where
    there are no calibration rows. texts: what the range names, of text.
    """

    tensor: str
    place: int
    name: str | None
    type: str
    missing: str
    seen: str | None
    texts: tuple[str, ...] = ()


def columns(manifest: Mapping[str, Any], rows: Mapping[str, np.ndarray] | None) -> list[Column]:
    """Return the columns of all inputs; rows: calibration rows by input name, if there are any."""
    found = []
    for tensor in manifest["inputs"]:
        width = _width(tensor)
        names = tensor.get("columns") or ([tensor["name"]] if width == 1 else [])
        takes = non_finite_of_columns(str(tensor.get("takes") or FINITE), width)
        values = None if rows is None else rows.get(tensor["name"])
        for k in range(width):
            column = None if values is None else np.asarray(values).reshape(len(values), -1)[:, k]
            seen, texts = (None, ()) if column is None else _seen(column)
            name = names[k] if k < len(names) else None
            missing = _missing(tensor, takes[k])
            kind = TYPES.get(tensor["dtype"], str(tensor["dtype"]))
            found.append(Column(tensor["name"], k, name, kind, missing, seen, texts))
    return found


def _width(tensor: Mapping[str, Any]) -> int:
    shape = tensor.get("shape") or [None, 1]
    return shape[1] if len(shape) == 2 and isinstance(shape[1], int) else 0


def _missing(tensor: Mapping[str, Any], takes: str) -> str:
    if tensor["dtype"] == "string":
        if tensor.get("missing") == "kept":
            return "none; an empty text is a text"
        return "none" if takes == FINITE else "an empty text"
    return {MISSING: "NaN", ANY: "NaN; infinities too"}.get(takes, "none")


def _seen(values: np.ndarray) -> tuple[str, tuple[str, ...]]:
    if values.dtype.kind not in "fiub":
        return _texts(values)
    if values.dtype.kind == "b":
        return " and ".join(str(v).lower() for v in np.unique(values)), ()
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not len(finite):
        return "missing in all", ()
    low, high = outwards(float(finite.min()), -1), outwards(float(finite.max()), 1)
    return (low if low == high else f"{low} to {high}"), ()


def outwards(value: float, sign: int) -> str:
    """Return a bound of DIGITS digits that is no less (sign 1) or no more (-1) than the value."""
    rounding = ROUND_CEILING if sign > 0 else ROUND_FLOOR
    rounded = Context(prec=DIGITS, rounding=rounding).create_decimal(Decimal(repr(value)))
    plain = 1e-4 <= abs(value) < 1e9 or value == 0
    text = f"{rounded:f}" if plain else f"{rounded.normalize():e}"
    if "." in text and "e" not in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "−")


def _texts(values: np.ndarray) -> tuple[str, tuple[str, ...]]:
    """Return what is said of texts: each where they are few and shared, else how many."""
    there, counts = np.unique([str(v) for v in values.tolist()], return_counts=True)
    kept = [(t, n) for t, n in zip(there.tolist(), counts.tolist(), strict=True) if t]
    short = all(len(t) <= LETTERS for t, _ in kept)
    if kept and len(kept) <= TEXTS and short and min(n for _, n in kept) >= SHARED:
        return "", tuple(t for t, _ in kept)
    longest = max((len(t) for t, _ in kept), default=0)
    return f"{len(kept):,} different texts of up to {math.ceil(longest / 10) * 10} letters", ()
