"""Rounding that knows the data: codes that keep the layer's output, not each weight.

The error of a layer's output on rows with covariance C is `trace(Δᵀ C Δ)` with Δ = W − decode(q),
so that the rounding of one weight can make good for another's. Finding the best codes is the
closest vector problem; two steps come near it:

1. error feedback: round one input's weights after the other and spread each one's error over the
   inputs not yet rounded, `w_k −= δ_i · U_ik / U_ii`, U the upper Cholesky factor of C⁻¹ (Frantar
   et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers",
   ICLR 2023, equation 3);
2. coordinate descent: give one code at a time its best value, the others fixed, until none moves
   (the greedy step of lattice reduction's nearest-plane method, repeated).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from toolkit.quantizer.codes.affine import Affine
from toolkit.quantizer.codes.mantissa import LEAST_MANTISSA, MOST_MANTISSA, Mantissa

# C's diagonal is raised by this share: few calibration rows must not speak for all directions.
DAMPING = 0.01
SWEEPS = 20


@dataclass(frozen=True)
class Grid:
    """The values that each weight may take: `(q − zero) · unit` for integers low <= q <= high.

    All float64 and of the weights' shape, or broadcast to it.
    """

    unit: np.ndarray
    zero: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def nearest(self, wanted: np.ndarray, row: int) -> np.ndarray:
        """Return the codes of one input's weights that are nearest to `wanted` [outputs]."""
        q = np.rint(wanted / self.unit[row]) + self.zero[row]
        return np.minimum(np.maximum(q, self.low[row]), self.high[row])

    def decode(self, q: np.ndarray) -> np.ndarray:
        """Return what codes stand for."""
        return (q - self.zero) * self.unit


def refine(values: np.ndarray, codes: Affine | Mantissa, covariance: np.ndarray) -> Any:
    """Return codes on the same grid whose output error on the calibration rows is no larger.

    values: float32 or float64 [inputs, outputs]; codes: the nearest ones; covariance [inputs,
    inputs] of the layer's inputs. Grid (scales, zero points, exponents, signs) and size stay.
    """
    damped = covariance + DAMPING * np.diag(np.diag(covariance))
    live = np.diag(damped) > 0
    if not live.any() or np.array_equal(codes.decode(), values):
        return codes
    # Inputs that do not vary say nothing; they keep the nearest codes.
    damped[~live, ~live] = 1.0
    grid, target = GRIDS[type(codes)](codes), values.astype(np.float64)
    nearest = codes.codes.astype(np.float64)
    starts = (nearest, _error_feedback(target, grid, damped))
    refined = [_descended(target, q, grid, damped) for q in starts]
    best = min([nearest, *refined], key=lambda q: _error(target, q, grid, damped))
    return replace(codes, codes=best.astype(codes.codes.dtype))


def _affine_grid(codes: Affine) -> Grid:
    shape = codes.codes.shape
    return Grid(
        codes.unit(), codes.zeros(), np.zeros(shape), np.full(shape, float((1 << codes.bits) - 1))
    )


def _mantissa_grid(codes: Mantissa) -> Grid:
    sign = np.sign(codes.codes).astype(np.float64)
    unit = np.ldexp(np.ones(sign.shape), codes.exponent.astype(int)[:, None] - 8)
    ends = np.sort(np.stack([sign * LEAST_MANTISSA, sign * MOST_MANTISSA]), axis=0)
    return Grid(unit, np.zeros(sign.shape), ends[0], ends[1])


GRIDS: dict[type, Callable[[Any], Grid]] = {Affine: _affine_grid, Mantissa: _mantissa_grid}


def _error(target: np.ndarray, q: np.ndarray, grid: Grid, covariance: np.ndarray) -> float:
    delta = target - grid.decode(q)
    return float(np.einsum("io,ij,jo->", delta, covariance, delta, optimize=True))


def _error_feedback(target: np.ndarray, grid: Grid, covariance: np.ndarray) -> np.ndarray:
    # C = M Mᵀ with M upper, from the factor of C turned round; so C⁻¹ = Uᵀ U with U = M⁻¹.
    # Inverting C itself fails where inputs are on very different scales.
    upper = np.linalg.inv(np.linalg.cholesky(covariance[::-1, ::-1])[::-1, ::-1])
    left, q = target.copy(), np.empty_like(target)
    for i in range(len(target)):
        q[i] = grid.nearest(left[i], i)
        lost = (left[i] - (q[i] - grid.zero[i]) * grid.unit[i]) / upper[i, i]
        left[i + 1 :] -= np.outer(upper[i, i + 1 :], lost)
    return q


def _descended(target: np.ndarray, q: np.ndarray, grid: Grid, covariance: np.ndarray) -> np.ndarray:
    q = q.copy()
    delta = target - grid.decode(q)
    for _ in range(SWEEPS):
        moved = False
        for i in range(len(target)):
            # With the others fixed, the output error is least where the weight takes up theirs.
            pull = covariance[i] @ delta / covariance[i, i] - delta[i]
            better = grid.nearest(target[i] + pull, i)
            if (better != q[i]).any():
                moved = True
                q[i] = better
                delta[i] = target[i] - (better - grid.zero[i]) * grid.unit[i]
        if not moved:
            break
    return q
