"""The terms of a sum of Gaussian kernels, and what adding them up in float32 would lose."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from toolkit.exporter.formulas.distances import centre_of

BLOCK = 128  # terms that are added in float32; the blocks' sums are added in float64
PROBES = 256  # rows on which the precision is chosen …
PROBED = 2**22  # … and at most so many of their kernels


@dataclass(frozen=True)
class Gaussians:
    """The terms of `offset + Σ dual_i exp(−γ ‖(x − s_i) / scale‖²)`.

    points: s, float64 [m, d]; dual [m, k]; offset [k]; scale [d] or 1. hint: the dual's name in the
    graph. unit, a number or [k]: what counts as 1 of the sums where that is less.
    """

    points: np.ndarray
    gamma: float
    dual: np.ndarray
    offset: np.ndarray
    scale: np.ndarray | float = 1.0
    hint: str = "dual"
    unit: np.ndarray | float = np.inf

    @cached_property
    def centre(self) -> np.ndarray:
        """What is taken off rows and points: distances stay, large means would cost digits."""
        return centre_of(self.points)

    @cached_property
    def scaled(self) -> np.ndarray:
        """The points, centred and scaled."""
        return (self.points - self.centre) / self.scale

    @property
    def block(self) -> int:
        """Return how many terms a block has."""
        return min(BLOCK, len(self.points))

    @property
    def blocks(self) -> int:
        """Return how many blocks there are."""
        return -(-len(self.points) // self.block)

    @property
    def spare(self) -> int:
        """Return how many terms of dual 0 fill the last block."""
        return self.blocks * self.block - len(self.points)


def points_and_near(points: np.ndarray, most: int) -> np.ndarray:
    """Return up to `most` of the points [m, d], and as many rows that are about as far from them
    as they are from each other: what a formula's rounding is measured on.
    """
    chosen = points[np.linspace(0, len(points) - 1, min(len(points), most)).astype(int)]
    noise = np.random.default_rng(0).normal(size=chosen.shape)
    return np.concatenate([chosen, chosen + 0.3 * noise * points.std(axis=0)])


def _probes(sums: Gaussians) -> np.ndarray:
    """Return rows, centred and scaled: points, and others as far from them as they are apart."""
    points = sums.scaled
    return points_and_near(points, max(2, min(PROBES, PROBED // len(points)) // 2))


def error(sums: Gaussians, product: type, summand: type, block: int) -> float:
    """Return the largest error of float32 exponentials, of max(1, |sum|) on the probes.

    Of the unit where that is less. Points and duals are float32 as well. product: the type of the
    exponents; summand: of the sums within a block.
    """
    rows, points = _probes(sums), sums.scaled
    exact = np.exp(_exponents(rows, points, sums.gamma)) @ sums.dual
    with np.errstate(over="ignore", under="ignore"):
        table: np.ndarray = points.astype(np.float32).astype(product)
        exponents = _exponents(rows.astype(product), table, sums.gamma)
        kernels: np.ndarray = np.exp(exponents.astype(np.float32)).astype(summand)
        dual: np.ndarray = sums.dual.astype(np.float32).astype(summand)
        starts = range(0, len(points), block)
        parts = [kernels[:, i : i + block] @ dual[i : i + block] for i in starts]
    difference = np.abs(np.sum(parts, axis=0, dtype=np.float64) - exact)
    size = np.minimum(np.maximum(1.0, np.abs(exact + sums.offset)), sums.unit)
    return float((difference / size).max())


def _exponents(rows: np.ndarray, points: np.ndarray, gamma: float) -> np.ndarray:
    """Return `2γ x·s − γ‖x‖² − γ‖s‖²` in the arguments' type."""
    one = np.ones((len(rows), 1), rows.dtype)
    lengths = (rows * rows).sum(axis=1, keepdims=True)
    minus = np.full((len(points), 1), -gamma, rows.dtype)
    biases = minus * (points * points).sum(axis=1, keepdims=True)
    weights = np.hstack([(points * rows.dtype.type(2 * gamma)), minus, biases])
    return np.asarray(np.hstack([rows, lengths, one]) @ weights.T)
