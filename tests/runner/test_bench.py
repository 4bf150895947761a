from __future__ import annotations

import json
import zlib

import joblib
import numpy as np
import onnx
import pytest

from tests.runner.bundles import (
    ROWS,
    classifier_bundle,
    linear,
    linear_bundle,
    logistic,
    regression_rows,
    variant,
)
from toolkit.bundle import open_bundle
from toolkit.runner import dominance, size
from toolkit.runner.flow import bench

ROW_KEYS = {
    "standard",
    "method",
    "file",
    "status",
    "reason",
    "bytes",
    "bytes_compressed",
    "size_ratio",
    "metrics",
    "difference",
    "batch_consistency",
    "latency_us",
    "cold_start_ms",
    "cold_start_range_ms",
    "peak_rss_mb",
    "dominated_by",
    "verdict",
    "summary",
}
REPORT_KEYS = {
    "schema_version",
    "model",
    "task",
    "passed",
    "proof",
    "scores",
    "environment",
    "rows",
    "all_rows",
    "reference",
    "samples",
    "variants",
    "gates",
    "budget",
    "recommended",
}


def _row(report, method):
    return next(r for r in report.variants if r.method == method)


def test_the_json_has_the_keys_of_the_contract(full_report):
    found = json.loads(json.dumps(full_report.to_json(), allow_nan=False))
    assert found.keys() == REPORT_KEYS
    assert (found["schema_version"], found["model"], found["rows"]) == (1, "hand-made", ROWS)
    assert found["all_rows"] == {"r2": 0.75, "mse": 0.25}
    assert all(row.keys() == ROW_KEYS for row in found["variants"])
    assert [row["method"] for row in found["variants"]] == [
        "scikit-learn",
        "float32",
        "uint8-pack",
        "dynamic-uint8",
    ]
    assert found["gates"][0].keys() == {
        "expression",
        "method",
        "metric",
        "value",
        "limit",
        "passed",
    }


def test_every_measured_row_has_every_figure(full_report):
    for row in full_report.to_json()["variants"][:3]:
        assert row["status"] == "ok"
        assert row["metrics"].keys() == {"r2", "mse", "mae"}
        assert row["difference"].keys() == {
            "max_abs",
            "mean_abs",
            "nmse",
            "max_rel",
            "label_agreement",
        }
        assert row["latency_us"].keys() >= {"1", "1000"}
        for figures in row["latency_us"].values():
            assert 0 < figures["p50"] <= figures["p90"] <= figures["p99"]
            assert figures["throughput"] > 0
            assert figures["calls"] >= 5
            assert 0 < figures["rows_used"] <= ROWS
        assert row["bytes"] > 0
        assert row["bytes_compressed"] > 0
        fastest, slowest = row["cold_start_range_ms"]
        assert 0 < fastest <= row["cold_start_ms"] <= slowest
        assert row["verdict"]


def test_memory_of_an_artifact_is_less_than_scikit_learns(full_report):
    if full_report.variants[0].peak_rss_mb is None:
        pytest.skip("this platform does not tell")
    assert _row(full_report, "float32").peak_rss_mb < full_report.variants[0].peak_rss_mb


def test_the_first_row_is_the_estimator_itself(full_report):
    first = full_report.variants[0]
    assert (first.method, first.file, first.difference["max_abs"]) == ("scikit-learn", None, 0.0)
    assert first.size_ratio == _row(full_report, "float32").bytes / first.bytes


def test_a_variant_that_did_not_apply_is_carried_over(full_report):
    row = _row(full_report, "dynamic-uint8")
    assert (row.status, row.reason, row.bytes) == (
        "not-applicable",
        "nothing here to quantize",
        1000,
    )
    assert row.size_ratio == _row(full_report, "float32").bytes / 1000
    measured = ("metrics", "difference", "latency_us", "cold_start_ms", "peak_rss_mb")
    assert all(getattr(row, name) is None for name in measured)
    assert (row.summary, row.verdict) == (
        "not applicable",
        "not applicable: nothing here to quantize",
    )
    assert full_report.passed


def test_samples_show_truth_reference_and_every_measured_method(full_report):
    assert len(full_report.samples) == 10
    X, y = regression_rows()
    first = full_report.samples[0]
    assert first.keys() == {"true", "reference", "float32", "uint8-pack"}
    assert first["true"] == y[0]
    assert first["float32"] == pytest.approx(first["reference"], abs=1e-5)
    off = 0.01 * X[0].sum()
    assert first["uint8-pack"] == pytest.approx(first["reference"] + off, abs=1e-5)


def test_differences_of_a_known_offset(quick, linear_model):
    row = _row(bench(linear_model), "uint8-pack")
    X, _ = regression_rows()
    assert row.difference["max_abs"] == pytest.approx(np.abs(0.01 * X.sum(axis=1)).max(), abs=1e-5)
    assert row.difference["mean_abs"] == pytest.approx(
        np.abs(0.01 * X.sum(axis=1)).mean(), abs=1e-5
    )
    assert row.batch_consistency < 1e-5


def test_batch_dependence_of_a_real_graph(quick, tmp_path):
    bad = variant("dynamic-uint8", linear([1.5, -2.0, 0.5], 3.0, batch_dependent=True))
    bundle = linear_bundle(tmp_path / "b", [bad])
    manifest_order = [v.method for v in bundle.variants]
    assert manifest_order[-1] == "dynamic-uint8"
    row = bench(bundle).variants[-1]
    # Alone a row gives 1.1 p, in the batch p + 0.1 · the largest p: the smallest p moves most.
    X, _ = regression_rows()
    p = X @ [1.5, -2.0, 0.5] + 3.0
    assert row.batch_consistency == pytest.approx(0.1 * (p.max() - p.min()), rel=1e-3)
    assert "batch-dependent" in row.verdict


def test_a_corrupted_variant_fails_its_default_gate(quick, tmp_path):
    wrong = variant("float32-pack", linear([1.5, -2.0, 0.5], 3.5), "model.float32-pack.onnx")
    report = bench(linear_bundle(tmp_path / "b", [wrong]))
    row = report.variants[-1]
    assert not report.passed
    assert row.status == "failed"
    assert "the gate is max_rel<=1e-4" in row.reason
    assert row.difference["max_abs"] > 0.4
    assert [g["passed"] for g in report.gates if g["method"] == "float32-pack"] == [False]


def test_a_lossy_variant_that_lost_too_much_fails(quick, tmp_path):
    report = bench(linear_bundle(tmp_path / "b", [variant("float16", linear([0, 0, 0], 3.0))]))
    assert report.variants[-1].status == "failed"
    assert "nmse" in report.variants[-1].reason


def test_a_variant_of_nan_fails_and_the_json_stays_strict(quick, tmp_path):
    report = bench(linear_bundle(tmp_path / "b", [variant("float16", linear([1, 1, 1], np.nan))]))
    found = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert found["variants"][-1]["status"] == "failed"
    assert found["variants"][-1]["difference"]["max_abs"] is None
    assert "inf" in found["variants"][-1]["reason"]


def test_a_needless_variant_is_called_dominated(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(dominance, "FASTER", 0.0)  # two calls of one graph, on a busy machine
    monkeypatch.setattr(dominance, "SLOWER", 1e9)
    model = onnx.load_model_from_string(linear_bundle(tmp_path / "a").read("model.onnx"))
    exact = variant("exact", model.SerializeToString())
    model.doc_string = "longer"
    bundle = linear_bundle(tmp_path / "b", [exact, variant("longer", model.SerializeToString())])
    report = bench(bundle)
    assert {v.method: v.dominated_by for v in report.variants if v.dominated_by} == {
        "longer": "exact",
        "uint8-pack": "exact",
    }
    longer = _row(report, "longer")
    assert longer.summary == "dominated by exact"
    assert longer.verdict.startswith("dominated by exact, which is no larger, no further off and")
    assert "larger" not in _row(report, "exact").verdict
    assert json.loads(json.dumps(report.to_json()))["variants"][-1]["dominated_by"] == "exact"
    failed = bench(bundle, gates=["exact:bytes<=1"])
    assert _row(failed, "longer").dominated_by is None
    assert _row(failed, "exact").summary.startswith("failed, ")


def test_gates_given_by_the_user_are_held(quick, linear_model):
    report = bench(linear_model, gates=["uint8-pack:max_abs<=1e-9", "r2_drop<=0.5"])
    assert not report.passed
    assert [r.status for r in report.variants] == ["ok", "ok", "failed", "not-applicable"]
    assert sum(g["metric"] == "r2_drop" and g["passed"] for g in report.gates) == 2


def test_a_classifier_has_its_own_metrics(quick, classifier):
    report = bench(classifier, gates=["accuracy_drop<=0", "log_loss<=1"])
    row = _row(report, "float32")
    assert row.metrics.keys() == {"accuracy", "log_loss"}
    assert row.metrics == pytest.approx(report.variants[0].metrics, abs=1e-5)
    assert row.difference["label_agreement"] == 1.0
    assert report.passed
    assert report.samples[0].keys() == {"true", "reference", "float32"}
    assert report.samples[0]["float32"] in ("ant", "bee", "cat")


def test_a_classifier_with_its_labels_in_the_wrong_order_fails(quick, tmp_path):
    bundle = classifier_bundle(tmp_path / "good")
    estimator = bundle.estimator()
    swapped = logistic(estimator.coef_, estimator.intercept_, ["bee", "ant", "cat"])
    report = bench(classifier_bundle(tmp_path / "bad", [variant("float16", swapped)]))
    row = report.variants[-1]
    assert row.difference["max_abs"] < 1e-5  # the probabilities are right, only the labels are not
    assert row.difference["label_agreement"] < 0.9
    assert "agreement is" in row.reason


def test_bench_writes_nothing(quick, linear_model):
    before = {p.name: p.read_bytes() for p in linear_model.path.iterdir()}
    bench(linear_model)
    assert {p.name: p.read_bytes() for p in linear_model.path.iterdir()} == before
    assert open_bundle(linear_model.path).manifest == linear_model.manifest


def test_the_size_of_the_estimator_is_that_of_its_joblib_file(tmp_path):
    estimator = linear_bundle(tmp_path / "b").estimator()
    joblib.dump(estimator, tmp_path / "estimator.joblib")
    content = (tmp_path / "estimator.joblib").read_bytes()
    assert size.of_dump(estimator) == size.of_bytes(content)
    assert size.of_bytes(content) == size.Size(len(content), len(zlib.compress(content, 6)))
