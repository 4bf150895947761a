"""Radius neighbours: points are in reach as scikit-learn has it, at any batch and on the radius."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import RadiusNeighborsClassifier, RadiusNeighborsRegressor

from tests.exporter.test_neighbours_exact import Run, runner
from toolkit.exporter.conversion import Conversion
from toolkit.exporter.converters.neighbours import radius_classifier, radius_regressor
from toolkit.exporter.formulas.batching import batch_rows
from toolkit.exporter.values import Matrix

RNG = np.random.default_rng(0)


def graph(model: Any, width: int, dtype: str = "float32") -> Run:
    g = Conversion(dispatch=lambda *_: {})
    x = Matrix("X", dtype, width)
    convert = radius_classifier if hasattr(model, "classes_") else radius_regressor
    return runner(g, x, {name: g.upright(m) for name, m in convert(model, x, g).items()})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("offset", [0.0, 2.0**20])
def test_means_at_any_batch(offset: float, dtype: str) -> None:
    X = RNG.normal(size=(700, 4)).astype(np.float32) + offset
    y = RNG.normal(size=(700, 2)) + 1000.0
    model = RadiusNeighborsRegressor(1.3).fit(X, y)
    run = graph(model, 4, dtype)
    chunk = batch_rows(len(X), 4)
    rows = (
        X[RNG.integers(0, 700, 2 * chunk + 1)] + RNG.normal(size=(2 * chunk + 1, 4)) / 8
    ).astype(np.float32)
    wanted = model.predict(rows.astype(np.float64))
    for batch in (0, 1, 2, chunk, chunk + 1, len(rows)):
        (got,) = run(rows[:batch].astype(np.float64))
        # Sums of some hundred deviations in float32, and the output's own rounding at 1,000.
        np.testing.assert_allclose(got, wanted[:batch], atol=2e-4, rtol=0)


@pytest.mark.parametrize("rows", [1, 300])
def test_points_on_the_radius_are_in_reach(rows: int) -> None:
    """On a grid many points are just at the radius: float32 alone would guess."""
    X = RNG.integers(-8, 9, size=(500, 3)) / 3.0
    y = RNG.integers(0, 3, 500)
    model = RadiusNeighborsClassifier(5.0 / 3.0, outlier_label=7).fit(X, y)
    run = graph(model, 3, "float64")
    given = RNG.integers(-12, 13, size=(rows, 3)) / 3.0
    label, shares = run(given)
    np.testing.assert_array_equal(label[:, 0], model.predict(given))
    np.testing.assert_allclose(shares, model.predict_proba(given), atol=1e-12)


@pytest.mark.parametrize("nudge", [-1e-6, -1e-9, 0.0, 1e-9, 1e-6])
def test_distances_next_to_the_radius(nudge: float) -> None:
    X = np.array([[0.0, 0.0], [100.0, 0.0]])
    model = RadiusNeighborsRegressor(1.0).fit(X, [3.0, 5.0])
    run = graph(model, 2, "float64")
    given = np.array([[1.0 + nudge, 0.0], [99.0 - nudge, 0.0], [0.5, 0.5]])
    with np.errstate(invalid="ignore"):
        wanted = model.predict(given)
    np.testing.assert_array_equal(run(given)[0][:, 0], wanted)


@pytest.mark.parametrize("far", [1e4, 1e12, 1e20, 1e37])
def test_far_rows_reach_nothing(far: float) -> None:
    X = RNG.normal(size=(60, 3))
    model = RadiusNeighborsClassifier(1.0, outlier_label=9).fit(X, RNG.integers(0, 2, 60))
    run = graph(model, 3)
    label, shares = run(far * np.array([[1.0, -1, 1], [0, 0, 1]]))
    np.testing.assert_array_equal(label[:, 0], [9, 9])
    np.testing.assert_array_equal(shares, np.zeros((2, 2)))
