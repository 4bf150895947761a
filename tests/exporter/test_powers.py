"""Sums of polynomial kernels as one polynomial are those of the kernels."""

from __future__ import annotations

import numpy as np
import pytest

from tests.exporter.test_neighbours_exact import runner
from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.powers import as_form
from toolkit.exporter.tuning import LATENCY, THROUGHPUT
from toolkit.exporter.values import Matrix

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("tune", [LATENCY, THROUGHPUT])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("degree", [1, 2, 3])
def test_sums_are_those_of_the_kernels(degree: int, outputs: int, dtype: str, tune: str) -> None:
    points, dual = RNG.normal(size=(900, 4)), RNG.normal(size=(900, outputs))
    offset = RNG.normal(size=outputs)
    g = Conversion(dispatch=lambda *_: {}, tune=tune)
    x = Matrix("X", dtype, 4)
    found = as_form(g, x, points, (0.3, 0.7, degree), dual, offset)
    assert found is not None
    run = runner(g, x, {"sums": found})
    rows = RNG.normal(size=(1500, 4)).astype(np.float32).astype(float)
    wanted = (0.3 * rows @ points.T + 0.7) ** degree @ dual + offset
    for batch in (0, 1, 2, 1500):
        (got,) = run(rows[:batch])
        np.testing.assert_allclose(got, wanted[:batch], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("points", "degree"),
    [
        (RNG.normal(size=(900, 4)), 4),
        (RNG.normal(size=(900, 4)), 2.5),
        (RNG.normal(size=(20, 4)), 3),
        (RNG.normal(size=(900, 60)), 3),
    ],
    ids=["degree", "fraction", "few-points", "many-columns"],
)
def test_where_kernels_are_cheaper_they_stay(points: np.ndarray, degree: float) -> None:
    g = Conversion(dispatch=lambda *_: {})
    x = Matrix("X", "float32", points.shape[1])
    kernel = (1.0, 1.0, degree)
    assert as_form(g, x, points, kernel, np.ones((len(points), 1)), np.zeros(1)) is None
    assert not g.nodes


def test_terms_that_cancel_stay_kernels() -> None:
    points = 1e4 * np.repeat(RNG.normal(size=(200, 2)), 2, axis=0)
    dual = np.tile([[1.0], [-1.0]], (200, 1))
    g = Conversion(dispatch=lambda *_: {})
    assert as_form(g, Matrix("X", "float32", 2), points, (1.0, 0.0, 3), dual, np.zeros(1)) is None
