"""Codes for a single column of weights on many scales: eight bits of mantissa, an exponent each.

The coefficients of a linear model on raw features span many octaves, and each is multiplied with
values of its own size: what counts is the relative error of every one, at most 2**-9 here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from toolkit.runtime.pack.encodings import ELEMENT_TYPES, FLOAT32, MANTISSA, scale_mantissas

LEAST_MANTISSA, MOST_MANTISSA = 256, 511  # the mantissa with its leading one


@dataclass(frozen=True)
class Mantissa:
    """An encoded matrix of one column; the formula is `encodings.scale_mantissas`.

    codes: int64 [rows, 1], 0 or ±256 … ±511; exponent int8 [rows]; dtype: the matrix's, float32
    or float64.
    """

    codes: np.ndarray
    exponent: np.ndarray
    dtype: np.dtype = ELEMENT_TYPES[FLOAT32]

    CODE: ClassVar[int] = MANTISSA

    def decode(self) -> np.ndarray:
        """Return the matrix that a reader will see."""
        return scale_mantissas(self.codes, self.exponent).astype(self.dtype, copy=False)

    def to_bytes(self) -> bytes:
        """Return the payload as `toolkit.runtime.pack.encodings` describes it."""
        flat = self.codes.ravel()
        negative = np.packbits(flat < 0, bitorder="little").tobytes()
        exponent = np.where(flat == 0, -128, self.exponent).astype(np.int8)
        low = np.where(flat == 0, 0, np.abs(flat) - LEAST_MANTISSA).astype(np.uint8)
        return exponent.tobytes() + negative + low.tobytes()


def encode(values: np.ndarray) -> Mantissa:
    """Return a finite matrix [rows, 1] with every weight's mantissa rounded to 8 bits.

    What is below 2**-127, and 0 itself, becomes 0. Raises ValueError from 2**128 on.
    """
    data = np.asarray(values, dtype=np.float64)
    _, exponent = np.frexp(data[:, 0])  # magnitude in [0.5, 1) times 2**exponent
    codes = np.rint(np.ldexp(data, 9 - exponent[:, None]))
    carried = np.abs(codes[:, 0]) > MOST_MANTISSA  # rounded up to the next power of two
    exponent = exponent - 1 + carried
    codes = np.where(carried[:, None], np.sign(codes) * LEAST_MANTISSA, codes)
    if (exponent > 127).any():
        raise ValueError("holds values beyond 2**128")
    gone = (exponent < -127) | (codes[:, 0] == 0)
    codes[gone] = 0
    dtype = np.dtype(np.float64 if np.asarray(values).dtype == np.float64 else np.float32)
    return Mantissa(codes.astype(np.int64), np.where(gone, 0, exponent).astype(np.int8), dtype)
