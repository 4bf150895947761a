"""models/california-linear, the committed reference bundle, comes out of the code as it is."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from toolkit.bundle import Bundle, open_bundle
from toolkit.bundle.card import CARD, page
from toolkit.exporter import export
from toolkit.quantizer import method_names, quantize
from toolkit.runtime import load
from toolkit.runtime.verify import replay, verify
from toolkit.trainer import train

FOLDER = Path(__file__).resolve().parents[1] / "models" / "california-linear"
REPORTS = {"README.md", "report.json", "report.md", "report.html"}
WORKED_OUT = {"model.onnx", "golden.npz", "evaluation.npz", "calibration.npz", "estimator.skops"}
# Versions in the manifest on which no other byte depends.
OWNERS = {"python", "toolkit"}


@pytest.fixture(scope="module")
def committed() -> Bundle:
    if not (FOLDER / "manifest.json").is_file():
        pytest.fail(
            "models/california-linear is missing: make it with `toolkit export california-linear`, "
            "`toolkit quantize` and `toolkit bench`, and commit it"
        )
    return open_bundle(FOLDER)


@pytest.fixture(scope="module")
def again(tmp_path_factory) -> Bundle:
    trained = train("california-linear")
    rows = trained.dataset
    bundle = export(
        trained.estimator,
        rows.X_train,
        rows.y_train,
        name="california-linear",
        out=tmp_path_factory.mktemp("again") / "california-linear",
        X_test=rows.X_test,
        y_test=rows.y_test,
        all_rows=trained.all_rows,
        feature_names=rows.feature_names,
    )
    quantize(bundle)
    return open_bundle(bundle.path)


def same_versions(bundle: Bundle) -> bool:
    """Tell whether the bundle was made with the libraries that are installed here."""
    recorded = {n: v for n, v in bundle.manifest["versions"].items() if n not in OWNERS}
    return all(version(name) == v for name, v in recorded.items())


def without_reports(manifest: dict) -> dict:
    """Return a manifest as it is before the bench, and without Python's own version."""
    copy = json.loads(json.dumps(manifest))
    copy["files"] = {n: e for n, e in copy["files"].items() if n not in REPORTS}
    copy["versions"] = {n: v for n, v in copy["versions"].items() if n not in OWNERS}
    return copy


def test_the_committed_files_verify(committed):
    assert all(c.passed for c in verify(FOLDER))


def test_nothing_lies_there_that_the_manifest_does_not_list(committed):
    listed = set(committed.manifest["files"]) | {"manifest.json"}
    assert {p.name for p in FOLDER.iterdir()} == listed
    assert listed >= WORKED_OUT | REPORTS
    assert sum(p.stat().st_size for p in FOLDER.iterdir()) < 1 << 20


def test_it_holds_every_method_that_there_is(committed):
    assert [v.method for v in committed.variants] == ["float32", *method_names()]


def test_the_files_are_reproduced(committed, again):
    """Byte for byte under the versions in the manifest; else by what the files answer."""
    if same_versions(committed):
        wanted = set(committed.manifest["files"]) - REPORTS
        assert set(again.manifest["files"]) - REPORTS == wanted
        different = [n for n in sorted(wanted) if again.read(n) != committed.read(n)]
        assert not different, f"not reproduced: {different}; was models/ made with this code?"
        assert without_reports(again.manifest) == without_reports(committed.manifest)
        return
    assert [(v.method, v.status) for v in again.variants] == [
        (v.method, v.status) for v in committed.variants
    ]
    rows, fresh = committed.golden(), again.golden()
    for name, values in rows.inputs.items():
        np.testing.assert_array_equal(values, fresh.inputs[name])
    for name, values in rows.outputs.items():
        np.testing.assert_allclose(values, fresh.outputs[name], rtol=1e-9)


def test_the_card_is_what_the_other_files_make(committed):
    card = page(committed.manifest, committed.read)
    assert committed.read(CARD) == card, "the card is of other code: bench the model again"


def test_what_is_made_now_replays_the_committed_golden_rows(committed, again):
    """Whatever the versions: each new file is held against the committed rows and tolerances."""
    rows = committed.golden()
    replayed = 0
    for name, entry in committed.manifest["files"].items():
        if entry["role"] == "variant":
            assert replay(load(again.path / name), rows, entry, name).passed
            replayed += 1
    assert replayed >= 3


def test_the_promised_figures(committed):
    rows, predictor = committed.evaluation(), load(FOLDER / "model.uint8-pack.pack")
    predicted = predictor.predict(rows.inputs["X"].astype(np.float32)).astype(np.float64)
    exact = rows.outputs["variable"].ravel()
    assert np.abs(predicted - exact).max() <= 0.15
    assert (FOLDER / "model.uint8-pack.pack").stat().st_size <= 192
    assert rows.target is not None
    spread = np.square(rows.target - rows.target.mean()).sum()
    scores = [1 - np.square(rows.target - p).sum() / spread for p in (predicted, exact)]
    assert abs(scores[0] - scores[1]) <= 0.001
    assert committed.manifest["all_rows"]["r2"] == pytest.approx(0.6062326851998, abs=1e-9)


def test_the_report_is_of_these_files(committed):
    report = json.loads(committed.read("report.json"))
    measured = {v["file"]: v["bytes"] for v in report["variants"] if v["file"]}
    for name, entry in committed.manifest["files"].items():
        if entry["role"] == "variant":
            assert measured[name] == entry["bytes"]
