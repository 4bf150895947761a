"""Node attributes in protobuf's wire format, written from numpy arrays with packed integers.

onnx.proto leaves lists of integers unpacked (a tag a number) and Python fills them one by one;
readers accept both forms, so that packing costs nothing but this module. Field numbers are those of
onnx.proto.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.runtime.wire import bytes_field, varint, varint_field

NODE_ATTRIBUTE = 5
NAME, FLOAT, INT, TEXT, TENSOR, FLOATS, INTS, TEXTS, TYPE = 1, 2, 3, 4, 5, 7, 8, 9, 20
# AttributeProto.AttributeType
TYPES = {INT: 2, TEXT: 3, TENSOR: 4, FLOATS: 6, INTS: 7, TEXTS: 8}


def _attribute(name: str, field: int, content: bytes) -> bytes:
    kind = varint_field(TYPE, TYPES[field])
    return bytes_field(NODE_ATTRIBUTE, bytes_field(NAME, name.encode()) + kind + content)


def integer(name: str, value: int) -> bytes:
    """Return an integer attribute (value >= 0)."""
    return _attribute(name, INT, varint_field(INT, value))


def text(name: str, value: str) -> bytes:
    """Return a string attribute."""
    return _attribute(name, TEXT, bytes_field(TEXT, value.encode()))


def integers(name: str, values: np.ndarray) -> bytes:
    """Return a list of integers >= 0, packed."""
    return _attribute(name, INTS, bytes_field(INTS, packed(values)))


def quick_integers(name: str, values: np.ndarray) -> bytes:
    """Return a list of integers >= 0 as `integers` does, faster and longer: all of one length.

    A varint may end in groups of zeros. For graphs that are opened and not kept.
    """
    length = max(1, -(-int(values.max(initial=0)).bit_length() // 7))
    whole = values.astype(np.uint64)
    groups = np.empty((len(whole), length), dtype=np.uint8)
    for k in range(length):
        np.bitwise_or(whole >> np.uint64(7 * k), 0x80, out=groups[:, k], casting="unsafe")
    groups[:, -1] &= 0x7F
    return _attribute(name, INTS, bytes_field(INTS, groups.tobytes()))


def floats(name: str, values: np.ndarray) -> bytes:
    """Return a list of float32, packed."""
    raw = np.ascontiguousarray(values, dtype="<f4").tobytes()
    return _attribute(name, FLOATS, bytes_field(FLOATS, raw))


def choices(name: str, texts: Sequence[str], which: np.ndarray) -> bytes:
    """Return a list of strings, `texts[i]` for each i of `which`."""
    fields = [bytes_field(TEXTS, t.encode()) for t in texts]
    return _attribute(name, TEXTS, b"".join([fields[i] for i in which.tolist()]))


def tensor(name: str, values: np.ndarray) -> bytes:
    """Return a tensor attribute [n]; float32, float64 or uint8."""
    # TensorProto: dims 1, data_type 2, raw_data 9; TensorProto.DataType's numbers.
    kind = {"float32": 1, "float64": 11, "uint8": 2}[values.dtype.name]
    raw = values.astype(values.dtype.newbyteorder("<")).tobytes()
    content = bytes_field(1, varint(len(values))) + varint_field(2, kind) + bytes_field(9, raw)
    return _attribute(name, TENSOR, bytes_field(TENSOR, content))


def packed(values: np.ndarray) -> bytes:
    """Return integers >= 0 as base-128 varints one after the other."""
    values = np.asarray(values)
    largest = int(values.max(initial=0))
    if largest < 1 << 7:
        return values.astype(np.uint8).tobytes()
    length = -(-largest.bit_length() // 7)
    values = values.astype(np.uint32 if largest < 1 << 32 else np.uint64)
    digits = np.empty((len(values), length), dtype=np.uint8)
    written = np.empty((len(values), length), dtype=bool)
    rest = values
    for k in range(length):
        written[:, k] = rest != 0
        digits[:, k] = rest
        rest = rest >> 7
    written[:, 0] = True
    digits |= 0x80
    # The last digit of each value has no continuation bit.
    last = written.copy()
    last[:, :-1] &= ~written[:, 1:]
    digits[last] &= 0x7F
    return digits[written].tobytes()
