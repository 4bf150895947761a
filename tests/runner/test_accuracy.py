from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss, r2_score

from toolkit.metrics import scales_of
from toolkit.runner import accuracy

TRUTH = np.array([1.0, 2.0, 3.0, 4.0])


def test_regression_metrics_by_hand():
    # Errors 0, 1, −1, 2: MSE 6/4, MAE 4/4; squared deviations of the truth are 5, so R² 1 − 6/5.
    found = accuracy.metrics("regressor", TRUTH, {"variable": np.array([[1], [3], [2], [6]])})
    assert found == pytest.approx({"r2": -0.2, "mse": 1.5, "mae": 1.0})


def test_regression_metrics_over_several_targets_are_scikit_learns():
    target = np.arange(12.0).reshape(4, 3) ** 1.5
    predicted = target + np.array([0.1, -0.2, 0.5])
    found = accuracy.metrics("regressor", target, {"variable": predicted.astype(np.float32)})
    assert found["r2"] == pytest.approx(r2_score(target, predicted), abs=1e-6)


def test_a_regressor_that_predicts_nan_has_no_good_figure():
    found = accuracy.metrics("regressor", TRUTH, {"variable": np.array([1, 2, 3, np.nan])})
    assert all(math.isnan(v) for v in found.values())


def test_r2_of_one_row_is_undefined():
    assert math.isnan(accuracy.metrics("regressor", TRUTH[:1], {"variable": TRUTH[:1]})["r2"])


def test_classification_metrics_are_scikit_learns():
    target = np.array(["a", "b", "c", "a"])
    p = np.array([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.0, 0.0, 1.0], [0.1, 0.8, 0.1]])
    labels = np.array(["a", "a", "c", "b"], dtype=object)
    found = accuracy.metrics(
        "classifier", target, {"label": labels, "probabilities": p}, np.array(["a", "b", "c"])
    )
    assert found["accuracy"] == accuracy_score(target, labels.astype(str)) == 0.5
    assert found["log_loss"] == pytest.approx(log_loss(target, p, labels=["a", "b", "c"]))
    by_hand = -(math.log(0.7) + math.log(0.3) + math.log(1.0) + math.log(0.1)) / 4
    assert found["log_loss"] == pytest.approx(by_hand)


def test_log_loss_of_a_certain_error_is_large_and_finite():
    outputs = {"label": np.array([0, 0]), "probabilities": np.array([[1.0, 0.0], [1.0, 0.0]])}
    found = accuracy.metrics("classifier", np.array([0, 1]), outputs, np.array([0, 1]))
    assert 17 < found["log_loss"] < 19  # half of −log(2.2e-16)


def test_no_log_loss_without_probabilities():
    outputs = {"label": np.array([0, 1]), "scores": np.array([-1.0, 1.0])}
    found = accuracy.metrics("classifier", np.array([0, 1]), outputs, np.array([0, 1]))
    assert found == {"accuracy": 1.0, "log_loss": None}


@pytest.mark.parametrize("task", ["transformer", "clusterer", "outlier_detector"])
def test_tasks_without_a_truth_have_no_metrics(task):
    assert accuracy.metrics(task, TRUTH, {"variable": TRUTH}) is None


def test_no_metrics_without_targets():
    assert accuracy.metrics("regressor", None, {"variable": TRUTH}) is None


def test_difference_by_hand():
    reference = {"variable": np.array([[0.0], [2.0], [4.0], [-10.0]])}
    got = {"variable": np.array([0.5, 2.0, 3.0, -9.0], dtype=np.float32)}
    # |Δ| 0.5, 0, 1, 1; squares sum to 2.25; mean −1, squared deviations 1 + 9 + 25 + 81 = 116, so
    # that the standard deviation is 5.39; 4 is 5 from the mean and counts in that.
    assert accuracy.difference(reference, got, scales_of(reference)) == {
        "max_abs": 1.0,
        "mean_abs": 0.625,
        "nmse": pytest.approx(2.25 / 116),
        "max_rel": pytest.approx(1 / 29**0.5),
        "label_agreement": None,
    }


def test_difference_of_a_classifier_is_over_probabilities_and_labels():
    reference = {
        "label": np.array([0, 1, 1]),
        "probabilities": np.array([[1, 0], [0, 1], [0, 1.0]]),
    }
    got = {"label": np.array([0, 1, 0]), "probabilities": np.array([[1, 0], [0, 1], [0.6, 0.4]])}
    found = accuracy.difference(reference, got, scales_of(reference))
    assert found["label_agreement"] == pytest.approx(2 / 3)
    assert found["max_abs"] == pytest.approx(0.6)
    assert found["mean_abs"] == pytest.approx(0.2)


def test_labels_alone_have_no_numbers():
    found = accuracy.difference({"label": np.array([1, 2])}, {"label": np.array([1, 2])}, {})
    assert found["label_agreement"] == 1.0
    assert found["max_abs"] is found["nmse"] is found["max_rel"] is None


def _doubled(inputs):
    return {"variable": 2 * inputs["X"]}


def _minus_most(inputs):
    return {"variable": inputs["X"] - inputs["X"].max()}


def _centred_label(inputs):
    return {"label": inputs["X"][:, 0] > inputs["X"].mean()}


INPUTS = {"X": np.array([[1.0], [2.0], [5.0]])}


def test_batch_consistency_of_a_row_by_row_model_is_zero():
    whole = _doubled(INPUTS)
    assert accuracy.batch_consistency(_doubled, INPUTS, whole, scales_of(whole)) == (0.0, 0.0)


def test_batch_dependence_is_seen_and_measured():
    # Alone every row gives 0, in the batch 1 − 5, 2 − 5, 0: in its own scale 4 of 1.7.
    whole = _minus_most(INPUTS)
    moved, off = accuracy.batch_consistency(_minus_most, INPUTS, whole, scales_of(whole))
    assert moved == 4.0
    assert off == pytest.approx(4 / whole["variable"].std())


def test_batch_dependence_of_labels():
    found = accuracy.batch_consistency(_centred_label, INPUTS, _centred_label(INPUTS), {})
    assert found == (1.0, 1.0)


def test_batch_consistency_runs_no_more_rows_than_asked():
    seen = []

    def run(inputs):
        seen.append(len(inputs["X"]))
        return _doubled(inputs)

    many = {"X": np.arange(1000.0).reshape(-1, 1)}
    whole = _doubled(many)
    accuracy.batch_consistency(run, many, whole, scales_of(whole), singles=7)
    assert seen == [1] * 7
