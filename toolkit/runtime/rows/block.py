"""Some rows of a file, as a model takes them, and where in the file they stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from toolkit.runtime.schema import Input

# Of one block: a model's answers to as many rows at a time cost no more than to all together.
ROWS, LETTERS = 8192, 1 << 24


class Block(NamedTuple):
    """Rows in a form that `prepare` takes; unit and places: what the file calls each of them.

    origin: the file. unit: "line" or "row"; places: the number of each row, from 1.
    """

    rows: Any
    origin: str
    unit: str
    places: Sequence[int]


def wanted(inputs: Sequence[Input]) -> tuple[str, ...] | None:
    """Return the names of the columns that a model takes, None where they are not known."""
    if len(inputs) > 1 or (inputs[0].dtype == "string" and inputs[0].columns is None):
        return tuple(i.name for i in inputs)
    return inputs[0].columns
