"""Arguments of the Python functions, held against what they must be before anything is done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput


def texts(value: Any, what: str) -> tuple[str, ...]:
    """Return one text or several as a tuple; InvalidInput, naming the argument, for all else."""
    items = (value,) if isinstance(value, str) or not isinstance(value, Iterable) else tuple(value)
    for one in items:
        if not isinstance(one, str):
            raise InvalidInput(f"{what}: {one!r:.100} is no text; give texts, such as {what}=['…']")
    return items


def targets(y: Any, count: int) -> np.ndarray:
    """Return targets [count, …]; InvalidInput where they are not one for each of the rows."""
    try:
        array = np.asarray(y)
    except ValueError:  # rows of several lengths
        raise InvalidInput("y has targets of several lengths; give as many numbers a row") from None
    if array.ndim == 0:
        raise InvalidInput(f"y is {y!r:.100}; give a list or an array with a target for each row")
    if len(array) != count:
        raise InvalidInput(f"y has {len(array)} values and X {count} rows; give one for each row")
    return array
