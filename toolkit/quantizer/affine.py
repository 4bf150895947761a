"""The affine uint8 codec: codes, scales, zero points and exponents of one weight tensor.

Formula: `w = (q − z) · s · 2**e`, as in Jacob et al., "Quantization and Training of Neural Networks
for Efficient Integer-Arithmetic-Only Inference" (CVPR 2018), section 2.1, with a power of two a row
so that inputs on very different scales share one grid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from toolkit.runtime.encodings import AFFINE, EXPONENTS, PER_COLUMN, dequantize

SMALLEST = np.float32(np.finfo(np.float32).smallest_subnormal)
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Affine:
    """An encoded float32 tensor of rank ≥ 1.

    codes: unsigned, the tensor's shape; scale: float32 [1] or [columns]; zero: unsigned, the same
    shape; exponent: int8 [rows] or None; bits: 4, 8 or 16.
    """

    codes: np.ndarray
    scale: np.ndarray
    zero: np.ndarray
    exponent: np.ndarray | None
    bits: int

    CODE: ClassVar[int] = AFFINE

    def decode(self) -> np.ndarray:
        """Return the float32 tensor that a reader will see."""
        return dequantize(self.codes, self.scale, self.zero, self.exponent)

    def to_bytes(self) -> bytes:
        """Return header and payload as `toolkit.runtime.encodings` describes them."""
        layout = PER_COLUMN * (len(self.scale) != 1) | EXPONENTS * (self.exponent is not None)
        parts = [
            bytes([self.bits, layout]),
            self.scale.astype("<f4").tobytes(),
            self.zero.tobytes(),
        ]
        if self.exponent is not None:
            parts.append(self.exponent.tobytes())
        return b"".join([*parts, _pack_codes(self.codes, self.bits)])


def encode(
    weights: np.ndarray, *, per_column: bool, exponent: np.ndarray | None = None, bits: int = 8
) -> Affine:
    """Return `weights` (float32, finite, rank ≥ 1) on an affine grid that holds 0 exactly.

    Codes are rounded to the nearest, never truncated. A group of integers that fits the grid is
    kept exactly; a group of zeros gets the scale 1. exponent: int8 [rows], divided out first.
    Raises ValueError where a value is not finite.
    """
    values = np.asarray(weights, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("holds values that are not finite")
    if exponent is not None:
        values = np.ldexp(values, -exponent.astype(int).reshape(-1, *[1] * (values.ndim - 1)))
    steps = (1 << bits) - 1
    axes = tuple(range(values.ndim - 1)) if per_column else None
    low = np.minimum(values.min(axis=axes, initial=0.0), 0.0).reshape(-1)
    high = np.maximum(values.max(axis=axes, initial=0.0), 0.0).reshape(-1)
    integral = (values == np.rint(values)).all(axis=axes).reshape(-1) & (high - low <= steps)
    with np.errstate(under="ignore"):
        scale = ((high - low) / steps).astype(np.float32)
    # Rounded up, the scale of the largest numbers would take the last code out of float32.
    scale = np.where(
        scale.astype(np.float64) * steps > LARGEST, np.nextafter(scale, np.float32(0)), scale
    )
    scale = np.where(integral, np.float32(1), np.maximum(scale, SMALLEST)).astype(np.float32)
    unsigned = np.uint16 if bits == 16 else np.uint8
    zero = np.clip(np.rint(-low / scale), 0, steps)
    codes = np.clip(np.rint(values / scale.astype(np.float64)) + zero, 0, steps)
    found = Affine(codes.astype(unsigned), scale, zero.astype(unsigned), exponent, bits)
    return _kept_finite(found)


def _kept_finite(coded: Affine) -> Affine:
    """Return it with those codes one nearer to 0 that rounding took out of float32's range."""
    with np.errstate(over="ignore"):
        beyond = ~np.isfinite(coded.decode())
    if not beyond.any():
        return coded
    inward = np.where(coded.codes > coded.zero, coded.codes - 1, coded.codes + 1)
    codes = np.where(beyond, inward, coded.codes).astype(coded.codes.dtype)
    return replace(coded, codes=codes)


def magnitude_exponents(weights: np.ndarray) -> np.ndarray:
    """Return int8 [rows]: the power of two just above each row's largest magnitude."""
    flat = np.abs(np.asarray(weights, dtype=np.float64)).reshape(len(weights), -1)
    return _as_int8(np.frexp(flat.max(axis=1, initial=0.0))[1])


def standardising_exponents(deviation: np.ndarray) -> np.ndarray:
    """Return int8 [rows]: −log2 of each input's standard deviation, rounded.

    Weights divided by it are, but for less than an octave, those of standardised inputs, so that a
    step of the grid costs the same output error for every input.
    """
    safe = np.where(deviation > 0, deviation, 1.0)
    return _as_int8(-np.rint(np.log2(safe)))


def _as_int8(exponents: np.ndarray) -> np.ndarray:
    return np.clip(exponents, -127, 127).astype(np.int8)


def _pack_codes(codes: np.ndarray, bits: int) -> bytes:
    if bits == 16:
        return codes.astype("<u2").tobytes()
    if bits == 8:
        return codes.tobytes()
    flat = codes.ravel()
    padded = np.append(flat, np.uint8(0)) if len(flat) % 2 else flat
    return (padded[0::2] | padded[1::2] << 4).astype(np.uint8).tobytes()
