"""The proof as the first gate of a bench, and the rows that its scores are from."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from tests.runner.bundles import linear_bundle, regression_rows
from toolkit.runner.flow import bench

pytestmark = pytest.mark.usefixtures("quick")

FIGURES = {"rows": 90, "max_relative": 2e-6, "label_agreement": None, "passed": True}


def rewritten(path, **changes):
    """The linear bundle with these entries in its manifest."""
    bundle = linear_bundle(path)
    manifest = bundle.manifest | changes
    (bundle.path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return bundle.path


def proof(passed, **changes):
    figures = FIGURES | {"passed": passed, **changes}
    return {"passed": passed, "tolerance": 1e-4, "comparisons": {"float32": {"held_out": figures}}}


def test_it_is_the_first_gate(tmp_path):
    report = bench(rewritten(tmp_path / "m", proof=proof(True)))
    assert report.gates[0] == {
        "expression": "proof",
        "method": "float32",
        "metric": "proof",
        "value": 2e-6,
        "limit": 1e-4,
        "passed": True,
    }
    assert report.passed
    assert [r.status for r in report.variants] == ["ok", "ok", "ok", "not-applicable"]


def test_a_failed_one_fails_all_that_is_made_of_the_graph_and_measures_it(tmp_path):
    folder = rewritten(tmp_path / "m", proof=proof(False, max_relative=0.5))
    report = bench(folder)
    assert (report.gates[0]["passed"], report.gates[0]["value"]) == (False, 0.5)
    assert all(g["passed"] for g in report.gates[1:])
    assert len(report.gates) > 2
    assert not report.passed
    reference, *made, absent = report.variants
    assert (reference.status, absent.status) == ("ok", "not-applicable")
    for row in made:
        assert row.status == "failed"
        assert row.reason == "unproved: the proof of model.onnx failed"
        assert row.summary.startswith("unproved")
        assert "failed" not in row.summary
        assert row.metrics["r2"] > 0.9
        assert row.cold_start_ms is not None
    document = report.to_json()
    assert document["passed"] is False
    assert document["proof"]["passed"] is False
    assert document["proof"]["worst"] == 0.5
    assert document["proof"]["comparisons"]["float32"]["held_out"]["rows"] == 90
    assert document["proof"]["says"].startswith("on 90 held-out rows against scikit-learn on va")


def test_what_failed_its_own_gate_too_says_both(tmp_path):
    report = bench(rewritten(tmp_path / "m", proof=proof(False)), gates=["uint8-pack:bytes<=1"])
    row = next(r for r in report.variants if r.method == "uint8-pack")
    assert row.reason.startswith("bytes is ")
    assert row.reason.endswith("; unproved: the proof of model.onnx failed")
    assert row.summary.startswith("unproved, failed")


@pytest.mark.parametrize("recorded", [{}, {"passed": False}])
def test_without_figures_nothing_is_proved(tmp_path, recorded):
    report = bench(rewritten(tmp_path / "m", proof=recorded))
    assert (report.gates[0]["passed"], report.gates[0]["value"]) == (False, None)
    assert report.to_json()["proof"]["passed"] is False


def test_a_deviation_that_is_no_number_is_strict_json(tmp_path):
    folder = rewritten(tmp_path / "m", proof=proof(False, max_relative=math.inf))
    document = bench(folder).to_json()
    json.dumps(document, allow_nan=False)
    assert document["gates"][0]["value"] is None


def test_the_rows_of_the_export_are_what_the_manifest_says(tmp_path):
    told = {"held_out": 120, "fitted": "yes", "note": "held out; the estimator was fitted on them"}
    report = bench(rewritten(tmp_path / "m", rows=told))
    assert report.scores == {
        "rows": 120,
        "on": "held-out",
        "fitted": "yes",
        "note": "held out; the estimator was fitted on them",
    }


def test_a_bundle_of_an_earlier_version_says_nothing_of_its_rows(tmp_path):
    scores = bench(linear_bundle(tmp_path / "m")).scores
    assert scores["fitted"] == "unknown"
    assert scores["note"].endswith("whether the estimator was fitted on them is not known")


def test_rows_that_are_given_are_looked_for_in_the_estimator(linear_model):
    X, y = regression_rows()
    same = bench(linear_model, X, y).scores
    assert (same["on"], same["fitted"]) == ("given", "yes")
    assert same["note"].startswith("given to bench; the estimator was fitted on them (its residua")
    other = bench(linear_model, X + np.ones(3), y).scores
    assert (other["on"], other["fitted"]) == ("given", "unknown")
