"""Just enough of the protobuf wire format to write ONNX initializers and to look into a model.

Source: https://protobuf.dev/programming-guides/encoding/ and the field numbers of onnx.proto3.
Messages concatenate: a serialized model followed by a serialized `ModelProto` that holds nothing
but `graph { initializer … }` parses as the merge of the two, which is how a pack is completed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

# ModelProto, GraphProto, NodeProto, TensorProto, OperatorSetIdProto: the fields used here.
MODEL_OPSET_IMPORT = 8
MODEL_GRAPH = 7
GRAPH_NODE = 1
GRAPH_INITIALIZER = 5
NODE_OP_TYPE = 4
TENSOR_DIMS, TENSOR_DATA_TYPE, TENSOR_NAME, TENSOR_RAW_DATA = 1, 2, 8, 9
OPSET_DOMAIN, OPSET_VERSION = 1, 2
NODE_INPUT, NODE_OUTPUT, NODE_DOMAIN = 1, 2, 7

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def varint(value: int) -> bytes:
    """Return an unsigned integer (0 ≤ value < 2**64) as a base-128 varint; else ValueError."""
    if not 0 <= value < 1 << 64:
        raise ValueError(f"{value} is no unsigned integer of 64 bits")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def bytes_field(number: int, content: bytes) -> bytes:
    """Return a length-delimited field: a string, raw bytes, a packed list or a sub-message."""
    return head(number, len(content)) + content


def head(number: int, length: int) -> bytes:
    """Return what stands before the content of a length-delimited field."""
    return varint(number << 3 | BYTES) + varint(length)


def varint_field(number: int, value: int) -> bytes:
    """Return an integer field."""
    return varint(number << 3 | VARINT) + varint(value)


def tensor(name: str, elem_type: int, dims: Sequence[int], raw: bytes) -> bytes:
    """Return a serialized TensorProto whose `raw_data` holds little-endian elements."""
    return (
        bytes_field(TENSOR_DIMS, b"".join(varint(d) for d in dims))
        + varint_field(TENSOR_DATA_TYPE, elem_type)
        + bytes_field(TENSOR_NAME, name.encode())
        + bytes_field(TENSOR_RAW_DATA, raw)
    )


def initializers(tensors: Sequence[bytes]) -> bytes:
    """Return a serialized ModelProto that holds only these TensorProtos as graph initializers."""
    return bytes_field(MODEL_GRAPH, b"".join(bytes_field(GRAPH_INITIALIZER, t) for t in tensors))


def node(
    op_type: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    domain: str,
    attributes: Sequence[bytes],
) -> bytes:
    """Return a serialized NodeProto; attributes as `toolkit.runtime.attributes` writes them."""
    return b"".join(
        [
            *(bytes_field(NODE_INPUT, name.encode()) for name in inputs),
            *(bytes_field(NODE_OUTPUT, name.encode()) for name in outputs),
            bytes_field(NODE_OP_TYPE, op_type.encode()),
            *attributes,
            bytes_field(NODE_DOMAIN, domain.encode()),
        ]
    )


def nodes(serialized: Sequence[bytes]) -> bytes:
    """Return a serialized ModelProto that holds only these NodeProtos."""
    return bytes_field(MODEL_GRAPH, b"".join(bytes_field(GRAPH_NODE, n) for n in serialized))


def read_varint(data: bytes | memoryview, at: int) -> tuple[int, int]:
    """Return (value, position behind it); ValueError where the data ends or exceeds 64 bits."""
    value = shift = 0
    while True:
        if at >= len(data):
            raise ValueError(f"truncated integer at byte {at}")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >= 1 << 64:
                raise ValueError(f"integer of more than 64 bits before byte {at}")
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError(f"integer of more than 64 bits before byte {at}")


def fields(data: bytes | memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield (field number, value) of one message; ValueError where it is not well formed.

    Values of length-delimited fields are views without a copy; integers are unsigned.
    """
    view, at = memoryview(data), 0
    while at < len(view):
        key, at = read_varint(view, at)
        number, kind = key >> 3, key & 7
        # Another reader cuts a longer key to 32 bits, and would see another field than we do.
        if not number or key >= 1 << 32:
            raise ValueError(f"field key {key} before byte {at} is out of range")
        if kind == VARINT:
            value, at = read_varint(view, at)
            yield number, value
            continue
        if kind == BYTES:
            size, at = read_varint(view, at)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise ValueError(f"unknown wire type {kind} before byte {at}")
        if size > len(view) - at:
            raise ValueError(f"field {number} of {size} bytes runs past the end at byte {at}")
        yield number, view[at : at + size]
        at += size


def summary(model: bytes) -> dict:
    """Return {"opsets": {domain: version}, "operators": {op_type: count}} of a serialized model.

    Raises ValueError where a message in it is not well formed.
    """
    opsets: dict[str, int] = {}
    operators: dict[str, int] = {}
    for number, value in fields(model):
        if number == MODEL_OPSET_IMPORT:
            entry = dict(fields(_message(value)))
            domain = bytes(_message(entry.get(OPSET_DOMAIN, memoryview(b"")))).decode()
            opsets[domain] = _integer(entry.get(OPSET_VERSION, 0))
        elif number == MODEL_GRAPH:
            for inner, node in fields(_message(value)):
                if inner == GRAPH_NODE:
                    types = [v for n, v in fields(_message(node)) if n == NODE_OP_TYPE]
                    name = bytes(_message(types[-1] if types else memoryview(b""))).decode()
                    operators[name] = operators.get(name, 0) + 1
    return {"opsets": opsets, "operators": operators}


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("an integer stands where a message is expected")
    return value


def _integer(value: int | memoryview) -> int:
    if not isinstance(value, int):
        raise ValueError("a message stands where an integer is expected")
    return value
