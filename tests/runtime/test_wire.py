from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from tests.runtime.graphs import linear
from toolkit.runtime import wire
from toolkit.runtime.pack.encodings import ELEMENT_TYPES

QUICK = settings(max_examples=80)
UNSIGNED = st.integers(0, 2**64 - 1)


@QUICK
@given(UNSIGNED, st.binary(max_size=4))
def test_varint_round_trip(value, tail):
    written = wire.varint(value)
    assert wire.read_varint(written + tail, 0) == (value, len(written))


@pytest.mark.parametrize("value", [0, 127, 128, 2**64 - 1])
def test_varint_is_that_of_protobuf(value):
    entry = onnx.TensorProto(uint64_data=[value]).SerializeToString()
    assert entry.endswith(wire.varint(value))


@pytest.mark.parametrize("value", [-1, 2**64])
def test_varint_out_of_range(value):
    with pytest.raises(ValueError, match="64 bits"):
        wire.varint(value)


@pytest.mark.parametrize(
    "content", [b"", b"\x80", b"\xff" * 9, b"\xff" * 9 + b"\x02", b"\xff" * 11]
)
def test_varint_truncated_or_too_long(content):
    with pytest.raises(ValueError, match="integer"):
        wire.read_varint(content, 0)


@QUICK
@given(st.lists(st.tuples(st.integers(1, 2**29 - 1), UNSIGNED | st.binary(max_size=40))))
def test_fields_round_trip(entries):
    message = b"".join(
        wire.varint_field(n, v) if isinstance(v, int) else wire.bytes_field(n, v)
        for n, v in entries
    )
    read = [(n, v if isinstance(v, int) else bytes(v)) for n, v in wire.fields(message)]
    assert read == entries


@QUICK
@given(st.integers(1, 2**29 - 1), st.binary(min_size=1, max_size=40), st.data())
def test_fields_refuse_truncation(number, content, data):
    message = wire.bytes_field(number, content)
    cut = data.draw(st.integers(1, len(message) - 1))
    with pytest.raises(ValueError, match=r"truncated|past the end"):
        list(wire.fields(message[:cut]))


@pytest.mark.parametrize("kind", [3, 4, 6, 7], ids=["group", "end-group", "six", "seven"])
def test_fields_refuse_unknown_wire_types(kind):
    with pytest.raises(ValueError, match="wire type"):
        list(wire.fields(wire.varint(1 << 3 | kind) + b"\0"))


@pytest.mark.parametrize("key", [0, 1 << 32 | 13 << 3], ids=["zero", "beyond-32-bits"])
def test_fields_refuse_keys_that_others_read_otherwise(key):
    with pytest.raises(ValueError, match="field key"):
        list(wire.fields(wire.varint(key) + b"\0"))


@QUICK
@given(st.binary(max_size=60))
def test_fields_of_any_bytes_end_in_order_or_a_value_error(content):
    try:
        sizes = [0 if isinstance(v, int) else len(v) for _, v in wire.fields(content)]
    except ValueError:
        return
    assert sum(sizes) <= len(content)


@pytest.mark.parametrize("elem_type", ELEMENT_TYPES, ids=lambda t: ELEMENT_TYPES[t].name)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3)], ids=str)
def test_tensor_parses_with_onnx(elem_type, shape):
    values = np.arange(np.prod(shape)).reshape(shape).astype(ELEMENT_TYPES[elem_type])
    proto = onnx.TensorProto.FromString(wire.tensor("wäß", elem_type, shape, values.tobytes()))
    assert proto.name == "wäß"
    read = numpy_helper.to_array(proto)
    assert read.dtype == values.dtype
    np.testing.assert_array_equal(read, values)


def test_initializers_merge_into_a_model():
    whole, bare = linear(), linear()
    del bare.graph.initializer[:]
    protos = [t.SerializeToString() for t in whole.graph.initializer]
    merged = onnx.ModelProto.FromString(bare.SerializeToString() + wire.initializers(protos))
    assert merged == whole


def test_summary():
    assert wire.summary(linear().SerializeToString()) == {
        "opsets": {"": 18},
        "operators": {"Gemm": 1},
    }


@pytest.mark.parametrize(
    "model",
    [
        wire.varint_field(wire.MODEL_GRAPH, 1),
        wire.bytes_field(wire.MODEL_OPSET_IMPORT, wire.bytes_field(wire.OPSET_VERSION, b"x")),
        wire.bytes_field(wire.MODEL_OPSET_IMPORT, wire.bytes_field(wire.OPSET_DOMAIN, b"\xff")),
        wire.bytes_field(wire.MODEL_GRAPH, b"\x0a\x7f"),
    ],
    ids=["graph-is-integer", "version-is-bytes", "domain-is-no-text", "node-is-cut"],
)
def test_summary_of_damaged_models(model):
    with pytest.raises(ValueError, match=r"\w"):
        wire.summary(model)


def test_summary_of_a_node_without_a_type():
    node = wire.bytes_field(wire.GRAPH_NODE, b"")
    assert wire.summary(wire.bytes_field(wire.MODEL_GRAPH, node))["operators"] == {"": 1}
