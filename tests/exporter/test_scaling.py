"""Scalers; above all those whose means are far from zero."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from tests.exporter.parity import answers, check, export_proven, graph_of

SCALERS = {
    "standard": lambda: StandardScaler(),
    "standard-no-mean": lambda: StandardScaler(with_mean=False),
    "standard-no-sd": lambda: StandardScaler(with_std=False),
    "standard-neither": lambda: StandardScaler(with_mean=False, with_std=False),
    "robust": lambda: RobustScaler(),
    "robust-no-centre": lambda: RobustScaler(with_centering=False),
    "robust-no-scale": lambda: RobustScaler(with_scaling=False),
    "robust-unit-variance": lambda: RobustScaler(unit_variance=True),
    "max-abs": lambda: MaxAbsScaler(),
    "min-max": lambda: MinMaxScaler(),
    "min-max-range": lambda: MinMaxScaler((-3, 5)),
    "min-max-clip": lambda: MinMaxScaler((-1, 1), clip=True),
}
if "clip" in MaxAbsScaler().get_params():  # from scikit-learn 1.8 on
    SCALERS["max-abs-clip"] = lambda: MaxAbsScaler(clip=True)


@pytest.fixture
def rows():
    """Six columns on scales from 1e-4 to 1e4, one of them constant."""
    X = np.random.default_rng(0).normal(size=(60, 6)) * np.logspace(-4, 4, 6) + [0, 1, 2, 3, 4, 5]
    X[:, 2] = 7.25
    return X


@pytest.mark.parametrize("name", SCALERS)
def test_scaler(name, rows):
    check(SCALERS[name]().fit(rows), rows)


@pytest.mark.parametrize("name", [n for n in SCALERS if n.endswith("clip")])
def test_clipping_beyond_the_fitted_range(name, rows):
    scaler = SCALERS[name]().fit(rows[:10])
    content = check(scaler, rows)
    far = np.concatenate([rows * 100, rows * -100])
    assert np.abs(answers(content, far)["variable"]).max() == 1.0


@pytest.mark.parametrize("name", ["standard", "robust", "min-max", "min-max-clip"])
@pytest.mark.parametrize("mean", [1e5, 1e6, -1e6], ids="{:g}".format)
def test_a_large_mean_costs_nothing(name, mean):
    """scikit-learn on the very same float32 values is met to 1e-6, not to the 0.06 of an ulp."""
    X = np.random.default_rng(1).normal(mean, 1.0, (200, 3)).astype(np.float32).astype(np.float64)
    scaler = SCALERS[name]().fit(X)
    content = graph_of(scaler, X)
    assert np.abs(answers(content, X)["variable"] - scaler.transform(X)).max() < 1e-6


def test_a_large_mean_in_float64_data_needs_float64_inputs():
    X = np.random.default_rng(2).normal(1e6, 1.0, (200, 3))
    scaler = StandardScaler().fit(X)
    content = export_proven(scaler, X)
    assert answers(content, X)["variable"].dtype == np.float64
    assert np.abs(answers(content, X)["variable"] - scaler.transform(X)).max() < 1e-9


def test_a_scaled_model_on_a_large_mean():
    rng = np.random.default_rng(3)
    X = rng.normal([1e5, 0, -1e5], [1, 1, 3], (200, 3))
    y = X @ [1.0, 2.0, -0.5] + rng.normal(size=200)
    check(make_pipeline(StandardScaler(), LinearRegression()).fit(X, y), X, y)


@pytest.mark.parametrize("name", ["standard", "robust", "max-abs", "min-max"])
def test_nan_passes_through(name, rows):
    rows[3, 1] = rows[7, 5] = np.nan
    scaler = SCALERS[name]().fit(rows)
    got = answers(export_proven(scaler, rows), rows)["variable"]
    np.testing.assert_array_equal(np.isnan(got), np.isnan(rows))
