"""From the predicted front to a file that was written and measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.limits import Limit
from toolkit.quantizer.budget.allocation import Allocation, unbeaten
from toolkit.quantizer.budget.expression import Budget
from toolkit.quantizer.budget.figures import Figures

# Points of the front that are measured beside those that the search needs.
SPREAD = 12
# Neighbours of the smallest allocation that keeps the budget which are written too: prediction and
# compression are a percent or so off.
NEIGHBOURS = 4
SMALLEST = 1e-30
STEP = 0.004  # between two of them, as a share of the bytes


@dataclass(frozen=True)
class Point:
    """A pack that was written and measured on the choosing rows."""

    allocation: Allocation
    content: bytes
    figures: Figures

    @property
    def error(self) -> float:
        """What points are ranked by: the NMSE, or the share of other labels."""
        measured = self.figures.measured
        if measured["nmse"] is not None:
            return measured["nmse"]
        return 1.0 - (measured["agreement"] or 0.0)

    def keeps(self, budget: Budget) -> bool:
        """Tell whether every limit is kept, by the figures with their margin."""
        return len(self.content) <= budget.bytes and self.keeps_errors(budget)

    def keeps_errors(self, budget: Budget) -> bool:
        """Tell whether every limit but those on bytes is kept."""
        return all(limit.kept_by(_judged(self, limit)) for limit in budget.of_error)


def _judged(point: Point, limit: Limit) -> float:
    figure = point.figures.judged[limit.metric]
    return float("nan") if figure is None else figure


def search(
    allocations: Sequence[Allocation],
    budget: Budget,
    write: Callable[[Allocation], tuple[bytes, Figures]],
) -> tuple[Point | None, list[Point]]:
    """Return the best point that keeps the budget (None where none does), and all that were made.

    With limits on errors the smallest file is best; with one on bytes alone the most accurate.
    allocations: by ascending bytes and descending predicted error; write: the pack of one of them,
    and its figures.
    """
    if not allocations:
        raise ValueError("no allocation to choose from")

    tried: dict[int, Point] = {}

    def at(index: int) -> Point:
        if index not in tried:
            tried[index] = Point(allocations[index], *write(allocations[index]))
        return tried[index]

    last = len(allocations) - 1
    if budget.of_error:
        edge = _first(lambda k: at(k).keeps_errors(budget), last)
    else:
        edge = _first(lambda k: not at(k).keeps(budget), last) - 1
    for index in _around(allocations, min(max(edge, 0), last)) + _spread(allocations):
        at(index)
    within = [p for p in tried.values() if p.keeps(budget)]
    best = min(within, key=_size_first if budget.of_error else _error_first, default=None)
    return best, [tried[k] for k in sorted(tried)]


def _size_first(point: Point) -> tuple[float, float]:
    return len(point.content), point.error


def _error_first(point: Point) -> tuple[float, float]:
    return point.error, len(point.content)


def _first(holds: Callable[[int], bool], last: int) -> int:
    """Return the least index from which on `holds` is true, by bisection; last + 1 where never."""
    if not holds(last):
        return last + 1
    low, high = -1, last  # holds at high, not at low
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _around(allocations: Sequence[Allocation], index: int) -> list[int]:
    """Return the positions whose bytes are some steps below and above those at `index`."""
    sizes = np.array([a.bytes for a in allocations])
    wanted = sizes[index] * (1 + STEP * np.arange(-NEIGHBOURS, NEIGHBOURS + 1))
    place = np.clip(np.searchsorted(sizes, wanted), 0, len(sizes) - 1)
    return sorted({int(k) for k in place})


def _spread(allocations: Sequence[Allocation]) -> list[int]:
    """Return positions from the smallest to the most accurate, evenly in the logarithm of bytes."""
    sizes = np.log([max(a.bytes, 1) for a in allocations])
    wanted = np.linspace(sizes[0], sizes[-1], SPREAD)
    return sorted({int(k) for k in np.searchsorted(sizes, wanted).clip(0, len(sizes) - 1)})


def front(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other is at or below in bytes and error, by ascending bytes."""
    sizes = np.array([len(p.content) for p in points])
    return [points[k] for k in unbeaten(sizes, np.array([p.error for p in points]))]


def nearest(budget: Budget, tried: Sequence[Point]) -> str:
    """Return in words the best that was found where none keeps the budget."""
    right = [p for p in tried if p.keeps_errors(budget)]
    if right:
        best = min(right, key=_size_first)
        within = " that keeps its errors" if budget.of_error else ""
        return f"the smallest{within} has {len(best.content)} bytes"
    best = min(tried, key=lambda p: sum(_shortfall(p, m) for m in budget.of_error))
    reached = [f"{m.metric} {_judged(best, m):.4g}" for m in budget.of_error]
    return f"the best found has {', '.join(reached)} in {len(best.content)} bytes"


def _shortfall(point: Point, limit: Limit) -> float:
    """Return how far a figure is beyond its limit, as a share of the limit; 0 where it is kept."""
    figure = _judged(point, limit)
    if limit.kept_by(figure):
        return 0.0
    return abs(figure - limit.value) / max(limit.value, SMALLEST)
