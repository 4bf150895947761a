"""Thresholds of trees: in float32, and fewer of them where that is asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toolkit.quantizer.trees.routing import passes
from toolkit.runtime.pack.forest import LEQ, Forest

# So many candidates for each threshold that is to stay are weighed against each other.
CANDIDATES = 4
# The share of the rows at either end of a feature's values that are extreme.
OUTER = 1e-3
# Clusters of up to so many points are tried, of few points all: a table has WHOLE entries.
BAND, WHOLE = 64, 1 << 20


def with_short_thresholds(forest: Forest) -> Forest:
    """Return the forest with thresholds that float32 can hold: the smallest not below each.

    A forest that compares in float64 (histogram gradient boosting) often has a data value itself
    for a threshold, and sends it left; so it must not be rounded down, not even to the nearest. A
    value changes sides only if it lies above a threshold by less than one float32 ulp. Thresholds
    of other splits than <= stay.
    """
    with np.errstate(over="ignore"):
        nearest = forest.threshold.astype(np.float32)
    above = np.nextafter(nearest, np.float32(np.inf))
    short = np.where(nearest < forest.threshold, above, nearest).astype(forest.threshold.dtype)
    return replace(forest, threshold=np.where(forest.mode == LEQ, short, forest.threshold))


def with_fewer_thresholds(forest: Forest, rows: np.ndarray, most: int) -> Forest:
    """Return the forest with at most `most` distinct thresholds a feature, all of them its own.

    rows: the forest's input [N, features]. The thresholds that stay are weighted k-medians, and a
    split takes the nearest of them. A threshold weighs as the square root of one more than the rows
    that pass its splits: the upper splits move more rows, but the deeper ones see them closer
    together (measured; the number of rows itself, or 1, is worse). Features with few enough
    thresholds, and splits other than <=, stay as they are.
    """
    passed = np.ones(len(forest.feature))
    for split, _ in passes(forest, rows):
        passed += np.bincount(split, minlength=len(passed))
    threshold = forest.threshold.copy()
    for f in np.unique(forest.feature).tolist():
        mine = np.flatnonzero((forest.feature == f) & (forest.mode == LEQ))
        known, which = np.unique(forest.threshold[mine], return_inverse=True)
        if len(known) <= most:
            continue
        places = _places(known, rows[:, f])
        chosen = medians(places, np.bincount(which, weights=np.sqrt(passed[mine])), most)
        above = np.minimum(np.searchsorted(chosen, np.arange(len(known))), len(chosen) - 1)
        below = np.maximum(above - 1, 0)
        nearer = places - places[chosen[below]] <= places[chosen[above]] - places
        nearest = np.where(nearer & (chosen[above] > np.arange(len(known))), below, above)
        threshold[mine] = known[chosen[nearest]][which]
    return replace(forest, threshold=threshold)


def medians(places: np.ndarray, weights: np.ndarray, most: int) -> np.ndarray:
    """Return which points to keep so that `Σ weight · |place − nearest kept|` is least.

    places: float [n], ascending, n > most; weights: positive [n]. Ascending indices int [most].
    By dynamic programming over the last point of each cluster (a cluster's best centre is its
    weighted median); exact up to CANDIDATES · most points, no more than 1,024. More points
    are first joined to groups of equal weight, each at its median, and beyond 1,024 clusters are of
    at most BAND groups.
    """
    if len(places) > CANDIDATES * most:
        share = np.cumsum(weights) / weights.sum()
        group = np.minimum((share * CANDIDATES * most).astype(np.int64), CANDIDATES * most - 1)
        starts = np.flatnonzero(np.diff(group, prepend=-1))
        centre = (share + np.append(0.0, share[:-1])) / 2  # of each point's own weight
        ends = np.append(starts[1:], len(places)) - 1
        middle = (np.append(0.0, share)[starts] + share[ends]) / 2
        chosen = np.clip(np.searchsorted(centre, middle), starts, ends)
        joined = np.add.reduceat(weights, starts)
        return chosen[medians(places[chosen], joined, most)] if len(chosen) > most else chosen
    n, band = len(places), min(len(places), max(BAND, WHOLE // len(places)))
    cost, middle = _clusters(places, weights, band)
    # No cluster of the best ones costs more than clusters of one size do together.
    size = -(-n // most)
    ends = np.append(np.arange(size - 1, n - 1, size), n - 1)
    bound = cost[ends, np.diff(ends, prepend=-1) - 1].sum() * (1 + 1e-9)
    band = int(np.flatnonzero((cost <= bound).any(axis=0))[-1]) + 1
    cost = np.ascontiguousarray(cost[:, :band])
    best, choice = np.full(n, np.inf), []
    best[:band] = cost[np.arange(band), np.arange(band)]
    for _ in range(most - 1):
        # Before a cluster of 1, 2, … points that ends here, the best clusters end there.
        padded = np.concatenate([np.full(band, np.inf), best])
        before = np.lib.stride_tricks.sliding_window_view(padded[:-1], band)[:, ::-1]
        through = before + cost
        choice.append(through.argmin(axis=1))
        best = through[np.arange(n), choice[-1]]
    last, limits = n - 1, []
    for sizes in [*choice[::-1], np.arange(n)]:
        limits.append(int(middle[last, sizes[last]]))
        last -= int(sizes[last]) + 1
    return np.array(limits[::-1])


def _clusters(places: np.ndarray, weights: np.ndarray, band: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (cost, centre) of the cluster of k + 1 points that ends at point i, [n, band]."""
    total = np.append(0.0, np.cumsum(weights))
    moment = np.append(0.0, np.cumsum(weights * places))
    end = np.arange(1, len(places) + 1)[:, None]
    first = np.maximum(end - np.arange(1, band + 1), 0)
    half = (total[first] + total[end]) / 2
    middle = np.clip(np.searchsorted(total, half) - 1, first, end - 1)
    cost = places[middle] * (2 * total[middle] - total[first] - total[end])
    cost += moment[end] + moment[first] - 2 * moment[middle]
    exists = end - np.arange(1, band + 1) >= 0
    return np.where(exists, np.maximum(cost, 0.0), np.inf), middle


def _places(known: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Return where the thresholds lie for the medians: at most where nearly all rows are.

    A few extreme values must not take the precision from all others.
    """
    finite = column[np.isfinite(column)].astype(np.float64)
    low, high = np.quantile(finite, [OUTER, 1 - OUTER]) if len(finite) else (0.0, 0.0)
    return np.clip(known.astype(np.float64), low, high)
