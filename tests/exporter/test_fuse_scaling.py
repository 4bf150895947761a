"""Scalers at a graph's end: one node where float32 can hold it, and the old nodes where not."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from toolkit.exporter.flow import convert_and_prove
from toolkit.exporter.passes.fuse_scaling import LARGEST_SHIFT
from toolkit.runtime.predictor import Predictor

RNG = np.random.default_rng(0)
ROWS = RNG.normal([0.0, 5.0, -119.0], [1.0, 0.1, 2.0], (300, 3))


def operators(proven):
    return [n.op_type for n in proven.chosen.exported.model.graph.node]


@pytest.mark.parametrize(
    "scaler",
    [
        StandardScaler(),
        StandardScaler(with_std=True, with_mean=False),
        MinMaxScaler(),
        RobustScaler(),
        MaxAbsScaler(),
    ],
    ids=["standard", "no-mean", "min-max", "robust", "max-abs"],
)
def test_one_node(scaler):
    proven = convert_and_prove(scaler.fit(ROWS), ROWS)
    assert operators(proven) == ["BatchNormalization"]
    assert proven.chosen.proof.passed
    # A twentieth of what the proof allows; a single rounding of 60 deviations is 4e-6.
    rows = ROWS.astype(np.float32)
    got = Predictor(proven.chosen.content, "here").run({"X": rows})["variable"]
    np.testing.assert_allclose(got, scaler.transform(rows.astype(np.float64)), atol=1e-5)


def test_a_large_shift_is_taken_off_first():
    rows = RNG.normal(2 * LARGEST_SHIFT, 1.0, (300, 2))
    proven = convert_and_prove(StandardScaler().fit(rows), rows)
    assert operators(proven)[:2] == ["Sub", "Mul"]
    assert proven.chosen.proof.passed


def test_a_shift_without_a_factor_is_exact_already():
    proven = convert_and_prove(StandardScaler(with_std=False).fit(ROWS), ROWS)
    assert operators(proven)[0] == "Sub"


def test_what_is_clipped_or_read_again_stays():
    clipped = convert_and_prove(MinMaxScaler(clip=True).fit(ROWS), ROWS)
    assert "BatchNormalization" not in operators(clipped)
    joined = make_pipeline(StandardScaler(), PCA(2)).fit(ROWS)
    assert operators(convert_and_prove(joined, ROWS)) == ["Gemm"]


@pytest.mark.parametrize("threshold", [0.1, -0.1, 0.0, 1 / 3, 1e300, -1e300, 16777217.0])
def test_binarizer_compares_with_the_float64(threshold):
    """0.1 lies below its nearest float32 and −0.1 above; 2**24 + 1 lies between two of them."""
    near = np.float32(np.clip(threshold, -3e38, 3e38))
    ends = [np.nextafter(near, np.float32(s)) for s in (-np.inf, np.inf)]
    rows = np.array([[near], *[[e] for e in ends], [0.0], [1.0]] * 4, dtype=np.float64)
    binarizer = Binarizer(threshold=threshold).fit(rows)
    proven = convert_and_prove(binarizer, rows)
    assert operators(proven) == ["Binarizer"]
    got = Predictor(proven.chosen.content, "here").run({"X": rows.astype(np.float32)})["variable"]
    np.testing.assert_array_equal(got, binarizer.transform(rows))
