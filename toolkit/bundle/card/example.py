"""The row that a card's programs predict: one of the golden rows, with scikit-learn's answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.runtime.golden import Golden

WIDE = 128  # values of an input beyond which programs fill it with zeros
LISTED = 8  # values of an answer that a comment names
KNOWN = ("float32", "float64", "int64", "bool", "string")


@dataclass(frozen=True)
class Given:
    """An input [1, width] of a program.

    values: the row's, of Python's own types; None where the input is WIDE.
    """

    name: str
    dtype: str
    width: int
    values: tuple[Any, ...] | None


@dataclass(frozen=True)
class Answer:
    """An output of a program: its type, its axes (one of rows alone, or two), what is expected.

    expected: scikit-learn's answers, None where the row is not that of the golden rows.
    """

    name: str
    dtype: str
    axes: int
    expected: tuple[Any, ...] | None


@dataclass(frozen=True)
class Example:
    """A file, the session's options under which it was measured, and a row with its answers."""

    file: str
    config: tuple[tuple[str, str], ...]
    given: tuple[Given, ...]
    answers: tuple[Answer, ...]

    @property
    def is_filled(self) -> bool:
        """Whether an input is too wide to be written out, so that it holds zeros."""
        return any(g.values is None for g in self.given)


def example(manifest: Mapping[str, Any], rows: Golden | None, file: str) -> Example | None:
    """Return the example for a file; None where there is no row, or a tensor of another type."""
    tensors = [*manifest["inputs"], *manifest["outputs"]]
    if rows is None or not len(rows.adversarial):
        return None
    if any(t.get("dtype") not in KNOWN for t in tensors):
        return None
    if any(_width(t) is None for t in manifest["inputs"]):
        return None
    at = _position(rows)
    given = tuple(
        _given(t, np.asarray(rows.inputs[t["name"]])[at].ravel()) for t in manifest["inputs"]
    )
    filled = any(g.values is None for g in given)
    answers = tuple(
        Answer(
            t["name"],
            t["dtype"],
            len(t["shape"]),
            None if filled else _plain(np.asarray(rows.outputs[t["name"]])[at].ravel()),
        )
        for t in manifest["outputs"]
    )
    config = manifest["files"].get(file, {}).get("session", {}).get("config", {})
    return Example(file, tuple((str(k), str(v)) for k, v in config.items()), given, answers)


def _width(tensor: Mapping[str, Any]) -> int | None:
    """Return the columns of an input [N, columns], None where it is open."""
    shape: list[Any] = tensor.get("shape") or []
    return shape[1] if len(shape) == 2 and isinstance(shape[1], int) else None


def _given(tensor: Mapping[str, Any], values: np.ndarray) -> Given:
    wide = len(values) > WIDE
    if tensor["dtype"] == "float32" and not wide:
        # The shortest decimals that are the same float32.
        values = np.array([float(str(v)) for v in values.astype(np.float32)])
    return Given(tensor["name"], tensor["dtype"], len(values), None if wide else _plain(values))


def _plain(values: np.ndarray) -> tuple[Any, ...]:
    return tuple(v.item() if isinstance(v, np.generic) else v for v in values)


def _position(rows: Golden) -> int:
    """Return a row as most are: a held-out one with all its values, the first of them."""
    plain = np.flatnonzero(~rows.adversarial).tolist()
    whole = (at for at in plain if all(_is_whole(a[at]) for a in rows.inputs.values()))
    return next(whole, plain[0] if plain else 0)


def _is_whole(values: Any) -> bool:
    """Tell whether no value of a row is missing, infinite, or a text that C strings cannot hold."""
    return all(
        bool(v) and "\0" not in v if isinstance(v, str) else math.isfinite(v)
        for v in np.atleast_1d(values).ravel().tolist()
    )


def said(answer: Answer, text: Any) -> str:
    """Return what is expected of an output, for a comment; text: the language's literal."""
    values = answer.expected or ()
    shown = [
        text(v) if isinstance(v, str) else f"{v:.6g}" if isinstance(v, float) else str(v).lower()
        for v in values[:LISTED]
    ]
    return ", ".join([*shown, "…"] if len(values) > LISTED else shown)
