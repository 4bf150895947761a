"""Codes for matrices with long tails: steps of equal size in asinh of the value.

Stored points of kernel machines and neighbours are data, and data has tails: on a linear grid one
value a hundred standard deviations away leaves two codes for all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from toolkit.quantizer.codes.affine import packed_codes
from toolkit.runtime.pack.encodings import COMPANDED, ELEMENT_TYPES, FLOAT32, OTHER_WIDTH, expand

# The companding bends at half a standard deviation: below it is nearly linear, far above
# logarithmic (the error of support vector regression on California Housing is smallest there).
BEND = 0.5


@dataclass(frozen=True)
class Companded:
    """An encoded float32 or float64 matrix; the formula is `toolkit.runtime.pack.encodings.expand`.

    codes: unsigned [rows, columns]; spread, low, step: float32, one a row (axis 0) or column (axis
    1); bits: 2 to 16; dtype: the matrix's.
    """

    codes: np.ndarray
    axis: int
    spread: np.ndarray
    low: np.ndarray
    step: np.ndarray
    bits: int = 8
    dtype: np.dtype = ELEMENT_TYPES[FLOAT32]

    CODE: ClassVar[int] = COMPANDED

    def decode(self) -> np.ndarray:
        """Return the matrix that a reader will see."""
        values = expand(self.codes, self.axis, self.spread, self.low, self.step)
        return values.astype(self.dtype, copy=False)

    def to_bytes(self) -> bytes:
        """Return header and payload as `toolkit.runtime.pack.encodings` describes them."""
        groups = (self.spread, self.low, self.step)
        width = b"" if self.bits == 8 else bytes([self.bits])
        head = bytes([self.axis | OTHER_WIDTH * bool(width)]) + width
        head += b"".join(v.astype("<f4").tobytes() for v in groups)
        return head + packed_codes(self.codes, self.bits)


def encode(values: np.ndarray, axis: int, bits: int = 8) -> Companded:
    """Return a finite matrix in companded codes, one grid a row (axis 0) or column (1).

    Codes are rounded to the nearest in the companded domain; the smallest and the largest value of
    a group are kept to float32's rounding. A constant group is exact.
    """
    other, steps = 1 - axis, (1 << bits) - 1
    shape = (-1, 1) if axis == 0 else (1, -1)
    data = np.asarray(values, dtype=np.float64)
    deviation = data.std(axis=other)
    largest = np.abs(data).max(axis=other, initial=0.0)
    spread = np.where(deviation > 0, BEND * deviation, np.where(largest > 0, largest, 1.0))
    spread = np.maximum(spread, np.finfo(np.float32).tiny).astype(np.float32)
    bent = np.arcsinh(data / spread.astype(np.float64).reshape(shape))
    low, high = bent.min(axis=other), bent.max(axis=other)
    step = np.where(high > low, (high - low) / steps, 1.0)
    codes = np.rint((bent - low.reshape(shape)) / step.reshape(shape))
    return Companded(
        np.clip(codes, 0, steps).astype(np.uint8 if bits <= 8 else np.uint16),
        axis,
        spread,
        low.astype(np.float32),
        step.astype(np.float32),
        bits,
        np.dtype(np.float64 if data.dtype == np.asarray(values).dtype else np.float32),
    )
