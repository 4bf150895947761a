"""How one tensor's numbers lie in a pack: the decoders, one a code, in a table.

Every decoder takes a cursor that stands at the tensor's own header and returns a numpy array.
It asks the cursor for exactly as many bytes as the shape demands *before* it makes an array, so
a hostile shape fails on the file's real length and takes no memory.

code  name       header                   payload, little-endian
0     raw        —                        the elements in their own type
1     float16    —                        IEEE half-precision values of a float32 tensor
2     affine     bits u8, layout u8       scales f32, zero points, exponents i8, codes
3     companded  axis u8                  spreads f32, lows f32, steps f32, codes u8
4     mantissa   —                        exponents i8, sign bits, mantissas u8

Affine stands for a float32 tensor `w` of rank ≥ 1 (rows = first axis, columns = last axis):
`w[i, …, j] = (q[i, …, j] − z[j]) · s[j] · 2**e[i]` with `q` and `z` unsigned integers of `bits`
(4, 8 or 16) bits. Layout bit 0: one scale and zero point a column, else one a tensor. Layout
bit 1: one exponent a row, else all are 0. Zero points take 1 byte (2 where bits = 16); 4-bit
codes lie two a byte, the first in the low half.

Companded stands for a float32 matrix whose groups g, rows (axis 0) or columns (axis 1), have long
tails: `w = spread[g] · sinh(low[g] + step[g] · q)`, computed in float64 and rounded to float32,
with a spread, low and step a group and q in 0 … 255.

Mantissa stands for a float32 matrix of one column: `w = ± (256 + q) · 2**(e − 8)` with an exponent,
a sign bit (1 is minus, the first in the lowest bit) and q in 0 … 255 a row; an exponent of −128
is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from toolkit.errors import CorruptArtifact

RAW, FLOAT16, AFFINE, COMPANDED, MANTISSA = 0, 1, 2, 3, 4
PER_COLUMN, EXPONENTS = 1, 2

# ONNX TensorProto.DataType -> numpy, for the element types that a pack's tensors may have.
ELEMENT_TYPES: dict[int, np.dtype] = {
    1: np.dtype("<f4"),
    2: np.dtype("u1"),
    3: np.dtype("i1"),
    4: np.dtype("<u2"),
    5: np.dtype("<i2"),
    6: np.dtype("<i4"),
    7: np.dtype("<i8"),
    9: np.dtype("?"),
    10: np.dtype("<f2"),
    11: np.dtype("<f8"),
    12: np.dtype("<u4"),
    13: np.dtype("<u8"),
}
FLOAT32 = 1


class Cursor:
    """A position in a buffer that never moves past its end."""

    def __init__(self, data: bytes | memoryview, origin: str) -> None:
        self.data, self.origin, self.at = memoryview(data), origin, 0

    def fail(self, what: str) -> CorruptArtifact:
        """Return the error that names the file, what is wrong in it and the remedy."""
        return CorruptArtifact(f"{self.origin}: {what}; copy or make the file again")

    def take(self, size: int) -> memoryview:
        """Return the next `size` bytes; CorruptArtifact where fewer are left."""
        if size > len(self.data) - self.at:
            left = len(self.data) - self.at
            raise self.fail(
                f"{size} bytes are declared at byte {self.at} of the body, {left} are left"
            )
        self.at += size
        return self.data[self.at - size : self.at]

    def u8(self) -> int:
        """Return the next byte."""
        return self.take(1)[0]

    def uvarint(self) -> int:
        """Return the next base-128 varint."""
        value = shift = 0
        while True:
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            shift += 7
            if value >= 1 << 64 or (byte >= 0x80 and shift > 63):
                raise self.fail(f"the integer before byte {self.at} of the body exceeds 64 bits")
            if byte < 0x80:
                return value

    def array(self, dtype: np.dtype, count: int) -> np.ndarray:
        """Return the next `count` elements as a read-only array that shares the buffer."""
        return np.frombuffer(self.take(count * dtype.itemsize), dtype=dtype)


def _decode_raw(cursor: Cursor, elem_type: int, shape: tuple[int, ...]) -> np.ndarray:
    dtype = ELEMENT_TYPES[elem_type]
    values = cursor.array(dtype, math.prod(shape))
    if dtype.kind == "b" and values.view(np.uint8).max(initial=0) > 1:
        raise cursor.fail("a truth value is neither 0 nor 1")
    return values.reshape(shape)


def _decode_float16(cursor: Cursor, elem_type: int, shape: tuple[int, ...]) -> np.ndarray:
    _require_float32(cursor, elem_type, "float16")
    half = cursor.array(np.dtype("<f2"), math.prod(shape))
    return half.astype(np.float32).reshape(shape)


def _decode_affine(cursor: Cursor, elem_type: int, shape: tuple[int, ...]) -> np.ndarray:
    _require_float32(cursor, elem_type, "affine")
    bits, layout = cursor.u8(), cursor.u8()
    if bits not in (4, 8, 16) or layout & ~(PER_COLUMN | EXPONENTS) or not shape:
        raise cursor.fail(f"affine tensor of {bits} bits, layout {layout}, shape {shape}")
    count, columns = math.prod(shape), shape[-1] if layout & PER_COLUMN else 1
    unsigned = np.dtype("<u2") if bits == 16 else np.dtype("u1")
    scale = cursor.array(np.dtype("<f4"), columns)
    zero = cursor.array(unsigned, columns)
    exponent = cursor.array(np.dtype("i1"), shape[0]) if layout & EXPONENTS else None
    if bits == 4:
        packed = cursor.array(unsigned, (count + 1) // 2)
        codes = np.stack([packed & 15, packed >> 4], axis=-1).ravel()[:count]
    else:
        codes = cursor.array(unsigned, count)
    return dequantize(codes.reshape(shape), scale, zero, exponent)


def _decode_companded(cursor: Cursor, elem_type: int, shape: tuple[int, ...]) -> np.ndarray:
    _require_float32(cursor, elem_type, "companded")
    axis = cursor.u8()
    if len(shape) != 2 or axis not in (0, 1):
        raise cursor.fail(f"companded tensor of shape {shape} along axis {axis}")
    single = np.dtype("<f4")
    spread, low, step = (cursor.array(single, shape[axis]) for _ in range(3))
    codes = cursor.array(np.dtype("u1"), math.prod(shape)).reshape(shape)
    return expand(codes, axis, spread, low, step)


def expand(
    codes: np.ndarray, axis: int, spread: np.ndarray, low: np.ndarray, step: np.ndarray
) -> np.ndarray:
    """Return the float32 matrix that companded codes stand for (formula in the docstring above).

    codes: uint8 [rows, columns]; spread, low, step: float32, one a row (axis 0) or column (1).
    """
    shape = (-1, 1) if axis == 0 else (1, -1)
    s, a, d = (v.astype(np.float64).reshape(shape) for v in (spread, low, step))
    # A hostile file may ask for more than float32 holds; that becomes an infinity.
    with np.errstate(over="ignore", invalid="ignore"):
        return (s * np.sinh(a + d * codes)).astype(np.float32)


def _decode_mantissa(cursor: Cursor, elem_type: int, shape: tuple[int, ...]) -> np.ndarray:
    _require_float32(cursor, elem_type, "mantissa")
    if len(shape) != 2 or shape[1] != 1:
        raise cursor.fail(f"mantissa tensor of shape {shape}, it has one column")
    rows = shape[0]
    exponent = cursor.array(np.dtype("i1"), rows)
    signs = cursor.array(np.dtype("u1"), (rows + 7) // 8)
    magnitude = 256 + cursor.array(np.dtype("u1"), rows).astype(np.int64)
    negative = np.unpackbits(signs, count=rows, bitorder="little").astype(bool)
    codes = np.where(negative, -magnitude, magnitude)
    return scale_mantissas(np.where(exponent == -128, 0, codes)[:, None], exponent)


def scale_mantissas(codes: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """Return `codes · 2**(exponent − 8)` as float32 [rows, 1]: exact within float32's range.

    codes: integers [rows, 1], 0 or ±256 … ±511; exponent: int8 [rows].
    """
    # The largest exponent, 127, still gives at most 511 · 2**119: no overflow.
    return np.ldexp(codes.astype(np.float64), exponent.astype(int)[:, None] - 8).astype(np.float32)


def dequantize(
    codes: np.ndarray, scale: np.ndarray, zero: np.ndarray, exponent: np.ndarray | None
) -> np.ndarray:
    """Return the float32 tensor that affine codes stand for (formula in the module's docstring).

    codes: unsigned integers, any shape of rank ≥ 1; scale: float32 [1] or [columns]; zero: the
    same shape, unsigned; exponent: int8 [rows] or None. The product with the scale is rounded
    once to float32; the power of two is exact save where the result leaves float32's range.
    """
    with np.errstate(all="ignore"):  # a hostile scale must not make numpy write to stderr
        values = (codes.astype(np.float32) - zero.astype(np.float32)) * scale.astype(np.float32)
        if exponent is not None:
            per_row = exponent.astype(np.int32).reshape(-1, *[1] * (codes.ndim - 1))
            values = np.ldexp(values, per_row)
    return values.astype(np.float32, copy=False)


def _require_float32(cursor: Cursor, elem_type: int, encoding: str) -> None:
    if elem_type != FLOAT32:
        raise cursor.fail(f"{encoding} encoding on element type {elem_type}, only float32 has it")


DECODERS: dict[int, Callable[[Cursor, int, tuple[int, ...]], Any]] = {
    RAW: _decode_raw,
    FLOAT16: _decode_float16,
    AFFINE: _decode_affine,
    COMPANDED: _decode_companded,
    MANTISSA: _decode_mantissa,
}
NAMES = {
    RAW: "raw",
    FLOAT16: "float16",
    AFFINE: "affine",
    COMPANDED: "companded",
    MANTISSA: "mantissa",
}
