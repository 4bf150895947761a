"""Tensors of the protocol, in JSON and as bytes, from and to numpy's arrays.

JSON knows no NaN: `null` stands for it both ways (and for a missing text). It knows no infinity
either: a number beyond its datatype's range is refused, and so is an answer with one. Bytes are
little-endian, row by row; a text is its length, uint32, and its UTF-8 bytes.
"""

from __future__ import annotations

import math
import struct
from itertools import chain
from typing import Any

import numpy as np

from toolkit.serve.refusal import Refused, bad

# numpy's names of types (`toolkit.runtime.schema`) -> the protocol's.
DATATYPES = {
    "bool": "BOOL",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
    "string": "BYTES",
}
TYPES = {theirs: ours for ours, theirs in DATATYPES.items()}
DIMENSIONS = 8  # at most, of which a model takes two
LENGTH = struct.Struct("<I")

# What JSON values a datatype's kind takes, as Python's types, and in words.
ELEMENTS: dict[str, tuple[frozenset[type], str]] = {
    "b": (frozenset({bool}), "true and false"),
    "i": (frozenset({int}), "whole numbers"),
    "u": (frozenset({int}), "whole numbers from 0"),
    "f": (frozenset({float, int, type(None)}), "numbers, and null for NaN"),
    "O": (frozenset({str, type(None)}), "texts, and null for a missing one"),
}


def dtype_of(name: str, datatype: Any) -> np.dtype:
    """Return the type of numpy for the protocol's; `object` for texts."""
    if not isinstance(datatype, str) or datatype not in TYPES:
        raise bad(f"{name}: datatype {datatype!r:.40} is none of {', '.join(TYPES)}")
    return np.dtype(object) if datatype == "BYTES" else np.dtype(TYPES[datatype])


def shape_of(name: str, shape: Any) -> tuple[int, ...]:
    """Return a shape that is one: whole numbers, each from 0 to what 63 bits hold."""
    whole = isinstance(shape, list) and all(type(size) is int for size in shape)
    if not whole or not 1 <= len(shape) <= DIMENSIONS or not all(0 <= s < 1 << 63 for s in shape):
        raise bad(f"{name}: shape {shape!r:.60} is no list of sizes; write [rows, columns]")
    return tuple(shape)


def from_json(name: str, datatype: str, shape: tuple[int, ...], data: Any) -> np.ndarray:
    """Return the array that a tensor's `data` holds, nested as its shape says or flat.

    Raises Refused (400) where the number of elements, the nesting, a type or a range does not fit.
    """
    dtype = dtype_of(name, datatype)
    flat = _flat(name, shape, data)
    known, words = ELEMENTS[dtype.kind]
    kinds = set(map(type, flat))
    if not kinds <= known:
        k, odd = next((k, v) for k, v in enumerate(flat) if type(v) not in known)
        raise bad(f"{name}: element {k} is {odd!r:.40}; {datatype} takes {words}")
    if dtype.kind == "O":
        array = np.empty(len(flat), dtype=object)
        array[:] = flat
    elif dtype.kind == "f":
        array = _floats(name, datatype, flat, missing=type(None) in kinds)
    else:
        try:
            array = np.array(flat, dtype=dtype)
        except OverflowError:
            raise bad(
                f"{name}: {_beyond(flat, dtype)} is beyond {datatype}; give another datatype"
            ) from None
    return _shaped(name, array, shape)


def _flat(name: str, shape: tuple[int, ...], data: Any) -> list[Any]:
    """Return the elements row by row."""
    if not isinstance(data, list):
        raise bad(f"{name}: data is {data!r:.40}, no list of elements")
    if data and type(data[0]) is list:
        if len(data) != shape[0]:
            raise bad(f"{name}: data has {len(data)} rows, shape {list(shape)} says {shape[0]}")
        for size in shape[1:]:
            odd = next((r for r in data if type(r) is not list or len(r) != size), None)
            if odd is not None:
                raise bad(f"{name}: data holds {odd!r:.40}, where shape {list(shape)} has {size}")
            data = list(chain.from_iterable(data))
    if len(data) != math.prod(shape):
        raise bad(
            f"{name}: data has {len(data)} elements, shape {list(shape)} says {math.prod(shape)}"
        )
    return data


def _floats(name: str, datatype: str, flat: list[Any], *, missing: bool) -> np.ndarray:
    values = [math.nan if v is None else v for v in flat] if missing else flat
    try:
        wide = np.array(values, dtype=np.float64)
    except OverflowError:  # a whole number
        wide = np.array([math.inf])
    with np.errstate(over="ignore"):
        array = wide.astype(TYPES[datatype])
    if np.isinf(array).any():
        k = int(np.isinf(array).argmax())
        raise bad(f"{name}: element {k} is beyond the range of {datatype}; correct it")
    return array


def _beyond(flat: list[int], dtype: np.dtype) -> int:
    range_ = np.iinfo(dtype)
    return next(v for v in flat if not range_.min <= v <= range_.max)


def from_bytes(name: str, datatype: str, shape: tuple[int, ...], content: memoryview) -> np.ndarray:
    """Return the array that a tensor's bytes hold; Refused (400) where they do not fit."""
    dtype = dtype_of(name, datatype)
    if dtype.kind == "O":
        texts = _texts(name, content)
        if len(texts) != math.prod(shape):
            raise bad(
                f"{name}: its bytes hold {len(texts)} texts, shape {list(shape)} says "
                f"{math.prod(shape)}"
            )
        array = np.empty(len(texts), dtype=object)
        array[:] = texts
        return _shaped(name, array, shape)
    size = math.prod(shape) * dtype.itemsize
    if len(content) != size:
        raise bad(
            f"{name}: has {len(content)} bytes, shape {list(shape)} of {datatype} takes {size}"
        )
    if dtype.kind == "b" and len(content) and max(content) > 1:
        raise bad(f"{name}: has a byte {max(content)}; BOOL takes 0 and 1")
    # Copied: they may begin at any address.
    return _shaped(name, np.frombuffer(content, dtype.newbyteorder("<")).astype(dtype), shape)


def _texts(name: str, content: memoryview) -> list[str]:
    texts: list[str] = []
    at = 0
    while at < len(content):
        begin = at + LENGTH.size
        if begin > len(content):
            raise bad(f"{name}: its bytes end within the length of text {len(texts)}")
        at = begin + LENGTH.unpack_from(content, begin - LENGTH.size)[0]
        if at > len(content):
            raise bad(f"{name}: its bytes end within text {len(texts)}")
        try:
            texts.append(str(content[begin:at], "utf-8"))
        except UnicodeDecodeError:
            raise bad(f"{name}: text {len(texts)} is no UTF-8") from None
    return texts


def _shaped(name: str, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    try:
        return array.reshape(shape)
    except ValueError:  # of no elements, and yet too large
        raise bad(f"{name}: shape {list(shape)} is too large; write [rows, columns]") from None


def to_json(name: str, array: np.ndarray) -> list[Any]:
    """Return the elements row by row, as JSON holds them; Refused (422) for an infinity."""
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return array.ravel().tolist()
    flat = array.ravel()
    if np.isinf(flat).any():
        k = int(np.isinf(flat).argmax())
        row = k // (array.size // len(array))
        raise Refused(
            422,
            f"{name} is {flat[k]} in row {row}, which JSON cannot hold; ask for binary data",
        )
    return [None if v != v else v for v in flat.tolist()]


def to_bytes(array: np.ndarray) -> bytes:
    """Return the elements as bytes."""
    if array.dtype.kind != "O":
        return array.astype(array.dtype.newbyteorder("<")).tobytes()
    texts = [str(v).encode() for v in array.ravel().tolist()]
    return b"".join(LENGTH.pack(len(text)) + text for text in texts)
