"""How one tensor's numbers lie in a pack: the decoders, one a code, in a table.

Every decoder takes a cursor that stands at the tensor's own header and returns a numpy array.
It asks the cursor for exactly as many bytes as the shape demands *before* it makes an array, so
a hostile shape fails on the file's real length and takes no memory.

code  name       header                             payload, little-endian
0     raw        —                                  the elements in their own type
1     float16    —                                  IEEE half-precision values
2     affine     bits u8, layout u8, block uvarint  scales, zero points, exponents i8, codes
3     companded  layout u8, bits u8                 spreads f32, lows f32, steps f32, codes
4     mantissa   —                                  exponents i8, sign bits, mantissas u8
5     float32    —                                  IEEE single-precision values
6     integers   bits u8, low i64                   codes

Codes are unsigned integers of `bits` bits, 2 to 16, one behind the other in ⌈count · bits / 8⌉
bytes: code i takes the bits from i · bits on, where bit k of the stream is bit k mod 8 (1 the
lowest) of byte k div 8, and its own lowest bit comes first. So 8 bits are a byte each, 16 a
little-endian word, and of two 4-bit codes the first is in the low half. Spare bits are ignored.

Raw serves every element type. Float16, affine, companded and mantissa stand for a float32 or
float64 tensor, float32 for a float64 tensor: what is read is widened, which is exact.

Affine, of rank ≥ 1 (rows = first axis, columns = last axis):
`w[i, …, j] = (q[i, …, j] − z[g]) · s[g] · 2**e[i]`. Layout, by bits:
    0   each column has a scale and zero point of its own
    1   there is one exponent a row; else all are 0
    2   each `block` rows have scales and zero points of their own (the last block may be shorter);
        only then `block` (≥ 1) is in the header
    3   no zero points are stored, z is 2**(bits − 1)
    4   scales are float16; else float32
Scales and zero points lie block by block, within a block column by column; zero points take 1 byte
(2 where bits > 8). In a float32 tensor the product with the scale is rounded once to float32; in a
float64 tensor all is computed in float64, where it is exact. The power of two is exact in both
save where the result leaves the type's range.

Companded stands for a matrix whose groups g, rows or columns, have long tails:
`w = spread[g] · sinh(low[g] + step[g] · q)`, computed in float64 and rounded to float32 (for
float64 tensors too: libraries differ in sinh's last bit), with a spread, low and step a group.
Layout bit 0: a group a column, else a row. Bit 1: `bits` is in the header, else it is 8.

Mantissa stands for a matrix of one column: `w = ± (256 + q) · 2**(e − 8)` with an exponent, a sign
bit (1 is minus, the first in the lowest bit) and q in 0 … 255 a row; an exponent of −128 is 0.

Integers stands for a tensor of integers, `low + q`; all must fit the element type.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from toolkit.runtime.pack.cursor import Cursor

RAW, FLOAT16, AFFINE, COMPANDED, MANTISSA, SINGLE, INTEGERS = range(7)
WIDTHS = range(2, 17)  # bits a code
PER_COLUMN, EXPONENTS, BLOCKS, SYMMETRIC, SHORT_SCALES = 1, 2, 4, 8, 16  # affine layouts
LAYOUTS = PER_COLUMN | EXPONENTS | BLOCKS | SYMMETRIC | SHORT_SCALES
OTHER_WIDTH = 2  # companded layout
# Bits of those encodings that have one width: a mantissa's exponent, sign and magnitude.
FIXED_BITS = {FLOAT16: 16, SINGLE: 32, MANTISSA: 8 + 1 + 8}
CHUNK = 1 << 16  # codes that are unpacked at a time, a multiple of 8

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
FLOAT32, FLOAT64 = 1, 11
# The element types that each encoding of floating-point numbers may stand for.
FLOATS: dict[int, tuple[int, ...]] = {
    FLOAT16: (FLOAT32, FLOAT64),
    AFFINE: (FLOAT32, FLOAT64),
    COMPANDED: (FLOAT32, FLOAT64),
    MANTISSA: (FLOAT32, FLOAT64),
    SINGLE: (FLOAT64,),
}


def _decode_raw(cursor: Cursor, elem_type: int, shape: tuple[int, ...]) -> np.ndarray:
    dtype = ELEMENT_TYPES[elem_type]
    values = cursor.array(dtype, math.prod(shape))
    if dtype.kind == "b" and values.view(np.uint8).max(initial=0) > 1:
        raise cursor.fail("a truth value is neither 0 nor 1")
    return values.reshape(shape)


def _decode_float16(cursor: Cursor, elem_type: int, shape: tuple[int, ...]) -> np.ndarray:
    dtype = _float_type(cursor, elem_type, FLOAT16)
    return cursor.array(np.dtype("<f2"), math.prod(shape)).astype(dtype).reshape(shape)


def _decode_float32(cursor: Cursor, elem_type: int, shape: tuple[int, ...]) -> np.ndarray:
    dtype = _float_type(cursor, elem_type, SINGLE)
    return cursor.array(np.dtype("<f4"), math.prod(shape)).astype(dtype).reshape(shape)


def _decode_affine(cursor: Cursor, elem_type: int, shape: tuple[int, ...]) -> np.ndarray:
    dtype = _float_type(cursor, elem_type, AFFINE)
    bits, layout = cursor.u8(), cursor.u8()
    if bits not in WIDTHS or layout & ~LAYOUTS or not shape:
        raise cursor.fail(f"affine tensor of {bits} bits, layout {layout}, shape {shape}")
    block = cursor.uvarint() if layout & BLOCKS else 0
    if layout & BLOCKS and (not block or (layout & PER_COLUMN and len(shape) == 1)):
        raise cursor.fail(f"affine tensor of shape {shape}, layout {layout}, blocks of {block}")
    blocks = -(-shape[0] // block) if block else 1
    columns = shape[-1] if layout & PER_COLUMN else 1
    groups = (blocks, columns) if block else (columns,)
    count = blocks * columns
    unsigned = np.dtype("<u2") if bits > 8 else np.dtype("u1")
    scale = cursor.array(np.dtype("<f2" if layout & SHORT_SCALES else "<f4"), count)
    if layout & SYMMETRIC:
        zero = np.full(count, 1 << bits - 1, dtype=unsigned)
    else:
        zero = cursor.array(unsigned, count)
    exponent = cursor.array(np.dtype("i1"), shape[0]) if layout & EXPONENTS else None
    codes = read_codes(cursor, bits, math.prod(shape)).reshape(shape)
    return dequantize(
        codes, scale.reshape(groups), zero.reshape(groups), exponent, block=block, dtype=dtype
    )


def _decode_companded(cursor: Cursor, elem_type: int, shape: tuple[int, ...]) -> np.ndarray:
    dtype = _float_type(cursor, elem_type, COMPANDED)
    layout = cursor.u8()
    bits = cursor.u8() if layout & OTHER_WIDTH else 8
    if len(shape) != 2 or layout & ~(1 | OTHER_WIDTH) or bits not in WIDTHS:
        raise cursor.fail(f"companded tensor of shape {shape}, layout {layout}, {bits} bits")
    axis, single = layout & 1, np.dtype("<f4")
    spread, low, step = (cursor.array(single, shape[axis]) for _ in range(3))
    codes = read_codes(cursor, bits, math.prod(shape)).reshape(shape)
    return expand(codes, axis, spread, low, step).astype(dtype, copy=False)


def expand(
    codes: np.ndarray, axis: int, spread: np.ndarray, low: np.ndarray, step: np.ndarray
) -> np.ndarray:
    """Return the float32 matrix that companded codes stand for (formula in the docstring above).

    codes: unsigned [rows, columns]; spread, low, step: float32, one a row (axis 0) or column (1).
    """
    shape = (-1, 1) if axis == 0 else (1, -1)
    s, a, d = (v.astype(np.float64).reshape(shape) for v in (spread, low, step))
    # A hostile file may ask for more than float32 holds; that becomes an infinity.
    with np.errstate(over="ignore", invalid="ignore"):
        values = d * codes
        values += a
        np.sinh(values, out=values)
        values *= s
        return values.astype(np.float32)


def _decode_mantissa(cursor: Cursor, elem_type: int, shape: tuple[int, ...]) -> np.ndarray:
    dtype = _float_type(cursor, elem_type, MANTISSA)
    if len(shape) != 2 or shape[1] != 1:
        raise cursor.fail(f"mantissa tensor of shape {shape}, it has one column")
    rows = shape[0]
    exponent = cursor.array(np.dtype("i1"), rows)
    negative = cursor.bits(rows)
    magnitude = 256 + cursor.array(np.dtype("u1"), rows).astype(np.int64)
    codes = np.where(negative, -magnitude, magnitude)
    return scale_mantissas(np.where(exponent == -128, 0, codes)[:, None], exponent).astype(dtype)


def scale_mantissas(codes: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """Return `codes · 2**(exponent − 8)` as float32 [rows, 1]: exact within float32's range.

    codes: integers [rows, 1], 0 or ±256 … ±511; exponent: int8 [rows].
    """
    # The largest exponent, 127, still gives at most 511 · 2**119: no overflow.
    return np.ldexp(codes.astype(np.float64), exponent.astype(int)[:, None] - 8).astype(np.float32)


def _decode_integers(cursor: Cursor, elem_type: int, shape: tuple[int, ...]) -> np.ndarray:
    dtype = ELEMENT_TYPES[elem_type]
    if dtype.kind not in "iu":
        raise cursor.fail(f"integers encoding on element type {elem_type}, which is none")
    bits = cursor.u8()
    low = int(cursor.array(np.dtype("<i8"), 1)[0])
    if bits not in WIDTHS:
        raise cursor.fail(f"integers of {bits} bits")
    codes = read_codes(cursor, bits, math.prod(shape))
    ends = np.iinfo(dtype)
    if low < ends.min or low + int(codes.max(initial=0)) > ends.max:
        raise cursor.fail(f"integers from {low} on do not fit element type {elem_type}")
    values = codes.astype(dtype)
    values += np.array(low, dtype=dtype)
    return values.reshape(shape)


def dequantize(
    codes: np.ndarray,
    scale: np.ndarray,
    zero: np.ndarray,
    exponent: np.ndarray | None,
    *,
    block: int = 0,
    dtype: np.dtype = ELEMENT_TYPES[FLOAT32],
) -> np.ndarray:
    """Return the tensor of dtype that affine codes stand for (formula in the docstring above).

    codes: unsigned integers, any shape of rank ≥ 1; scale: float16 or float32 [1] or [columns], or
    [blocks, 1] or [blocks, columns] where a block of rows has its own; zero: the same shape,
    unsigned; exponent: int8 [rows] or None; dtype: float32 or float64.
    """
    with np.errstate(all="ignore"):  # a hostile scale must not make numpy write to stderr
        values = codes.astype(dtype)
        values -= spread_groups(zero, block, codes.shape).astype(dtype)
        values *= spread_groups(scale.astype(np.float32), block, codes.shape)
        if exponent is not None:
            per_row = exponent.astype(np.int32).reshape(-1, *[1] * (codes.ndim - 1))
            np.ldexp(values, per_row, out=values)
    return values


def spread_groups(groups: np.ndarray, block: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return numbers a group (shapes as in `dequantize`) so that they broadcast to `shape`."""
    if not block:
        return groups
    rows = np.repeat(groups, min(block, max(shape[0], 1)), axis=0)[: shape[0]]
    return rows.reshape(len(rows), *[1] * (len(shape) - 2), *groups.shape[1 : len(shape)])


def read_codes(cursor: Cursor, bits: int, count: int) -> np.ndarray:
    """Return the next `count` codes, unsigned [count]: uint8 up to 8 bits, else uint16."""
    if bits in (8, 16):
        return cursor.array(np.dtype("u1" if bits == 8 else "<u2"), count)
    stream = cursor.array(np.dtype("u1"), (count * bits + 7) // 8)
    codes = np.zeros(count, dtype=np.uint8 if bits < 8 else np.uint16)
    # Eight codes end on a whole byte: their bits are a table of `bits` columns.
    for start in range(0, count, CHUNK):
        part: np.ndarray = codes[start : start + CHUNK]
        flags = np.unpackbits(
            stream[start * bits // 8 :], count=len(part) * bits, bitorder="little"
        ).reshape(-1, bits)
        for bit in range(bits):
            np.bitwise_or(part, flags[:, bit].astype(codes.dtype) << bit, out=part)
    return codes


def bits_of(code: int, elem_type: int, header: bytes | memoryview) -> int:
    """Return how many bits a number of a tensor takes, scales and the like of its group aside.

    header: the encoding's, from its first byte on, at least two where the file is sound.
    """
    if code in (AFFINE, INTEGERS):
        return header[0] if len(header) else 0
    if code == COMPANDED:
        return header[1] if len(header) > 1 and header[0] & OTHER_WIDTH else 8
    return FIXED_BITS.get(code, 8 * ELEMENT_TYPES[elem_type].itemsize)


def _float_type(cursor: Cursor, elem_type: int, code: int) -> np.dtype:
    if elem_type not in FLOATS[code]:
        raise cursor.fail(f"{NAMES[code]} encoding on element type {elem_type}")
    return ELEMENT_TYPES[elem_type]


DECODERS: dict[int, Callable[[Cursor, int, tuple[int, ...]], Any]] = {
    RAW: _decode_raw,
    FLOAT16: _decode_float16,
    AFFINE: _decode_affine,
    COMPANDED: _decode_companded,
    MANTISSA: _decode_mantissa,
    SINGLE: _decode_float32,
    INTEGERS: _decode_integers,
}
NAMES = {
    RAW: "raw",
    FLOAT16: "float16",
    AFFINE: "affine",
    COMPANDED: "companded",
    MANTISSA: "mantissa",
    SINGLE: "float32",
    INTEGERS: "integers",
}
