"""Rows, gates and files that bench refuses, and what fails alone."""

from __future__ import annotations

import numpy as np
import pytest

from tests.runner.bundles import (
    ROWS,
    absent,
    linear,
    linear_bundle,
    logistic,
    regression_rows,
    variant,
)
from tests.runner.test_bench import _row
from toolkit.errors import CorruptArtifact, InvalidInput
from toolkit.runner.flow import bench


def test_a_bad_gate_is_refused_before_the_estimator_is_opened(linear_model):
    (linear_model.path / "estimator.skops").unlink()
    with pytest.raises(InvalidInput, match="did you mean 'max_abs'"):
        bench(linear_model, np.ones((2, 3)), gates=["max_ab<=1"])
    with pytest.raises(InvalidInput, match=r"estimator\.skops"):
        bench(linear_model, np.ones((2, 3)), gates=["max_abs<=1"])


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
