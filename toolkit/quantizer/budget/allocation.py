"""Which format each parameter gets: all the best choices, from the smallest to the most accurate.

Errors of parameters that are coded one at a time add up to that of all of them together (measured:
the ratio's median is 1.00 to 1.03), so that choosing formats under a budget is a multiple-choice
knapsack: minimise `Σ bytes` with `Σ error ≤ B`. It is solved for every B at once, by dynamic
programming over states that no other one beats (Nemhauser and Ullmann, "Discrete dynamic
programming and capital allocation", Management Science 15, 1969).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# So many states are kept after each parameter: below, the result is exact. More are thinned evenly
# along the front, which costs at most the gap between two neighbours, a part in thousands.
STATES = 8192


@dataclass(frozen=True)
class Allocation:
    """One option for each parameter (`choice`, its index), their bytes and errors summed."""

    bytes: int
    error: float
    choice: tuple[int, ...]


def front(options: Sequence[Sequence[tuple[int, float]]], states: int = STATES) -> list[Allocation]:
    """Return every allocation that none beats, by ascending bytes and strictly descending error.

    options: for each parameter its choices as (bytes, error), at least one; errors >= 0.
    """
    sizes, errors = np.zeros(1, dtype=np.int64), np.zeros(1)
    choices = np.zeros((1, 0), dtype=np.int16)
    for pairs in options:
        size, error = (np.array(column) for column in zip(*pairs, strict=True))
        chosen = unbeaten((sizes[:, None] + size).ravel(), (errors[:, None] + error).ravel())
        chosen = _thinned(chosen, states)
        before, option = np.divmod(chosen, len(pairs))
        sizes, errors = sizes[before] + size[option], errors[before] + error[option]
        choices = np.column_stack([choices[before], option.astype(np.int16)])
    return [
        Allocation(int(b), float(e), tuple(map(int, c)))
        for b, e, c in zip(sizes, errors, choices, strict=True)
    ]


def unbeaten(sizes: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Return the positions of points that no other is at or below in both, by ascending size."""
    order = np.lexsort((errors, sizes))
    least = np.minimum.accumulate(errors[order])
    first = np.append(True, least[1:] < least[:-1])
    return order[first]


def _thinned(chosen: np.ndarray, states: int) -> np.ndarray:
    if len(chosen) <= states:
        return chosen
    return chosen[np.unique(np.linspace(0, len(chosen) - 1, states).astype(int))]
