from __future__ import annotations

import gc
import shutil
import weakref

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.runtime.graphs import ROWS, identity, linear, model_of
from toolkit.errors import CorruptArtifact, InvalidInput
from toolkit.runtime import load
from toolkit.runtime.loading import to_onnx
from toolkit.runtime.predictor import Predictor
from toolkit.runtime.schema import DTYPES


def saved(path, model: onnx.ModelProto | bytes):
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    return path


def test_a_foreign_graph(tmp_path):
    model = load(saved(tmp_path / "m.onnx", linear()))
    assert (model.task, model.outputs) == (None, ("Y",))
    assert model.predict(ROWS).tolist() == [[-2.5, -9.0], [4.25, -8.0]]
    with pytest.raises(InvalidInput, match=r"m\.onnx: has no probabilities, only Y"):
        model.predict_proba(ROWS)


@pytest.mark.parametrize(("task", "shape"), [("regressor", (2,)), ("transformer", (2, 1))])
def test_only_a_transformer_keeps_its_single_column(task, shape):
    metadata = {"toolkit.task": task, "toolkit.takes": "finite"}
    model = Predictor(identity(TensorProto.FLOAT, **metadata), "m")
    assert model.task == task
    assert model.predict([[1.0], [2.0]]).shape == shape
    with pytest.raises(InvalidInput, match="finite numbers only"):
        model.predict([[np.nan], [2.0]])


@pytest.mark.parametrize("elem_type", [TensorProto.FLOAT16, TensorProto.UINT32, TensorProto.INT8])
def test_inputs_of_other_types(elem_type):
    model = Predictor(identity(elem_type), "m")
    assert model.inputs[0].dtype in DTYPES.values()
    assert model.predict([[3], [4]]).tolist() == [3, 4]


def zipped() -> bytes:
    """What skl2onnx gives where nothing is said: probabilities as a list of dictionaries."""
    node = helper.make_node(
        "ZipMap", ["X"], ["Y"], domain="ai.onnx.ml", classlabels_strings=["a", "b", "c"]
    )
    model = model_of([node], {})
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 1))
    entry = helper.make_map_type_proto(
        TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, [])
    )
    model.graph.output[0].type.CopyFrom(helper.make_sequence_type_proto(entry))
    return model.SerializeToString()


def test_outputs_that_are_no_tensor():
    with pytest.raises(InvalidInput, match=r"gives 'Y' as seq\(map\(.*zipmap=False"):
        Predictor(zipped(), "m")


def test_inputs_that_toolkit_cannot_give():
    with pytest.raises(InvalidInput, match=r"takes the input 'X' of type tensor\(bfloat16\)"):
        Predictor(identity(TensorProto.BFLOAT16), "m")


def test_onnxruntime_refuses_the_rows():
    node = helper.make_node("Reshape", ["X", "shape"], ["Y"])
    model = model_of([node], {"shape": np.array([7, 1])}, outputs=[("Y", 1, [7, 1])])
    with pytest.raises(InvalidInput, match="m: onnxruntime cannot run these inputs") as caught:
        Predictor(model.SerializeToString(), "m").predict(ROWS)
    assert "\n" not in str(caught.value)


def test_inputs_of_other_lengths(classifier_bundle):
    with pytest.raises(InvalidInput, match="differ in their number of rows"):
        load(classifier_bundle).predict({"size": [1.0], "rooms": [1, 2], "city": ["Ulm"]})


def test_names_that_are_no_text(capfd):
    content = linear(note="abc").SerializeToString()
    damaged = content.replace(b"abc", b"\xffbc")
    with pytest.raises(CorruptArtifact, match="m: a name in it is no UTF-8 text"):
        Predictor(damaged, "m")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"no model", b"PK\3\4", linear().SerializeToString()[:-9]],
    ids=["empty", "zero", "text", "zip", "truncated"],
)
def test_no_model(tmp_path, content, capfd):
    path = saved(tmp_path / "m.onnx", content)
    with pytest.raises(CorruptArtifact, match=r"m\.onnx: onnxruntime .* cannot open it"):
        load(path)
    assert capfd.readouterr() == ("", "")


def test_every_flipped_byte_of_a_graph_opens_or_is_refused(capfd):
    """Alone, without a manifest, a graph has no checksum: only crashes can be ruled out."""
    content = linear(**{"toolkit.task": "regressor"}).SerializeToString()
    outcomes = set()
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 1 << at % 8
        try:
            Predictor(bytes(damaged), "m").run(ROWS)
            outcomes.add("ran")
        except (CorruptArtifact, InvalidInput) as error:
            outcomes.add(type(error).__name__)
    assert {"ran", "CorruptArtifact"} <= outcomes
    assert capfd.readouterr() == ("", "")


def test_a_file_in_a_bundle_is_held_against_its_hash(california):
    path = california / "model.onnx"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptArtifact, match=r"model\.onnx: its SHA-256"):
        load(california)
    alone = saved(california.parent / "copy.onnx", bytes(content))
    assert load(alone).inputs[0].width == 8


def test_a_pack_is_known_by_its_name_or_its_content(california_bundle, tmp_path):
    pack = california_bundle / "model.uint8-pack.pack"
    renamed = shutil.copy(pack, tmp_path / "model.bin")
    assert load(renamed).inputs == load(pack).inputs
    with pytest.raises(CorruptArtifact, match="is no pack"):
        to_onnx(linear().SerializeToString(), "m.pack")


def test_missing_files(tmp_path):
    with pytest.raises(InvalidInput, match="no such file"):
        load(tmp_path / "none.onnx")
    with pytest.raises(InvalidInput, match=r"holds no manifest\.json"):
        load(tmp_path)


@pytest.mark.parametrize("form", ["matrix", "mapping", "list"])
def test_one_input_in_every_form(california_bundle, form):
    model = load(california_bundle)
    rows = np.array([[8.3, 41.0, 7.0, 1.0, 322.0, 2.5, 37.9, -122.2]])
    X = {"matrix": rows, "mapping": {"X": rows}, "list": rows.tolist()}[form]
    assert model.predict(X) == pytest.approx(model.predict(rows.astype(np.float32)))


def test_columns_by_name(named_bundle):
    import pandas as pd

    model = load(named_bundle)
    frame = pd.DataFrame({"c": [3.0], "extra": ["x"], "a": [1.0], "b": [2.0]})
    assert model.predict(frame) == pytest.approx([321.0])
    assert model.predict([[1.0, 2.0, 3.0]]) == pytest.approx([321.0])


def test_no_rows(california_bundle, classifier_bundle):
    assert load(california_bundle).predict(np.empty((0, 8))).shape == (0,)
    found = load(classifier_bundle).predict_proba({"size": [], "rooms": [], "city": []})
    assert found.shape == (0, 2)


def test_no_rows_are_not_given_to_onnxruntime(classifier_bundle, monkeypatch):
    """Some of its versions divide by their number."""
    model = load(classifier_bundle)
    full = model.run({"size": [1.0], "rooms": [2.0], "city": ["x"]})
    monkeypatch.setattr(model, "_call", None)
    nothing = model.run({"size": [], "rooms": [], "city": []})
    for name, values in nothing.items():
        assert (values.shape[1:], values.dtype) == (full[name].shape[1:], full[name].dtype)
        assert len(values) == 0


def test_a_dropped_model_is_closed_at_once(california_bundle):
    """Not when Python next looks for cycles: a forest's session is large."""
    model = load(california_bundle)
    model.predict(np.zeros((1, 8), dtype=np.float32))
    gone = weakref.ref(model.session)
    gc.disable()
    try:
        del model
        assert gone() is None
    finally:
        gc.enable()
