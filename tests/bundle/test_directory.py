from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelBinarizer

from toolkit.bundle import (
    FAILED,
    NOT_APPLICABLE,
    OK,
    Variant,
    open_bundle,
    to_npz,
    with_reports,
    with_variants,
    write_files,
)
from toolkit.errors import CorruptArtifact, InvalidInput, ToolkitError, ToolkitWarning
from toolkit.estimators.frames import COLUMNS, LABELS, TEXTS, VECTOR, to_frame
from toolkit.exporter import export
from toolkit.quantizer import quantize
from toolkit.runtime.files import sha256
from toolkit.runtime.npz import read_npz

CONTENT = b"\x08\x0a"  # a model that says the version of its format and nothing else


def edit(folder, change):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_open(california_bundle):
    bundle = open_bundle(california_bundle)
    assert (bundle.name, bundle.task) == ("california-linear", "regressor")
    assert bundle.variants[0].method == "float32"
    assert {v.status for v in bundle.variants} <= {OK, FAILED, NOT_APPLICABLE}
    assert bundle.model_path.is_file()
    rows = bundle.evaluation()
    assert len(rows) == len(rows.target) == len(rows.outputs["variable"])
    assert len(bundle.calibration()) == 1024
    assert len(bundle.golden().adversarial) > 0


def test_the_estimator_gives_the_recorded_outputs(california_bundle):
    bundle = open_bundle(california_bundle)
    rows = bundle.evaluation()
    got = bundle.estimator().predict(bundle.estimator_input(rows.inputs))
    np.testing.assert_array_equal(got, rows.outputs["variable"].ravel())


def test_the_estimator_of_a_table(classifier_bundle):
    bundle = open_bundle(classifier_bundle)
    rows = bundle.evaluation()
    got = bundle.estimator().predict_proba(bundle.estimator_input(rows.inputs))
    np.testing.assert_array_equal(got, rows.outputs["probabilities"])


NUMBERS = np.linspace(-2.0, 2.0, 120)
WORDS = ["red fish" if n % 3 else "blue fish swims" for n in range(120)]
OTHER_FORMS = {
    VECTOR: (IsotonicRegression(out_of_bounds="clip"), NUMBERS, NUMBERS**3),
    TEXTS: (make_pipeline(CountVectorizer(), Ridge()), WORDS, NUMBERS),
    LABELS: (LabelBinarizer(), np.arange(120) % 5, None),
}


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_rows_that_are_no_matrix_go_the_whole_road(form, tmp_path):
    estimator, X, y = OTHER_FORMS[form]
    estimator.fit(X) if y is None else estimator.fit(X, y)
    export(estimator, X, y, name="other", out=tmp_path / "other")
    (made,) = quantize(tmp_path / "other", ["float32-pack"])
    assert made.status == OK
    bundle = open_bundle(tmp_path / "other")
    assert bundle.manifest["estimator"]["input"] == form
    rows = bundle.evaluation()
    answer = estimator.transform if y is None else estimator.predict
    (expected,) = rows.outputs.values()
    got = np.asarray(answer(bundle.estimator_input(rows.inputs)))
    np.testing.assert_array_equal(got.reshape(expected.shape), expected)


@pytest.mark.parametrize(
    ("mark", "expected"), [("none", None), ("nan", np.nan), (None, None)], ids=str
)
def test_missing_text_comes_back_as_it_was(mark, expected):
    spec = {"name": "city", "dtype": "string", "columns": None, "missing": mark}
    inputs = {"city": np.array([["Ulm"], [""]], dtype=object)}
    found = to_frame(inputs, COLUMNS, [spec])["city"]
    assert found.dtype == object
    assert found[0] == "Ulm"
    assert found[1] is None if expected is None else np.isnan(found[1])


def test_npz_is_the_same_for_the_same_arrays():
    arrays = {"a": np.arange(3.0), "t": np.array(["x", "yz"], dtype=object)}
    content = to_npz(arrays)
    assert content == to_npz(arrays)
    found = read_npz(content, "x")
    assert found["t"].tolist() == ["x", "yz"]
    assert found["t"].dtype.kind == "U"


@pytest.mark.parametrize("key", ["variants", "estimator"])
@pytest.mark.parametrize("value", ["absent", None, 3, "x", [3], [{}], {"input": "other"}], ids=str)
def test_damaged_parts_of_the_manifest(california, key, value):
    if value == "absent":
        edit(california, lambda m: m.pop(key))
    else:
        edit(california, lambda m: m.update({key: value}))
    with pytest.raises(CorruptArtifact, match=f"{key!r} is missing or damaged"):
        open_bundle(california)


@pytest.mark.parametrize(
    "change",
    [{"more": 1}, {"method": None}, {"status": "fine"}, {"file": 3}],
    ids=["unknown-key", "method", "status", "file"],
)
def test_damaged_variants(california, change):
    edit(california, lambda m: m["variants"][0].update(change))
    with pytest.raises(CorruptArtifact, match="'variants' is missing or damaged"):
        open_bundle(california)


@pytest.mark.parametrize("name", ["evaluation.npz", "calibration.npz", "estimator.skops"])
def test_absent_and_damaged_files(california, name):
    bundle = open_bundle(california)
    read = {
        "evaluation.npz": bundle.evaluation,
        "calibration.npz": bundle.calibration,
        "estimator.skops": bundle.estimator,
    }[name]
    path = california / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptArtifact, match=f"{name}: its SHA-256"):
        read()
    path.unlink()
    with pytest.raises(InvalidInput, match=f"has no {name}; export the model again"):
        read()


def test_rows_without_an_array(california):
    content = to_npz({"input_0": np.ones((2, 8))})
    (california / "evaluation.npz").write_bytes(content)
    entry = {"bytes": len(content), "sha256": sha256(content)}
    edit(california, lambda m: m["files"]["evaluation.npz"].update(entry))
    with pytest.raises(CorruptArtifact, match="lacks the array 'output_0'"):
        open_bundle(california).evaluation()


# --- writing --------------------------------------------------------------------------------------


def variant(file="model.tiny.onnx", status=OK):
    return Variant("tiny", status, file, "", 3, {"relative": 1.0, "agreement": 1.0})


def test_variants_replace_those_of_the_same_method(california):
    bundle = with_reports(open_bundle(california), {"report.json": b"{}"})
    assert "report.json" in names(california)
    bundle = with_variants(bundle, [(variant(), CONTENT)])
    assert (california / "model.tiny.onnx").read_bytes() == CONTENT
    assert "report.json" not in names(california)  # it measured other variants
    assert open_bundle(california).variants[-1] == variant()
    entry = bundle.manifest["files"]["model.tiny.onnx"]
    assert (entry["method"], entry["sha256"]) == ("tiny", sha256(CONTENT))
    assert entry["tolerance"] == variant().tolerance
    gone = Variant("tiny", NOT_APPLICABLE, None, "larger")
    with_variants(bundle, [(gone, None)])
    assert "model.tiny.onnx" not in names(california)
    again = open_bundle(california)
    assert [v for v in again.variants if v.method == "tiny"] == [gone]
    assert names(california) == sorted([*again.manifest["files"], "manifest.json"])


def test_a_bundle_in_memory_is_not_changed(california):
    bundle = open_bundle(california)
    before = json.dumps(bundle.manifest)
    with_variants(bundle, [(variant(), CONTENT)])
    with_reports(bundle, {"report.json": b"{}"})
    assert json.dumps(bundle.manifest) == before


def test_a_signature_goes_with_the_manifest_that_it_signed(california):
    bundle, signature = open_bundle(california), california / "model.sig"
    signature.write_bytes(b"of this manifest")
    write_files(california, json.loads(json.dumps(bundle.manifest)), {})
    assert signature.read_bytes() == b"of this manifest"
    with pytest.warns(ToolkitWarning, match=r"model\.sig: signed the model as it was"):
        with_reports(bundle, {"report.json": b"{}"})
    assert not signature.exists()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with_variants(bundle, [(variant(), CONTENT)])


@pytest.mark.parametrize("name", ["..", "", "../outside", "/etc/none"])
def test_names_of_a_hostile_old_manifest_are_not_removed(california, name):
    """What a manifest lists and its successor does not is removed: never outside the folder."""
    outside = california.parent / "outside"
    outside.write_text("mine", encoding="utf-8")
    manifest = open_bundle(california).manifest
    edit(california, lambda m: m["files"].update({name: m["files"]["golden.npz"]}))
    write_files(california, manifest, {})
    assert outside.read_text(encoding="utf-8") == "mine"
    assert open_bundle(california).manifest == manifest


def test_every_flipped_bit_of_a_manifest_is_read_or_refused(california):
    path = california / "manifest.json"
    content = path.read_bytes()
    refused = 0
    for at in range(0, len(content), 11):
        damaged = bytearray(content)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        try:
            open_bundle(california)
        except ToolkitError:
            refused += 1
    assert refused > 30
