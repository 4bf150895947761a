"""What onnxruntime would take without a bound, refused before a session is made.

A model's own functions are unfolded one into another, so that forty that call the one before twice
take all memory; and onnxruntime computes what depends on no input while it opens a model, however
large that is. What a graph computes from its rows cannot be told beforehand: see
`toolkit.runtime.bounds` for limits of the whole process.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from toolkit.errors import CorruptArtifact

LARGEST = 1 << 28  # elements of a tensor that a graph makes of a constant size: 1 GiB of float32

# Operators whose output's size is a value -> the inputs that hold it.
BY_SHAPE = {b"ConstantOfShape": 0, b"Expand": 1}
BY_REPEATS, BY_RANGE, BY_DEPTH = b"Tile", b"Range", b"OneHot"
BY_ATTRIBUTE = (b"RandomNormal", b"RandomUniform")
SIZED = (b"ConstantOfShape", b"Expand", b"Tile", b"Range", b"OneHot", *BY_ATTRIBUTE)
WITH_GRAPHS = (b"If", b"Loop", b"Scan")
SMALL = 1 << 15  # bytes that are searched sooner than they are looked into

# Field numbers of onnx.proto3.
FUNCTIONS, FUNCTIONS_KEY = 25, b"\xca\x01"
GRAPH, NODE, INITIALIZER = 7, 1, 5
INPUT, OUTPUT, OPERATOR, ATTRIBUTE = 1, 2, 4, 5
TENSOR, SUBGRAPH, INTS, SUBGRAPHS, ATTRIBUTE_NAME = 5, 6, 8, 11, 1
TYPE, INT32_DATA, INT64_DATA, TENSOR_NAME, RAW = 2, 5, 7, 8, 9
WIDTHS = {6: 4, 7: 8}  # TensorProto.DataType of int32 and int64 -> bytes
MOST_VALUES = 64  # values of a size; longer tensors hold none


def guard(model: bytes, origin: str) -> None:
    """Raise CorruptArtifact where a serialized model has functions, or a constant size too large.

    Raises ValueError where it is not well formed.
    """
    if FUNCTIONS_KEY in model:
        _refuse_functions(model, origin)
    # Most models have none of these operators: their parts are not looked at.
    searched = model if len(model) <= SMALL else _without_parameters(model)
    if any(name in searched for name in SIZED):
        _Sizes(origin).model(model)


def _without_parameters(model: bytes) -> bytes:
    """Return the nodes of a model, but the large ones only where they may hold such operators.

    To search ten megabytes of weights would take longer than to open them.
    """
    told = (*SIZED, *WITH_GRAPHS)
    nodes = _parts(_merged(model, GRAPH), NODE)
    return b"".join([n for n in nodes if len(n) <= SMALL or _text(n, OPERATOR) in told])


def _refuse_functions(model: bytes, origin: str) -> None:
    from toolkit.runtime.wire import fields

    if any(number == FUNCTIONS for number, _ in fields(model)):
        raise CorruptArtifact(
            f"{origin}: has functions of its own, which onnxruntime would unfold without a bound; "
            "unfold them with onnx.inliner.inline_local_functions"
        )


class _Sizes:
    """Looks for sizes in constants that are larger than `LARGEST`."""

    def __init__(self, origin: str) -> None:
        self.origin = origin

    def model(self, model: bytes) -> None:
        self.graph(_merged(model, GRAPH), {})

    def graph(self, graph: bytes | memoryview, outer: dict[bytes, list[int]]) -> None:
        """Check a graph's nodes; outer: the values of constants that are seen from around it."""
        known = dict(outer)
        for tensor in _parts(graph, INITIALIZER):
            known[_text(tensor, TENSOR_NAME)] = _integers(tensor)
        nodes = list(_parts(graph, NODE))
        for node in nodes:
            if _text(node, OPERATOR) == b"Constant":
                attributes = list(_parts(node, ATTRIBUTE))
                values = [v for a in attributes for v in _integers(_merged(a, TENSOR))]
                values += [v for a in attributes for v in _repeated(a, INTS)]
                known |= {bytes(output): values for output in _parts(node, OUTPUT)}
        for node in nodes:
            self.node(node, known)

    def node(self, node: memoryview, known: dict[bytes, list[int]]) -> None:
        operator, attributes = _text(node, OPERATOR), list(_parts(node, ATTRIBUTE))
        for attribute in attributes:
            self.graph(_merged(attribute, SUBGRAPH), known)
            for graph in _parts(attribute, SUBGRAPHS):
                self.graph(graph, known)
        if operator not in SIZED:
            return
        values = [known.get(bytes(name), []) for name in _parts(node, INPUT)]
        size = _size(operator, values, attributes)
        if size > LARGEST:
            raise CorruptArtifact(
                f"{self.origin}: its operator {operator.decode()} makes a tensor of {size:.3g} "
                f"elements, more than the {LARGEST} that are taken; it is no model of rows"
            )


def _size(operator: bytes, values: list[list[int]], attributes: list[memoryview]) -> float:
    """Return how many elements an operator surely makes, 0 where that cannot be told."""
    if operator in BY_SHAPE and len(values) > BY_SHAPE[operator]:
        return _product(values[BY_SHAPE[operator]])
    if operator == BY_REPEATS and len(values) > 1:
        return _product(values[1])
    if operator == BY_DEPTH and len(values) > 1:
        return _product(values[1][:1])
    if operator == BY_RANGE and len(values) > 2 and all(values[:3]):
        start, limit, step = (v[0] for v in values[:3])
        return (limit - start) / step if step else 0.0
    if operator in BY_ATTRIBUTE:
        shape = next((a for a in attributes if _text(a, ATTRIBUTE_NAME) == b"shape"), None)
        return _product(_repeated(shape, INTS)) if shape is not None else 0.0
    return 0.0


def _merged(message: bytes | memoryview, wanted: int) -> bytes | memoryview:
    """Return a message that may stand in several parts, which protobuf takes for one."""
    parts = list(_parts(message, wanted))
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _product(sizes: list[int]) -> float:
    return math.prod(float(abs(v)) for v in sizes) if sizes else 0.0


def _parts(message: bytes | memoryview, wanted: int) -> Iterator[memoryview]:
    from toolkit.runtime.wire import fields

    for number, value in fields(message):
        if number == wanted and not isinstance(value, int):
            yield value


def _text(message: bytes | memoryview, wanted: int) -> bytes:
    return bytes(next(iter(list(_parts(message, wanted))[-1:]), b""))


def _integers(tensor: bytes | memoryview) -> list[int]:
    """Return the values of a small tensor of int64 or int32, [] for any other."""
    raw, (kind, *_) = _text(tensor, RAW), [*_repeated(tensor, TYPE)[-1:], 0]
    width = WIDTHS.get(kind, 0)
    if not width or not raw:
        return [*_repeated(tensor, INT64_DATA), *_repeated(tensor, INT32_DATA)]
    cut = range(0, min(len(raw), MOST_VALUES * width), width)
    return [int.from_bytes(raw[k : k + width], "little", signed=True) for k in cut]


def _repeated(message: bytes | memoryview, wanted: int) -> list[int]:
    """Return the integers of a repeated field, packed or not."""
    from toolkit.runtime.wire import fields, read_varint

    values: list[int] = []
    for number, value in fields(message):
        if number != wanted:
            continue
        if len(values) >= MOST_VALUES:
            break
        if isinstance(value, int):
            values.append(value)
            continue
        at = 0
        while at < len(value) and len(values) < MOST_VALUES:
            one, at = read_varint(value, at)
            values.append(one)
    return [v - (1 << 64) if v >= 1 << 63 else v for v in values]
