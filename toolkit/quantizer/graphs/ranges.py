"""Ranges of activations: which values a grid of 2**bits steps should reach, from calibration rows.

Each function takes values of any shape and gives (low, high) with low <= 0 <= high, so that 0 is
exact. What lies outside is clipped when the graph runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

Range = tuple[float, float]

# The share of values that a percentile range leaves out at either end.
OUTSIDE = 5e-4
# Clipped ranges that are tried, as shares of the whole one.
SHARES = np.geomspace(1.0, 1 / 64, 49)
BINS = 2048
# Rows that the device meets may lie further out than any calibration row.
ROOM = 8.0


def min_max(values: np.ndarray, bits: int) -> Range:
    """Return the smallest and the largest value: nothing is clipped."""
    return min(float(values.min()), 0.0), max(float(values.max()), 0.0)


def percentile(values: np.ndarray, bits: int) -> Range:
    """Return the range of all values but the most extreme OUTSIDE at either end."""
    low, high = np.quantile(values, [OUTSIDE, 1 - OUTSIDE])
    return min(float(low), 0.0), max(float(high), 0.0)


def entropy(values: np.ndarray, bits: int) -> Range:
    """Return the range whose quantized distribution tells least apart from that of the values.

    The Kullback-Leibler divergence of the clipped histogram from the same in 2**bits steps is least
    (Migacz, "8-bit Inference with TensorRT", GTC 2017), over the ranges of `_clipped`.
    """
    counts, edges = np.histogram(values, BINS, min_max(values, bits))
    centres = (edges[1:] + edges[:-1]) / 2
    steps = min(1 << bits, BINS)

    def divergence(low: float, high: float) -> float:
        inside = (centres >= low) & (centres <= high)
        clipped = counts[inside].astype(np.float64)
        if len(clipped) < steps or not clipped.sum():
            return np.inf
        step = np.arange(len(clipped)) * steps // len(clipped)
        filled = np.bincount(step, clipped > 0, minlength=steps)
        coarse = (np.bincount(step, clipped, minlength=steps) / np.maximum(filled, 1))[step]
        coarse = np.where(clipped > 0, coarse, 0.0)
        clipped[0] += counts[centres < low].sum()
        clipped[-1] += counts[centres > high].sum()
        p, q = clipped / clipped.sum(), coarse / coarse.sum()
        if ((p > 0) & (q == 0)).any():
            return np.inf
        return float((p[p > 0] * np.log(p[p > 0] / q[p > 0])).sum())

    return min(_clipped(values, bits), key=lambda ends: divergence(*ends))


def least_squares(values: np.ndarray, bits: int) -> Range:
    """Return that of the ranges of `_clipped` with the least squared error of the values."""

    def error(low: float, high: float) -> float:
        scale, zero = grid(low, high, bits)
        return float(np.square(rounded(values, scale, zero, bits) - values).mean())

    return min(_clipped(values, bits), key=lambda ends: error(*ends))


def wide(values: np.ndarray, bits: int) -> Range:
    """Return a range that reaches ROOM times as far as the values: 16 bits have steps to spare."""
    low, high = min_max(values, bits)
    return ROOM * low, ROOM * high


# Those that are tried for operands of so many bits; the best is kept.
RANGES: dict[int, dict[str, Callable[[np.ndarray, int], Range]]] = {
    8: {
        "min-max": min_max,
        "percentile": percentile,
        "entropy": entropy,
        "least-squares": least_squares,
    },
    16: {"wide": wide},
}


def _clipped(values: np.ndarray, bits: int) -> Iterator[Range]:
    """Yield ranges that reach ever less far: the same share of the way to both extremes."""
    low, high = min_max(values, bits)
    largest = max(-low, high)
    for share in SHARES:
        yield max(low, -largest * share), min(high, largest * share)


def grid(low: float, high: float, bits: int) -> tuple[np.float32, int]:
    """Return scale and zero point of the grid of 2**bits steps over a range; 1 and 0 of nothing."""
    steps = (1 << bits) - 1
    scale = np.float32((high - low) / steps)
    if not scale > np.finfo(np.float32).tiny:
        return np.float32(1), 0
    return scale, int(np.clip(np.rint(-low / scale), 0, steps))


def rounded(values: np.ndarray, scale: np.float32, zero: int, bits: int) -> np.ndarray:
    """Return what is left of values after QuantizeLinear and DequantizeLinear, float64."""
    step = float(scale)
    codes = np.rint(np.asarray(values, dtype=np.float64) / step) + zero
    return (np.clip(codes, 0, (1 << bits) - 1) - zero) * step
