"""Grids of decimals: found, walked along, and parted by float32 thresholds as float64 ones do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.exporter.grid import FLOAT32, FLOAT64, Grid, between, grid_of, refined

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("values", "grid"),
    [
        (np.array([1.0, 5.0, np.nan, -3.0]), Grid(0)),
        (np.round(RNG.normal(size=99) * 100, 2), Grid(2)),
        (np.array([0.1, 1 / 3]), Grid(dtype=FLOAT64)),
        (RNG.normal(size=9).astype(np.float32).astype(float), Grid(dtype=FLOAT32)),
        (100_000 + np.arange(9) / 128, Grid(dtype=FLOAT32)),
        (np.array([1.7e9 + 1]), Grid(0)),
        (np.array([2**40 + 1]), Grid(0)),
        (np.array([np.nan, np.inf]), Grid(0)),
    ],
    ids=str,
)
def test_the_coarsest_grid_that_holds_all(values, grid):
    assert grid_of(values) == grid


DECIMALS = st.integers(0, 4)


@given(DECIMALS, st.integers(-20_000, 20_000), st.floats(-0.49, 0.49))
def test_the_grid_next_to_a_number(decimals, whole, off):
    grid = Grid(decimals)
    number = whole / 10**decimals
    assert grid.snapped(np.array([(whole + off) / 10**decimals]))[0] == number
    near = grid.around(np.array([number]))[0]
    assert number in near
    assert (np.diff(near) > 0).all()
    assert near.tolist() == [float(f"{v:.{decimals}f}") for v in near]


@given(DECIMALS, st.integers(-20_000, 20_000), st.sampled_from([0, 1e-17, 1e-9, 0.25, 0.5, 0.999]))
def test_a_threshold_in_float32_parts_the_grid_as_in_float64(decimals, whole, off):
    """Whatever lies between two numbers of the grid, and on one but for its rounding."""
    grid, number = Grid(decimals), whole / 10**decimals
    for limit in (number + off / 10**decimals, np.nextafter(number, -np.inf)):
        found = between(np.array([limit]), grid)[0]
        near = grid.around(np.array([limit]))[0]
        np.testing.assert_array_equal(near.astype(np.float32) <= found, near <= limit)


def test_a_number_inside_an_interval_or_none():
    grid = Grid(1)
    low, high = np.array([0.31, 0.31, -np.inf, 5.0]), np.array([0.39, 0.45, 2.0, np.inf])
    found = grid.inside(low, high)
    assert np.isnan(found[0])
    assert found[1] == 0.4
    assert found[2] <= 2.0
    assert found[3] > 5.0


def test_thresholds_refine_a_grid():
    fine = np.round(RNG.uniform(0, 50, 400), 2)
    limits = (fine[:-1] + fine[1:]) / 2
    assert refined({"X": (Grid(0),)}, {("X", 0): limits})["X"] == (Grid(2),)
    assert refined({"X": (Grid(2),)}, {("X", 0): limits})["X"] == (Grid(2),)
    assert refined({"X": (Grid(3),)}, {("X", 0): limits})["X"] == (Grid(3),)
    anything = RNG.normal(size=400)
    assert refined({"X": (Grid(0),)}, {("X", 0): anything})["X"] == (Grid(),)
    assert refined({"X": (Grid(0),)}, {("X", 0): np.array([0.5, 7.5])})["X"] == (Grid(0),)
