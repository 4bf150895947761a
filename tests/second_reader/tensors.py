"""Tensors: a name, an element type, a shape, and numbers in one of the encodings."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass

from tests.second_reader.stream import Stream

Number = int | float | bool
FLOAT32, FLOAT64 = 1, 11
# Element type -> letter of the struct module.
LETTERS = {
    1: "f", 2: "B", 3: "b", 4: "H", 5: "h", 6: "i", 7: "q", 9: "?", 10: "e", 11: "d", 12: "I",
    13: "Q",
}  # fmt: skip


@dataclass
class Tensor:
    """The numbers lie row by row, the last axis running fastest."""

    name: str
    element_type: int
    shape: list[int]
    encoding: int
    numbers: list[Number]


def read_tensor(s: Stream) -> Tensor:
    """Return the tensor at the stream's position."""
    name, element_type = s.text(), s.varint()
    shape = [s.varint() for _ in range(s.varint())]
    encoding = s.byte()
    return Tensor(name, element_type, shape, encoding, ENCODINGS[encoding](s, element_type, shape))


def single(value: float) -> float:
    """Return the nearest float32."""
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def _raw(s: Stream, element_type: int, shape: list[int]) -> list[Number]:
    return s.many(LETTERS[element_type], math.prod(shape))


def _half(s: Stream, element_type: int, shape: list[int]) -> list[Number]:
    return s.many("e", math.prod(shape))


def _single(s: Stream, element_type: int, shape: list[int]) -> list[Number]:
    return s.many("f", math.prod(shape))


def _affine(s: Stream, element_type: int, shape: list[int]) -> list[Number]:
    bits, layout = s.byte(), s.byte()
    block = s.varint() if layout & 4 else shape[0]
    columns = shape[-1] if layout & 1 else 1
    blocks = -(-shape[0] // block) if layout & 4 else 1
    groups = blocks * columns
    scales = s.many("e" if layout & 16 else "f", groups)
    zeros = [1 << bits - 1] * groups if layout & 8 else s.many("H" if bits > 8 else "B", groups)
    exponents = s.many("b", shape[0]) if layout & 2 else [0] * shape[0]
    count = math.prod(shape)
    numbers: list[Number] = []
    for i, code in enumerate(s.codes(count, bits)):
        row, column = i // (count // shape[0]), i % shape[-1]
        group = (row // block if layout & 4 else 0) * columns + (column if layout & 1 else 0)
        value = (code - zeros[group]) * scales[group]
        if element_type == FLOAT32:
            value = single(single(value) * 2.0 ** exponents[row])
        else:
            value *= 2.0 ** exponents[row]
        numbers.append(value)
    return numbers


def _companded(s: Stream, element_type: int, shape: list[int]) -> list[Number]:
    layout = s.byte()
    bits = s.byte() if layout & 2 else 8
    by_column = layout & 1
    groups = shape[1] if by_column else shape[0]
    spreads, lows, steps = (s.many("f", groups) for _ in range(3))
    numbers: list[Number] = []
    for i, code in enumerate(s.codes(math.prod(shape), bits)):
        g = i % shape[1] if by_column else i // shape[1]
        numbers.append(single(spreads[g] * math.sinh(lows[g] + steps[g] * code)))
    return numbers


def _mantissa(s: Stream, element_type: int, shape: list[int]) -> list[Number]:
    rows = shape[0]
    exponents, minus, codes = s.many("b", rows), s.bits(rows), s.many("B", rows)
    return [
        0.0 if e == -128 else single((-1.0 if m else 1.0) * (256 + q) * 2.0 ** (e - 8))
        for e, m, q in zip(exponents, minus, codes, strict=True)
    ]


def _integers(s: Stream, element_type: int, shape: list[int]) -> list[Number]:
    bits = s.byte()
    (low,) = s.many("q", 1)
    return [low + code for code in s.codes(math.prod(shape), bits)]


ENCODINGS: dict[int, Callable[[Stream, int, list[int]], list[Number]]] = {
    0: _raw,
    1: _half,
    2: _affine,
    3: _companded,
    4: _mantissa,
    5: _single,
    6: _integers,
}
