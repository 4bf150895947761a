"""Sums of Gaussian kernels keep to float64 in each of their precisions, at any batch."""

from __future__ import annotations

import numpy as np
import pytest

from tests.exporter.test_neighbours_exact import Run, runner
from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.batching import batch_rows
from toolkit.exporter.formulas.gaussian import signed, summed
from toolkit.exporter.formulas.gaussian_terms import Gaussians
from toolkit.exporter.values import Matrix

RNG = np.random.default_rng(0)


def graph(sums: Gaussians, dtype: str = "float32") -> tuple[Run, str]:
    """Return the graph of the sums, and the type in which it gives them."""
    g = Conversion(dispatch=lambda *_: {})
    x = Matrix("X", dtype, sums.points.shape[1])
    found = summed(g, x, sums)
    return runner(g, x, {"sums": found}), found.dtype


def expected(sums: Gaussians, rows: np.ndarray) -> np.ndarray:
    differences = (rows[:, None, :] - sums.points[None]) / sums.scale
    return np.exp(-sums.gamma * (differences**2).sum(axis=2)) @ sums.dual + sums.offset


def of(count: int, width: int, outputs: int = 1, **more: object) -> Gaussians:
    """Return sums whose terms are small."""
    points = RNG.normal(size=(count, width)).astype(np.float32).astype(float)
    dual = RNG.normal(size=(count, outputs)) / np.sqrt(count)
    given = {"scale": 1.0, "gamma": 0.5 / width} | more
    return Gaussians(points, given["gamma"], dual, RNG.normal(size=outputs), given["scale"])


def cancelling(noise: float, outputs: int = 1, **more: object) -> Gaussians:
    """Return sums as of a Gaussian process: large terms that cancel to numbers near 1."""
    sums = of(400, 3, outputs, **more)
    apart = (sums.points[:, None, :] - sums.points[None]) / sums.scale
    kernels = np.exp(-sums.gamma * (apart**2).sum(axis=2))
    targets = np.sin(sums.points[:, :1] * np.arange(1, outputs + 1))
    dual = np.linalg.solve(kernels + noise * np.eye(len(kernels)), targets)
    return Gaussians(sums.points, sums.gamma, dual, sums.offset, sums.scale)


SUMS = {
    "one": (of(1, 3), "float32"),
    "few": (of(30, 3), "float32"),
    "a-block": (of(128, 3), "float32"),
    "and-one-more": (of(129, 3), "float32"),
    "several": (of(1000, 4, outputs=3), "float32"),
    "long": (of(3000, 4), "float32"),
    "wide": (of(300, 60), "float32"),
    "wide-several": (of(300, 60, outputs=2), "float32"),
    "scales": (of(500, 3, scale=np.array([0.5, 1.0, 4.0])), "float32"),
    "mixed": (cancelling(1e-5), "float64"),
    "mixed-several": (cancelling(1e-5, outputs=2), "float64"),
    "double": (cancelling(1e-7), "float64"),
    "double-scales": (cancelling(1e-7, scale=np.array([0.5, 1.0, 2.0])), "float64"),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SUMS)
def test_sums_are_those_of_float64(name: str, dtype: str) -> None:
    sums, precision = SUMS[name]
    run, found = graph(sums, dtype)
    assert found == precision, "the case is no longer one of this precision"
    chunk = batch_rows(len(sums.points), sums.points.shape[1])
    rows = RNG.normal(size=(2 * chunk + 1, sums.points.shape[1])).astype(np.float32).astype(float)
    wanted = expected(sums, rows)
    for batch in (0, 1, 4, 5, chunk, chunk + 1, len(rows)):
        (got,) = run(rows[:batch])
        assert got.shape == (batch, sums.dual.shape[1])
        # What the choice of the precision allows on its probes (5e-5), with room for other rows.
        error = np.abs(got - wanted[:batch]) / np.maximum(1.0, np.abs(wanted[:batch]))
        assert error.max(initial=0.0) <= 8e-5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_offsets_cost_nothing(dtype: str) -> None:
    sums = of(300, 3)
    moved = Gaussians(sums.points + 2.0**20, sums.gamma, sums.dual, sums.offset)
    run, found = graph(moved, dtype)
    rows = (RNG.normal(size=(50, 3)) + 2.0**20).astype(np.float32).astype(float)
    assert found == "float32"
    np.testing.assert_allclose(run(rows)[0], expected(moved, rows), atol=2e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("far", [1e2, 1e6, 1e12, 1e18, 1e30])
def test_far_rows_have_no_kernel_and_no_overflow(far: float, dtype: str) -> None:
    sums, _ = SUMS["long"]
    run, _ = graph(sums, dtype)
    rows = far * np.array([[1.0, -1, 1, -1], [1, 1, 1, 1], [0, 0, 0, 1]])
    for batch in (1, 3):
        wanted = np.broadcast_to(sums.offset, (batch, 1))
        np.testing.assert_allclose(run(rows[:batch])[0], wanted, rtol=1e-6)


def test_points_themselves_are_at_distance_0() -> None:
    sums = of(600, 3, gamma=1e6)
    alone = Gaussians(sums.points, sums.gamma, sums.dual, sums.offset)
    run, _ = graph(alone)
    got = run(sums.points[:200])[0]
    np.testing.assert_allclose(got, expected(alone, sums.points[:200]), atol=8e-5)


@pytest.mark.parametrize("rows", [3, 200])
def test_signs_are_those_of_float64(rows: int) -> None:
    """Mirrored points with opposite duals: on the mirror the sums are 0, and beside it nearly."""
    half = np.round(RNG.normal(size=(150, 3)) * 64) / 64
    points = np.concatenate([half, half * [-1, 1, 1]])
    dual = RNG.normal(size=(150, 1)) / 12
    sums = Gaussians(points, 0.5, np.concatenate([dual, -dual]), np.zeros(1))
    g = Conversion(dispatch=lambda *_: {})
    x = Matrix("X", "float32", 3)
    run = runner(g, x, {"sums": signed(g, x, sums)})
    given = RNG.normal(size=(rows, 3)).astype(np.float32).astype(float)
    given[::2, 0] = 0.0
    given[1::4, 0] = 1e-7
    wanted, (got,) = expected(sums, given), run(given)
    np.testing.assert_allclose(got, wanted, atol=8e-5)
    np.testing.assert_allclose(
        got[np.abs(wanted) < 1e-4], wanted[np.abs(wanted) < 1e-4], atol=1e-12
    )
    assert (np.abs(wanted[1::4]) < 1e-5).all()
    assert (np.sign(got[1::2]) == np.sign(wanted[1::2])).all()
