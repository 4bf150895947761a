"""The numbers that a column of the data can hold: whole ones, decimals, float32 or any float64.

Most tables hold decimals: prices with two, temperatures with one. None of 0.1, 0.2, 0.3 is a
float32 or a float64 number exactly, and thresholds lie on such values too, between those of the
rows of fitting. What a graph with float32 inputs owes is scikit-learn's answer to every row of the
grid as it is given; where two numbers of the grid are one float32 number, only float64 can give it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

DECIMALS = 9  # more are no grid that anybody writes down
STRAY = 0.02  # of thresholds, that lie half-way between no two values of the grid
MERGED = 2.0**24  # from here on float32 holds no two whole numbers next to each other
EXACT = 2.0**50  # up to here a number times a power of ten keeps its place among whole numbers
FLOAT32, FLOAT64 = "float32", "float64"


@dataclass(frozen=True)
class Grid:
    """The multiples of 10**-decimals, each as the double next to it; or all numbers of `dtype`."""

    decimals: int | None = None
    dtype: str = FLOAT64

    def around(self, x: np.ndarray) -> np.ndarray:
        """Return the numbers of the grid next to each x [n], two before and two after, [n, 4].

        One of them is x where x is of the grid (of its type, there are three, the first twice).
        """
        x = np.asarray(x, dtype=np.float64)
        if self.decimals is not None:
            unit = 10.0**self.decimals
            first = np.floor(x * unit)
            return (first[:, None] + np.arange(-1.0, 3.0)) / unit
        real = np.dtype(self.dtype).type
        with np.errstate(over="ignore"):
            at = x.astype(self.dtype)
            low, high = np.nextafter(at, real(-np.inf)), np.nextafter(at, real(np.inf))
        return np.stack([low, low, at, high], axis=1).astype(np.float64)

    def snapped(self, x: np.ndarray) -> np.ndarray:
        """Return the number of the grid that is nearest to each x."""
        x = np.asarray(x, dtype=np.float64)
        if self.decimals is not None:
            unit = 10.0**self.decimals
            with np.errstate(over="ignore", invalid="ignore"):
                return np.asarray(np.where(np.abs(x) * unit < EXACT, np.rint(x * unit) / unit, x))
        with np.errstate(over="ignore"):
            return np.asarray(x.astype(self.dtype).astype(np.float64))

    def inside(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return a number of the grid in each interval (low, high], NaN where there is none.

        Away from the ends where there is room; either end may be infinite.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            middle = low + (high - low) / 2
            below, above = high - 1e-3 * np.abs(high) - 1e-3, low + 1e-3 * np.abs(low) + 1e-3
        wanted = np.where(np.isinf(low), below, np.where(np.isinf(high), above, middle))
        wanted = np.where(np.isfinite(wanted), wanted, 0.0)
        near = np.concatenate([self.snapped(wanted)[:, None], self.around(wanted)], axis=1)
        fits = (near > low[:, None]) & (near <= high[:, None])
        nearest = near[np.arange(len(near)), fits.argmax(axis=1)]
        return np.where(fits.any(axis=1), nearest, np.nan)


def grid_of(values: np.ndarray) -> Grid:
    """Return the grid of a column's values [N]: the coarsest that holds all finite ones.

    Numbers that float32 holds as they are, but not all their neighbours of so many decimals, are
    float32 numbers.
    """
    if values.dtype.kind in "iub":
        return Grid(decimals=0)
    values = np.unique(values[np.isfinite(values)])
    with np.errstate(over="ignore"):
        narrow = np.array_equal(values.astype(np.float32).astype(np.float64), values)
    largest = np.abs(values).max(initial=0.0)
    for decimals in range(DECIMALS + 1):
        unit = 10.0**decimals
        if largest * unit >= (MERGED if narrow else EXACT):
            break
        if np.array_equal(np.rint(values * unit) / unit, values):
            return Grid(decimals)
    return Grid(dtype=FLOAT32 if narrow else FLOAT64)


Grids = Mapping[str, tuple[Grid, ...]]


def grids_of(*rows: Mapping[str, np.ndarray]) -> dict[str, tuple[Grid, ...]]:
    """Return each numeric input's grids, one a column, over all the rows by input name."""
    grids = {}
    for name, values in rows[0].items():
        if values.dtype.kind in "fiub":
            whole = np.concatenate([r[name] for r in rows])
            grids[name] = tuple(grid_of(whole[:, c]) for c in range(whole.shape[1]))
    return grids


def refined(grids: Grids, thresholds: Mapping[tuple[str, int], np.ndarray]) -> Grids:
    """Return the grids, finer where thresholds of the estimator say so.

    thresholds: of an input's column. They lie half-way between two values of fitting, of which the
    rows given may be few: where twice a threshold is a decimal of more digits than the column's
    values have, so were the values that it was fitted on; where it is none, these were any numbers.
    """
    finer = {name: list(columns) for name, columns in grids.items()}
    for (name, column), limits in thresholds.items():
        own = finer[name][column]
        limits = limits[np.isfinite(limits) & (np.abs(limits) < 1e15)]
        if own.decimals is None or not len(limits):
            continue
        digits = _digits(2.0 * limits, own.decimals)
        finer[name][column] = Grid() if digits is None else Grid(digits)
    return {name: tuple(columns) for name, columns in finer.items()}


def _digits(values: np.ndarray, least: int) -> int | None:
    """Return with how many decimals, at least so many, all but a few values are told; None if none.

    To 1e-6 of a unit, since sums and steps before the trees round, and float32 more than that;
    where that is so much that nothing can be told, `least` stands.
    """
    for decimals in range(least, DECIMALS + 1):
        scaled = values * 10.0**decimals
        slack = max(1e-6, 2.0**-22 * float(np.abs(scaled).max()))
        if slack > 0.1:
            return least if decimals == least else None
        if (np.abs(scaled - np.rint(scaled)) > slack).mean() <= STRAY:
            return decimals
    return None


def round_down(threshold: np.ndarray) -> np.ndarray:
    """Return the largest float32 that is not above each float64 threshold.

    For every float32 x, `x <= round_down(t)` is `x <= t`: the routing stays exact.
    """
    with np.errstate(over="ignore"):
        rounded = threshold.astype(np.float32)
        below = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded.astype(np.float64) > threshold, below, rounded)


def between(limits: np.ndarray, grid: Grid, goes_left: np.ndarray | None = None) -> np.ndarray:
    """Return the float32 number next to each limit [n] that parts the grid's numbers as it does.

    A grid's number v must go left, `float32(v) <= found`, where `v <= limit`, and right where not;
    goes_left [n, 4] tells it of `grid.around(limits)` where something else decides. The limit
    itself, rounded down, wherever that is right. Where two numbers of the grid that go different
    ways are one float32 number, nothing is, and both go left.
    """
    near = grid.around(limits)
    left = near <= limits[:, None] if goes_left is None else goes_left
    with np.errstate(over="ignore"):
        narrow = near.astype(np.float32)
        lowest = np.where(left, narrow, np.float32(-np.inf)).max(axis=1)
        highest = np.where(left, np.float32(np.inf), narrow).min(axis=1)
        highest = np.nextafter(highest, np.float32(-np.inf))
    rounded = np.maximum(round_down(limits), lowest)
    return np.where(lowest <= highest, np.minimum(rounded, highest), lowest)
