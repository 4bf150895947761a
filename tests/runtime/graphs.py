"""Small graphs and packs made by hand, without the exporter."""

from __future__ import annotations

import zlib

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from toolkit.runtime import pack, wire
from toolkit.runtime.pack.dictionary import DICTIONARY

ROWS = np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 0.5]], dtype=np.float32)


def model_of(nodes, initializers, inputs=None, outputs=None, metadata=None) -> ModelProto:
    """A model; inputs, outputs: (name, element type, shape), by default float X [N, 3] -> Y."""
    inputs = inputs or [("X", TensorProto.FLOAT, [None, 3])]
    outputs = outputs or [("Y", TensorProto.FLOAT, [None, 3])]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(*i) for i in inputs],
        [helper.make_tensor_value_info(*o) for o in outputs],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in initializers.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, metadata or {})
    return model


def linear(**metadata: str) -> ModelProto:
    """Y = X · W + b with W [3, 2]."""
    weights = np.array([[1.0, 2.0], [-3.0, 4.0], [0.5, -6.0]], dtype=np.float32)
    node = helper.make_node("Gemm", ["X", "W", "b"], ["Y"])
    return model_of(
        [node],
        {"W": weights, "b": np.array([1, -1], dtype=np.float32)},
        outputs=[("Y", TensorProto.FLOAT, [None, 2])],
        metadata=metadata,
    )


def identity(elem_type: int, **metadata: str) -> bytes:
    """A graph that gives its input of any type back."""
    node = helper.make_node("Identity", ["X"], ["Y"])
    shape = [None, 1]
    return model_of(
        [node], {}, [("X", elem_type, shape)], [("Y", elem_type, shape)], metadata
    ).SerializeToString()


def tensor(shape, elem_type=1, code=0, payload=b"", name=b"w") -> bytes:
    """A tensor as it lies in a pack's body."""
    sizes = [wire.varint(len(name)), name, wire.varint(elem_type), wire.varint(len(shape))]
    return b"".join([*sizes, *map(wire.varint, shape), bytes([code]), payload])


def body_of(*tensors: bytes, skeleton: bytes = b"", count: int | None = None) -> bytes:
    """A pack's body without ensembles; count: a number of tensors other than there are."""
    number = len(tensors) if count is None else count
    parts = [wire.varint(len(skeleton)), skeleton, wire.varint(number), *tensors, wire.varint(0)]
    return b"".join(parts)


def pack_of(
    body: bytes,
    compression: int = pack.STORED,
    length: int | None = None,
) -> bytes:
    """A pack with a fitting checksum; body: as it lies in the file, compressed already.

    length: the length that is declared, where that is not the body's own.
    """
    declared = wire.varint(len(body) if length is None else length)
    return sealed(pack.MAGIC + bytes([pack.VERSION, compression]) + bytes(4) + declared + body)


def sealed(content: bytes) -> bytes:
    """The same bytes with the checksum that fits them: what an attacker would send."""
    return content[:6] + pack.checksum(content).to_bytes(4, "little") + content[10:]


def deflated(body: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zdict=DICTIONARY)
    return stream.compress(body) + stream.flush()


def xz(body: bytes) -> bytes:
    import lzma

    filters = [{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": pack.LZMA_WINDOW}]
    return lzma.compress(body, lzma.FORMAT_RAW, filters=filters)
