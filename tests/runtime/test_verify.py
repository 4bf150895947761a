from __future__ import annotations

import json

import pytest

from toolkit.errors import CorruptArtifact, InvalidInput
from toolkit.runtime.verify import as_json, verify


def edit(folder, change):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize("name", ["california_bundle", "classifier_bundle", "named_bundle"])
def test_a_new_bundle_passes(name, request):
    folder = request.getfixturevalue(name)
    checks = verify(folder)
    assert all(c.passed for c in checks)
    variants = [c.file for c in checks if c.kind == "golden"]
    assert "model.onnx" in variants
    assert {c.file for c in checks if c.kind == "hash"} >= {"golden.npz", *variants}
    assert as_json(checks)["passed"] is True


def test_files_that_stay_at_home_may_be_absent(california):
    for name in ("evaluation.npz", "calibration.npz", "estimator.skops"):
        (california / name).unlink()
    assert all(c.passed for c in verify(california))


@pytest.mark.parametrize("name", ["golden.npz", "model.onnx", "model.uint8-pack.pack"])
def test_files_that_travel_may_not(california, name):
    (california / name).unlink()
    with pytest.raises(CorruptArtifact, match=f"{name}: is listed in the manifest and missing"):
        verify(california)


@pytest.mark.parametrize(
    "name", ["golden.npz", "model.onnx", "model.uint8-pack.pack", "evaluation.npz"]
)
def test_a_changed_file(california, name):
    path = california / name
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(CorruptArtifact, match=f"{name}: its SHA-256"):
        verify(california)


@pytest.mark.parametrize("name", ["evaluation.npz", "estimator.skops"])
def test_a_damaged_file_that_stays_at_home_is_told_from_a_damaged_model(california, name):
    for damaged, whole in ((name, True), ("model.uint8-pack.pack", False)):
        path = california / damaged
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(CorruptArtifact) as caught:
            verify(california)
        text = str(caught.value)
        assert f"{damaged}: its SHA-256" in text
        assert ("the models are whole and replay their golden rows" in text) == whole


def test_a_deviation_beyond_the_tolerance(california):
    def tighten(manifest):
        manifest["files"]["model.uint8-pack.pack"]["tolerance"]["relative"] = 1e-6

    edit(california, tighten)
    failed = [c for c in verify(california) if not c.passed]
    assert [c.file for c in failed] == ["model.uint8-pack.pack"]
    assert "(allowed 1e-06)" in failed[0].detail


@pytest.mark.parametrize(
    "tolerance", [None, {}, {"relative": 1.0}, {"relative": "x", "agreement": 1}]
)
def test_no_tolerance(california, tolerance):
    edit(california, lambda m: m["files"]["model.onnx"].update(tolerance=tolerance))
    with pytest.raises(CorruptArtifact, match="records no tolerance"):
        verify(california)


def test_not_a_number_is_no_tolerance(california):
    nan = {"relative": float("nan"), "agreement": 1.0}
    edit(california, lambda m: m["files"]["model.onnx"].update(tolerance=nan))
    assert not all(c.passed for c in verify(california))


def test_no_golden_rows_and_no_model(california):
    edit(california, lambda m: m["files"].pop("golden.npz"))
    with pytest.raises(CorruptArtifact, match="lists no golden rows"):
        verify(california)


def test_no_model(california):
    def strip(manifest):
        manifest["files"] = {"golden.npz": manifest["files"]["golden.npz"]}

    edit(california, strip)
    with pytest.raises(InvalidInput, match="lists no model"):
        verify(california)
