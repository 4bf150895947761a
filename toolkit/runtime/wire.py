"""Just enough of the protobuf wire format to write ONNX initializers and to look into a model.

Source: https://protobuf.dev/programming-guides/encoding/ and the field numbers of onnx.proto3.
Messages concatenate: a serialized model followed by a serialized `ModelProto` that holds nothing
but `graph { initializer … }` parses as the merge of the two, which is how a pack is completed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

# The fields of ModelProto, GraphProto, … that are used here.
MODEL_IR_VERSION, MODEL_GRAPH, MODEL_OPSET_IMPORT = 1, 7, 8
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT = 1, 5, 11, 12
NODE_INPUT, NODE_OUTPUT, NODE_NAME, NODE_OP_TYPE, NODE_ATTRIBUTE, NODE_DOMAIN = 1, 2, 3, 4, 5, 7
ATTRIBUTE_INT, ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS = 3, 6, 11
TENSOR_DIMS, TENSOR_DATA_TYPE, TENSOR_NAME, TENSOR_RAW_DATA = 1, 2, 8, 9
VALUE_NAME, VALUE_TYPE, TYPE_TENSOR, TYPE_ELEMENT = 1, 2, 1, 1
OPSET_DOMAIN, OPSET_VERSION = 1, 2

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Field = int | bytes | memoryview  # a field's value: an integer, or the bytes of anything else


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
            domain, version = opset(value)
            opsets[domain] = version
        elif number == MODEL_GRAPH:
            for inner, node in fields(message(value)):
                if inner == GRAPH_NODE:
                    types = [v for n, v in fields(message(node)) if n == NODE_OP_TYPE]
                    name = text(types[-1] if types else b"")
                    operators[name] = operators.get(name, 0) + 1
    return {"opsets": opsets, "operators": operators}


def opset(value: Field) -> tuple[str, int]:
    """Return the domain and the version of an OperatorSetIdProto."""
    entry = dict(fields(message(value)))
    return text(entry.get(OPSET_DOMAIN, b"")), integer(entry.get(OPSET_VERSION, 0))


def tensor_type(value: Field) -> tuple[str, int]:
    """Return the name and the element type of a TensorProto."""
    entry = dict(fields(message(value)))
    return text(entry.get(TENSOR_NAME, b"")), integer(entry.get(TENSOR_DATA_TYPE, 0))


def value_type(value: Field) -> tuple[str, int]:
    """Return the name and the element type of a ValueInfoProto, 0 where it is no tensor's."""
    entry = dict(fields(message(value)))
    kind = dict(fields(message(entry.get(VALUE_TYPE, b""))))
    tensor = dict(fields(message(kind.get(TYPE_TENSOR, b""))))
    return text(entry.get(VALUE_NAME, b"")), integer(tensor.get(TYPE_ELEMENT, 0))


def message(value: Field) -> bytes | memoryview:
    """Return a field's bytes; ValueError where it is an integer."""
    if isinstance(value, int):
        raise ValueError("an integer stands where a message is expected")
    return value


def text(value: Field) -> str:
    """Return a field's text; ValueError where it is an integer or no UTF-8."""
    return bytes(message(value)).decode()


def integer(value: Field) -> int:
    """Return a field's integer; ValueError where it is a message."""
    if not isinstance(value, int):
        raise ValueError("a message stands where an integer is expected")
    return value
