"""The affine codec: codes, scales, zero points and exponents of one tensor, 2 to 16 bits a code.

Formula: `w = (q − z) · s · 2**e`, as in Jacob et al., "Quantization and Training of Neural Networks
for Efficient Integer-Arithmetic-Only Inference" (CVPR 2018), section 2.1, with a power of two a row
so that inputs on very different scales share one grid. Scales are per tensor, per column, or either
of them for every block of rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from toolkit.runtime.pack.encodings import (
    AFFINE,
    BLOCKS,
    ELEMENT_TYPES,
    EXPONENTS,
    FLOAT32,
    PER_COLUMN,
    SHORT_SCALES,
    SYMMETRIC,
    dequantize,
    spread_groups,
)
from toolkit.runtime.wire import varint

SMALLEST = np.float32(np.finfo(np.float32).smallest_subnormal)
TINY = np.finfo(np.float32).tiny
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Affine:
    """An encoded float32 or float64 tensor of rank ≥ 1.

    codes: unsigned, the tensor's shape; scale: float32 [1] or [columns], or [blocks, 1] or
    [blocks, columns] where each `block` rows have their own; zero: unsigned, the same shape;
    exponent: int8 [rows] or None; bits: 2 to 16; block: 0 for none; dtype: the tensor's.
    """

    codes: np.ndarray
    scale: np.ndarray
    zero: np.ndarray
    exponent: np.ndarray | None
    bits: int
    block: int = 0
    dtype: np.dtype = ELEMENT_TYPES[FLOAT32]

    CODE: ClassVar[int] = AFFINE

    def decode(self) -> np.ndarray:
        """Return the tensor that a reader will see."""
        return dequantize(
            self.codes, self.scale, self.zero, self.exponent, block=self.block, dtype=self.dtype
        )

    def unit(self) -> np.ndarray:
        """Return the float64 step of each element's grid, scale and power of two together."""
        unit = spread_groups(self.scale.astype(np.float64), self.block, self.codes.shape)
        unit = np.broadcast_to(unit, self.codes.shape)
        if self.exponent is None:
            return unit
        return np.ldexp(unit, _per_row(self.exponent, self.codes.ndim))

    def zeros(self) -> np.ndarray:
        """Return each element's zero point, float64."""
        zero = spread_groups(self.zero.astype(np.float64), self.block, self.codes.shape)
        return np.broadcast_to(zero, self.codes.shape)

    def to_bytes(self) -> bytes:
        """Return header and payload as `toolkit.runtime.pack.encodings` describes them.

        Zero points in the middle are left out, and scales that float16 can hold take two bytes.
        """
        with np.errstate(over="ignore"):
            short = bool((self.scale.astype(np.float16) == self.scale).all())
        symmetric = bool((self.zero == 1 << self.bits - 1).all())
        layout = PER_COLUMN * (self.scale.shape[-1] != 1) | EXPONENTS * (self.exponent is not None)
        layout |= BLOCKS * bool(self.block) | SYMMETRIC * symmetric | SHORT_SCALES * short
        parts = [
            bytes([self.bits, layout]),
            varint(self.block) if self.block else b"",
            self.scale.astype("<f2" if short else "<f4").tobytes(),
            b"" if symmetric else self.zero.tobytes(),
            b"" if self.exponent is None else self.exponent.tobytes(),
        ]
        return b"".join([*parts, packed_codes(self.codes, self.bits)])


def encode(
    weights: np.ndarray,
    *,
    per_column: bool,
    exponent: np.ndarray | None = None,
    bits: int = 8,
    block: int = 0,
    symmetric: bool = False,
    short: bool = False,
    steps: int | None = None,
) -> Affine:
    """Return `weights` (float32 or float64, finite, rank ≥ 1) on affine grids that hold 0 exactly.

    Codes are rounded to the nearest, never truncated. A group of integers that fits the grid is
    kept exactly; a group of zeros gets the scale 1. exponent: int8 [rows], divided out first.
    block: rows that share their scales, 0 for all. symmetric: the grid reaches as far below 0 as
    above, and its zero point takes no byte. short: scales are float16, rounded up. steps: of the
    grid from its lowest to its highest value, where fewer than the codes have room for.
    Raises ValueError where a value is not finite, or beyond what float32 scales reach.
    """
    values = np.asarray(weights, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("holds values that are not finite")
    if exponent is not None:
        values = np.ldexp(values, -_per_row(exponent, values.ndim))
    block = block if 0 < block < len(values) else 0
    low, high = _ranges(values, per_column, block)
    steps = steps or (1 << bits) - 1
    middle = 1 << bits - 1
    if symmetric:
        high = np.maximum(high, -low)
        low, steps = -high, steps - 1  # the lowest code stays unused: ± the same are ± the same
    if (high / steps - low / steps > LARGEST).any():
        raise ValueError("holds values beyond what float32 scales reach")
    scale = _scales(values, low, high, steps, per_column, block, short)
    zero = np.full(scale.shape, middle) if symmetric else np.clip(np.rint(-low / scale), 0, steps)
    unsigned = np.uint16 if bits > 8 else np.uint8
    spread = spread_groups(scale.astype(np.float64), block, values.shape)
    codes = np.rint(values / spread) + spread_groups(zero, block, values.shape)
    codes = np.clip(codes, int(symmetric), (1 << bits) - 1)
    dtype = np.dtype(np.float64 if np.asarray(weights).dtype == np.float64 else np.float32)
    encoded = Affine(
        codes.astype(unsigned), scale, zero.astype(unsigned), exponent, bits, block, dtype
    )
    return _kept_finite(encoded)


def _per_row(exponent: np.ndarray, rank: int) -> np.ndarray:
    return exponent.astype(int).reshape(-1, *[1] * (rank - 1))


def _ranges(values: np.ndarray, per_column: bool, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and highest value of each group, 0 among them, in the shape of scales."""
    axes = tuple(range(values.ndim - 1)) if per_column else None
    if not block:
        low = np.minimum(values.min(axis=axes, initial=0.0), 0.0).reshape(-1)
        return low, np.maximum(values.max(axis=axes, initial=0.0), 0.0).reshape(-1)
    parts = [values[at : at + block] for at in range(0, len(values), block)]
    ends = [_ranges(part, per_column, 0) for part in parts]
    return np.stack([low for low, _ in ends]), np.stack([high for _, high in ends])


def _scales(
    values: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    steps: int,
    per_column: bool,
    block: int,
    short: bool,
) -> np.ndarray:
    """Return the step of each group, float32 > 0; 1 where whole numbers fit the grid."""
    fractions = np.abs(values - np.rint(values))
    whole = (_ranges(fractions, per_column, block)[1] == 0) & (high - low <= steps)
    with np.errstate(under="ignore"):
        scale = ((high - low) / steps).astype(np.float32)
    # A subnormal scale has few digits: rounded down, it would leave the last codes' values out.
    falls_short = (scale < TINY) & (scale.astype(np.float64) * steps < high - low)
    scale = np.where(falls_short, np.nextafter(scale, np.float32(1)), scale)
    # Rounded up, the scale of the largest numbers would take the last code out of float32.
    scale = np.where(
        scale.astype(np.float64) * steps > LARGEST, np.nextafter(scale, np.float32(0)), scale
    )
    if short:
        scale = _as_short(scale)
    return np.where(whole, np.float32(1), np.maximum(scale, SMALLEST)).astype(np.float32)


def _as_short(scale: np.ndarray) -> np.ndarray:
    """Return scales rounded up to float16; those that it cannot hold to 11 bits stay as they are.

    Rounded down, the end of the group would fall off the grid.
    """
    with np.errstate(over="ignore"):
        half = scale.astype(np.float16)
        half = np.where(half < scale, np.nextafter(half, np.float16(np.inf)), half)
    fits = np.isfinite(half) & (scale >= np.finfo(np.float16).smallest_normal)
    return np.where(fits, half.astype(np.float32), scale) if fits.all() else scale


def _kept_finite(coded: Affine) -> Affine:
    """Return it with those codes one nearer to 0 that rounding took out of float32's range."""
    with np.errstate(over="ignore"):
        beyond = ~np.isfinite(coded.decode())
    if not beyond.any():
        return coded
    inward = np.where(coded.codes > coded.zeros(), coded.codes - 1, coded.codes + 1)
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


def packed_codes(codes: np.ndarray, bits: int) -> bytes:
    """Return codes as a stream of bits, as `toolkit.runtime.pack.encodings` describes it."""
    flat = codes.ravel()
    if bits in (8, 16):
        return flat.astype("u1" if bits == 8 else "<u2").tobytes()
    flags = (flat.astype(np.uint16)[:, None] >> np.arange(bits, dtype=np.uint16)) & 1
    return np.packbits(flags.astype(np.uint8), bitorder="little").tobytes()
