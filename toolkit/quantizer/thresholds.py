"""Thresholds of trees: in float32, and fewer of them where that is asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toolkit.quantizer.routing import passes
from toolkit.runtime.forest import LEQ, Forest

# So many candidates for each threshold that is to stay are weighed against each other.
CANDIDATES = 4
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

    rows: the forest's input [N, features]. The thresholds that stay are weighted k-medians: a
    threshold lies at the share of the rows below it and weighs as much as the rows that pass its
    splits. A split then takes the one of the two next to its own that fewer of the rows which pass
    it change sides for. Features with few enough thresholds, and splits other than <=, stay as they
    are.
    """
    passed = np.zeros(len(forest.feature))
    for split, _ in passes(forest, rows):
        passed += np.bincount(split, minlength=len(passed))
    below, above = forest.threshold.copy(), forest.threshold.copy()
    for f in np.unique(forest.feature).tolist():
        mine = np.flatnonzero((forest.feature == f) & (forest.mode == LEQ))
        known, which = np.unique(forest.threshold[mine], return_inverse=True)
        if len(known) <= most:
            continue
        weights = np.bincount(which, weights=1.0 + passed[mine])
        kept = known[medians(_shares(known, rows[:, f]), weights, most)]
        upper = np.searchsorted(kept, known)
        lower = np.searchsorted(kept, known, side="right") - 1
        below[mine] = kept[np.where(lower < 0, upper, lower)][which]
        above[mine] = kept[np.where(upper == most, lower, upper)][which]
    return replace(forest, threshold=_nearer(forest, rows, below, above))


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
    best, choice = np.full(n, np.inf), []
    best[:band] = cost[np.arange(band), np.arange(band)]
    for _ in range(most - 1):
        # Before a cluster of 1, 2, … points that ends here, the best clusters end there.
        padded = np.concatenate([np.full(band, np.inf), best])
        before = np.lib.stride_tricks.sliding_window_view(padded[:-1], band)[:, ::-1]
        through = before + cost
        choice.append(through.argmin(axis=1))
        best = through[np.arange(n), choice[-1]]
    last, kept = n - 1, []
    for sizes in [*choice[::-1], np.arange(n)]:
        kept.append(int(middle[last, sizes[last]]))
        last -= int(sizes[last]) + 1
    return np.array(kept[::-1])


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


def _shares(known: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Return the share of the rows below each threshold, linear between the rows' values."""
    values, counts = np.unique(column[np.isfinite(column)], return_counts=True)
    if len(values) < 2:
        return known.astype(np.float64)
    inner = np.interp(known, values, np.cumsum(counts) / counts.sum())
    # Beyond the rows nothing changes sides; an order is left all the same.
    return inner + 1e-9 * np.arange(len(known)) / len(known)


def _nearer(forest: Forest, rows: np.ndarray, below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Return, for each split, the one of two thresholds that fewer rows change sides for."""
    lost, gained = np.zeros(len(below)), np.zeros(len(below))
    for split, x in passes(forest, rows):
        left = x <= forest.threshold[split]
        lost += np.bincount(split, weights=left & (x > below[split]), minlength=len(lost))
        gained += np.bincount(split, weights=~left & (x <= above[split]), minlength=len(lost))
    exact = forest.threshold.astype(np.float64)
    nearer = np.where(exact - below <= above - exact, below, above)
    return np.where(lost < gained, below, np.where(gained < lost, above, nearer))
