from __future__ import annotations

import gc
import json
import zlib

import joblib
import numpy as np
import onnx
import pytest

from tests.runner.bundles import (
    ROWS,
    absent,
    classifier_bundle,
    linear,
    linear_bundle,
    logistic,
    regression_rows,
    variant,
)
from toolkit.bundle import open_bundle
from toolkit.errors import CorruptArtifact, InvalidInput
from toolkit.runner import cold_start, contenders, dominance, latency, size
from toolkit.runner.flow import bench
from toolkit.runtime.predictor import Predictor

ROW_KEYS = {
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
    "samples",
    "variants",
    "gates",
    "budget",
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


def test_a_bad_gate_is_refused_before_the_estimator_is_opened(linear_model):
    (linear_model.path / "estimator.skops").unlink()
    with pytest.raises(InvalidInput, match="did you mean 'max_abs'"):
        bench(linear_model, np.ones((2, 3)), gates=["max_ab<=1"])
    with pytest.raises(InvalidInput, match=r"estimator\.skops"):
        bench(linear_model, np.ones((2, 3)), gates=["max_abs<=1"])


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


def test_given_rows_are_scored_against_the_estimator(quick, linear_model):
    X, y = regression_rows()
    whole, part = bench(linear_model), bench(linear_model, X[:30], y[:30].tolist())
    assert part.rows == 30
    assert part.variants[0].difference["max_abs"] == 0.0
    expected = linear_model.estimator().score(X[:30], y[:30])
    assert part.variants[0].metrics["r2"] == pytest.approx(expected)
    assert part.variants[0].metrics["r2"] != whole.variants[0].metrics["r2"]


def test_given_rows_may_be_a_data_frame_with_columns_in_any_order(quick, linear_model):
    import pandas

    X, y = regression_rows()
    frame = pandas.DataFrame(X[:, ::-1], columns=["x2", "x1", "x0"])
    report = bench(linear_model, frame, pandas.Series(y))
    assert report.variants[0].metrics == pytest.approx(bench(linear_model).variants[0].metrics)


def test_rows_without_targets_have_no_metrics(quick, linear_model):
    report = bench(linear_model, regression_rows()[0])
    assert [r.metrics for r in report.variants] == [None] * 4
    assert report.samples[0]["true"] is None
    assert report.passed


@pytest.mark.parametrize(
    ("X", "y", "said"),
    [
        (np.ones((4, 2)), None, "has 2 columns, the model takes 3"),
        (np.ones(3), None, "two dimensions"),
        (np.ones((0, 3)), None, "no rows"),
        (np.array([["a", "b", "c"]]), None, "takes numbers"),
        (np.array([[1.0, np.nan, 2.0]]), None, "finite numbers only"),
        (np.ones((4, 3)), np.ones(3), "y has 3 values and X 4 rows"),
        (np.ones((2, 3)), np.array(["high", "low"]), "a regressor's targets"),
        (np.ones((2, 3)), np.array([1.0, np.nan]), "finite targets"),
        (np.ones((2, 3)), np.ones((2, 2)), "y has the shape"),
        (None, np.ones(3), "without X"),
        (np.full((2, 3), 1e39), None, "exceeds its range"),
    ],
)
def test_rows_that_do_not_fit_are_refused(quick, linear_model, X, y, said):
    with pytest.raises(InvalidInput, match=said):
        bench(linear_model, X, y)


def test_a_damaged_variant_is_refused(quick, linear_model):
    path = linear_model.path / "model.uint8-pack.onnx"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptArtifact, match=r"model\.uint8-pack\.onnx.*SHA-256"):
        bench(linear_model)


def test_a_missing_variant_is_refused(quick, linear_model):
    (linear_model.path / "model.uint8-pack.onnx").unlink()
    with pytest.raises(InvalidInput, match=r"model\.uint8-pack\.onnx"):
        bench(linear_model)


def test_a_variant_of_another_shape_is_refused(quick, tmp_path):
    other = logistic(np.ones((2, 3)), np.zeros(2), ["a", "b"])
    with pytest.raises(CorruptArtifact, match="gives no output 'variable'"):
        bench(linear_bundle(tmp_path / "b", [variant("float16", other)]))


def test_a_variant_that_cannot_run_the_rows_fails_alone(quick, tmp_path):
    narrow = variant("float16", linear([1.0, 2.0], 3.0))
    report = bench(linear_bundle(tmp_path / "b", [narrow]))
    row = report.variants[-1]
    assert (row.status, row.latency_us) == ("failed", None)
    assert "cannot run the rows" in row.reason
    assert not report.passed
    assert _row(report, "float32").status == "ok"


def test_a_float_export_that_cannot_run_the_rows_is_an_error(quick, tmp_path):
    from dataclasses import asdict

    from tests.runner.bundles import write_bundle

    good = linear_bundle(tmp_path / "good")
    made = [variant("float32", linear([1.0, 2.0], 3.0)), absent("float16")]
    arrays = {"input_0": regression_rows()[0], "output_0": np.ones((ROWS, 1))}
    outputs = [{"name": "variable", "dtype": "float32", "shape": [None, 1]}]
    assert asdict(made[0][0])["status"] == "ok"
    bad = write_bundle(tmp_path / "bad", "regressor", good.estimator(), arrays, outputs, made)
    with pytest.raises(InvalidInput, match="the model takes 2"):
        bench(bad)


def test_a_path_is_opened_and_a_folder_without_a_bundle_is_refused(quick, linear_model, tmp_path):
    assert bench(str(linear_model.path)).model == "hand-made"
    with pytest.raises(InvalidInput, match="no such model directory"):
        bench(tmp_path / "nowhere")


def test_bench_writes_nothing(quick, linear_model):
    before = {p.name: p.read_bytes() for p in linear_model.path.iterdir()}
    bench(linear_model)
    assert {p.name: p.read_bytes() for p in linear_model.path.iterdir()} == before
    assert open_bundle(linear_model.path).manifest == linear_model.manifest


def test_no_variant_is_open_while_a_fresh_process_is_measured(linear_model, quick, monkeypatch):
    before = sum(isinstance(o, Predictor) for o in gc.get_objects())
    still_open = []

    def measure(program, files, row):
        still_open.append(sum(isinstance(o, Predictor) for o in gc.get_objects()) - before)
        return cold_start.Start(1.0, (1.0, 1.0), 2.0)

    monkeypatch.setattr(cold_start, "measure", measure)
    report = bench(linear_model)
    assert len(still_open) >= 2
    assert not any(still_open)
    assert all(r.cold_start_ms == 1.0 for r in report.variants if r.latency_us)


def test_large_variants_take_turns_with_the_float_graph_and_few_are_open(
    tmp_path, quick, monkeypatch
):
    more = [variant(m, linear([1.5, -2.0, 0.5], 3.0)) for m in ("float16", "static-int8", "other")]
    bundle = linear_bundle(tmp_path / "b", more)
    together = bench(bundle)
    assert "turns" not in together.environment
    before = sum(isinstance(o, Predictor) for o in gc.get_objects())
    opened, turns = [], []
    timed = latency.by_batch_size

    def by_batch_size(series, inputs):
        opened.append(sum(isinstance(o, Predictor) for o in gc.get_objects()) - before)
        turns.append(len(series))
        return timed(series, inputs)

    monkeypatch.setattr(latency, "by_batch_size", by_batch_size)
    monkeypatch.setattr(contenders, "TOGETHER", 1)
    apart = bench(bundle)
    assert opened == [2, 2, 2, 2]
    assert turns == [3, 2, 2, 2]  # scikit-learn takes its turns with the first
    assert apart.environment["turns"] == "2 at a time, float32 always among them"
    for one, other in zip(together.variants, apart.variants, strict=True):
        assert (one.method, one.difference, one.bytes) == (
            other.method,
            other.difference,
            other.bytes,
        )
        assert (one.latency_us is None) == (other.latency_us is None)
    assert together.samples == apart.samples


def test_the_size_of_the_estimator_is_that_of_its_joblib_file(tmp_path):
    estimator = linear_bundle(tmp_path / "b").estimator()
    joblib.dump(estimator, tmp_path / "estimator.joblib")
    content = (tmp_path / "estimator.joblib").read_bytes()
    assert size.of_dump(estimator) == size.of_bytes(content)
    assert size.of_bytes(content) == size.Size(len(content), len(zlib.compress(content, 6)))
