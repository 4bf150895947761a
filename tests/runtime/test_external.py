"""A model must not make onnxruntime read other files."""

from __future__ import annotations

import os

import numpy as np
import onnx
import pytest
from onnx import SparseTensorProto, TensorProto, helper

from tests.runtime.graphs import body_of, linear, model_of, pack_of
from toolkit.errors import CorruptArtifact
from toolkit.runtime import wire
from toolkit.runtime.external import external_file
from toolkit.runtime.loading import load
from toolkit.runtime.ort import onnxruntime
from toolkit.runtime.session import open_session

SECRET = np.array([7.0, 8.0, 9.0], dtype=np.float32)
FILE = "secret.bin"


def elsewhere(path=FILE, name="w") -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[3])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", path), ("offset", "0"), ("length", "12")):
        tensor.external_data.add(key=key, value=value)
    return tensor


def sparse(path=FILE) -> SparseTensorProto:
    indices = helper.make_tensor("", TensorProto.INT64, [3], [0, 1, 2])
    return SparseTensorProto(values=elsewhere(path), indices=indices, dims=[3])


def adding(*nodes, **initializers) -> onnx.ModelProto:
    """Y = X + w, where w comes from the nodes."""
    return model_of([*nodes, helper.make_node("Add", ["X", "w"], ["Y"])], initializers)


def as_initializer(path):
    model = adding()
    model.graph.initializer.append(elsewhere(path))
    return model


def as_sparse_initializer(path):
    model = adding()
    model.graph.sparse_initializer.append(sparse(path))
    return model


def as_constant(path):
    return adding(helper.make_node("Constant", [], ["w"], value=elsewhere(path)))


def as_sparse_constant(path):
    return adding(helper.make_node("Constant", [], ["w"], sparse_value=sparse(path)))


def in_subgraph(path):
    def branch(name, tensor):
        node = helper.make_node("Identity", [tensor.name], [name])
        value = helper.make_tensor_value_info(name, TensorProto.FLOAT, [3])
        return helper.make_graph([node], name, [], [value], [tensor])

    here = helper.make_tensor("here", TensorProto.FLOAT, [3], [0.0, 0.0, 0.0])
    node = helper.make_node(
        "If",
        ["yes"],
        ["w"],
        then_branch=branch("then", elsewhere(path, "there")),
        else_branch=branch("else", here),
    )
    return adding(node, yes=np.array(True))


def in_function(path):
    constant = helper.make_node("Constant", [], ["w"], value=elsewhere(path))
    model = adding(helper.make_node("F", [], ["w"], domain="own"))
    opsets = [helper.make_opsetid("", 18)]
    model.functions.append(helper.make_function("own", "F", [], ["w"], [constant], opsets))
    model.opset_import.append(helper.make_opsetid("own", 1))
    return model


def in_training(path):
    model = linear()
    model.training_info.add().algorithm.initializer.append(elsewhere(path))
    return model


WAYS = [
    as_initializer,
    as_sparse_initializer,
    as_constant,
    as_sparse_constant,
    in_subgraph,
    in_function,
    in_training,
]
by_name = pytest.mark.parametrize("way", WAYS, ids=lambda f: f.__name__)


@pytest.fixture
def secret(tmp_path, monkeypatch):
    """A file beside the process, which a model must not get at."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / FILE).write_bytes(SECRET.tobytes())
    return tmp_path / FILE


def test_onnxruntime_would_read_it(secret):
    """The reason for the check; where this fails, onnxruntime has become safe by itself."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    read = []
    for way in (as_sparse_initializer, in_subgraph):
        session = onnxruntime.InferenceSession(
            way(FILE).SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        read.append(session.run(None, {"X": np.zeros((1, 3), np.float32)})[0][0])
    np.testing.assert_array_equal(read, [SECRET, SECRET])


@by_name
@pytest.mark.parametrize("relative", [True, False], ids=["relative", "absolute"])
def test_refused_as_a_graph(secret, way, relative):
    path = FILE if relative else str(secret)
    (secret.parent / "m.onnx").write_bytes(way(path).SerializeToString())
    with pytest.raises(CorruptArtifact, match=r"m\.onnx: names another file, '.*secret\.bin'"):
        load("m.onnx")


@by_name
def test_refused_as_the_skeleton_of_a_pack(secret, way):
    skeleton = way(FILE).SerializeToString()
    (secret.parent / "m.pack").write_bytes(pack_of(body_of(skeleton=skeleton)))
    with pytest.raises(CorruptArtifact, match="names another file"):
        load("m.pack")


def test_refused_where_the_tensor_is_written_in_two_parts():
    """Protobuf merges them: the first says that the data is elsewhere, the second says where."""
    whole = elsewhere()
    second = onnx.AttributeProto(t=TensorProto(external_data=whole.external_data))
    del whole.external_data[:]
    first = helper.make_attribute("value", whole)
    both = first.SerializeToString() + second.SerializeToString()
    node = onnx.NodeProto(op_type="Constant", output=["w"]).SerializeToString()
    node += wire.bytes_field(5, both)
    graph = wire.bytes_field(wire.GRAPH_NODE, node)
    model = adding().SerializeToString() + wire.bytes_field(wire.MODEL_GRAPH, graph)
    merged = onnx.ModelProto.FromString(model).graph.node[1].attribute[0].t
    assert merged.data_location == TensorProto.EXTERNAL
    assert external_file(model) == FILE


def test_a_huge_key_does_not_hide_it():
    """A key cut to 32 bits is field 13 for protobuf: whatever we cannot read alike is refused."""
    entry = onnx.StringStringEntryProto(key="location", value=FILE).SerializeToString()
    hidden = wire.varint(1 << 32 | 13 << 3 | 2) + wire.varint(len(entry)) + entry
    model = wire.bytes_field(7, wire.bytes_field(5, hidden))
    with pytest.raises(CorruptArtifact, match="field key"):
        open_session(model, "m.onnx")


def test_the_word_alone_is_no_offence(tmp_path):
    """A column, a node or a text constant may be called location."""
    node = helper.make_node("Identity", ["location"], ["Y"], name="location")
    texts = helper.make_node("Constant", [], ["t"], value_strings=[b"location"])
    model = model_of([texts, node], {}, [("location", TensorProto.FLOAT, [None, 3])])
    model.doc_string = "location"
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    rows = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(load(path).predict({"location": rows}), rows)


def test_onnxruntimes_own_format_is_refused(tmp_path):
    """Its bytes could name files in ways that the check does not know."""
    target = tmp_path / "m.ort"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = os.fspath(target)
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(linear().SerializeToString(), options)
    with pytest.raises(CorruptArtifact, match="cannot open it"):
        open_session(target.read_bytes(), "m.onnx")
