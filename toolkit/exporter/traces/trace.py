"""What a look at an estimator finds, and when a difference is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

# Files round numbers (9 digits, say). Up to SAME of the rows may have moved for that; other rows
# differ by OTHER at least; what lies between is no evidence.
SAME, OTHER = 1e-3, 2e-2


class Trace(NamedTuple):
    """Whether the rows are those of the fitting, and by what."""

    same: bool
    why: str


# An estimator, rows and targets -> what tells, None where nothing does. It may raise anything.
Look = Callable[[Any, Any, Any], Trace | None]


def by_share(moved: float, same: str, other: str) -> Trace | None:
    """Return the trace of rows of which this share moved; same, other: the words for either."""
    if SAME < moved < OTHER:
        return None
    return Trace(moved <= SAME, same if moved <= SAME else other)


def numbers(X: Any) -> np.ndarray:
    """Return rows as float64 [N, d]; ValueError where they are no table of numbers."""
    values = np.asarray(X, dtype=np.float64)
    if values.ndim != 2 or not len(values):
        raise ValueError("no table of numbers")
    return values
