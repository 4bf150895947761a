"""Tensors in a shorter type of their own kind: half or single precision, integers of few bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from toolkit.quantizer.codes.affine import packed_codes
from toolkit.runtime.pack.encodings import FLOAT16, INTEGERS, SINGLE


@dataclass(frozen=True)
class Half:
    """A float32 or float64 tensor stored as float16; values: float16, dtype: the tensor's."""

    values: np.ndarray
    dtype: np.dtype

    CODE: ClassVar[int] = FLOAT16

    def decode(self) -> np.ndarray:
        """Return the tensor that a reader will see."""
        return self.values.astype(self.dtype)

    def to_bytes(self) -> bytes:
        """Return the payload as `toolkit.runtime.pack.encodings` describes it."""
        return self.values.astype("<f2").tobytes()


@dataclass(frozen=True)
class Single:
    """A float64 tensor stored as float32; values: float32."""

    values: np.ndarray

    CODE: ClassVar[int] = SINGLE

    def decode(self) -> np.ndarray:
        """Return the float64 tensor that a reader will see."""
        return self.values.astype(np.float64)

    def to_bytes(self) -> bytes:
        """Return the payload as `toolkit.runtime.pack.encodings` describes it."""
        return self.values.astype("<f4").tobytes()


@dataclass(frozen=True)
class Integers:
    """A tensor of integers, `low + codes`, exactly; codes: uint16 of `bits` bits."""

    codes: np.ndarray
    low: int
    bits: int
    dtype: np.dtype

    CODE: ClassVar[int] = INTEGERS

    def decode(self) -> np.ndarray:
        """Return the tensor that a reader will see."""
        return (self.codes.astype(np.int64) + self.low).astype(self.dtype)

    def to_bytes(self) -> bytes:
        """Return header and payload as `toolkit.runtime.pack.encodings` describes them."""
        low = self.low.to_bytes(8, "little", signed=True)
        return bytes([self.bits]) + low + packed_codes(self.codes, self.bits)


def half(values: np.ndarray) -> Half:
    """Return values (float32 or float64) as float16, to the nearest.

    Raises ValueError where one is not finite, or beyond 65504.
    """
    with np.errstate(over="ignore"):
        short = values.astype(np.float16)
    if not np.isfinite(short).all():
        raise ValueError("holds values that float16 cannot hold")
    return Half(short, values.dtype)


def single(values: np.ndarray) -> Single:
    """Return float64 values as float32, to the nearest; infinities and NaN are kept.

    Raises ValueError where a finite one is beyond float32.
    """
    with np.errstate(over="ignore"):
        short = values.astype(np.float32)
    if not np.array_equal(np.isfinite(short), np.isfinite(values)):
        raise ValueError("holds values that float32 cannot hold")
    return Single(short)


def integers(values: np.ndarray) -> Integers:
    """Return integers in the fewest bits that hold their range, at least 2.

    Raises ValueError where there are none, or their range exceeds 16 bits.
    """
    if not values.size:
        raise ValueError("holds nothing")
    low, high = int(values.min()), int(values.max())
    bits = max(2, (high - low).bit_length())
    if bits > 16 or low >= 1 << 63:
        raise ValueError(f"holds integers from {low} to {high}")
    codes = (values - np.array(low, dtype=values.dtype)).astype(np.uint16)
    return Integers(codes, low, bits, values.dtype)
