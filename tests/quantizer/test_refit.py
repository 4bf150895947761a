"""Ridge regression, and what is fitted with it to what the layers before have become."""

from __future__ import annotations

import numpy as np
import pytest

from toolkit.quantizer.refit import refit, refitted_bias, ridge, short_bias


@pytest.mark.parametrize("shape", [(40, 6), (6, 40), (12, 12)], ids=["rows", "unknowns", "square"])
def test_ridge_is_least_squares_with_a_penalty(shape: tuple[int, int]) -> None:
    """Both forms, against rows √λ · I appended to the equations."""
    rng = np.random.default_rng(0)
    A, Y = rng.normal(size=shape), rng.normal(size=(shape[0], 2))
    solved = ridge(A, Y)
    for penalty in (1e-3, 1.0, 100.0):
        longer = np.vstack([A, np.sqrt(penalty) * np.eye(shape[1])])
        wanted = np.vstack([Y, np.zeros((shape[1], 2))])
        expected = np.linalg.lstsq(longer, wanted, rcond=None)[0]
        np.testing.assert_allclose(solved(penalty), expected, rtol=1e-8, atol=1e-10)


def test_ridge_with_a_penalty_that_is_lost_in_rounding() -> None:
    """Kernels that are 0 everywhere, or alike: one of the best solutions, and no error."""
    Y = np.arange(4.0).reshape(-1, 1)
    np.testing.assert_array_equal(ridge(np.zeros((4, 2)), Y)(0.0), np.zeros((2, 1)))
    found = ridge(np.full((4, 2), 1e9), Y)(1e-9)
    np.testing.assert_allclose(1e9 * found.sum(), Y.mean())


def test_refit_makes_good_for_changed_activations() -> None:
    rng = np.random.default_rng(3)
    A = rng.normal(size=(200, 30))
    weight = rng.normal(size=(30, 1)).astype(np.float32)
    wanted = A @ weight
    changed = A * rng.uniform(0.7, 1.3, size=30)
    alone = np.arange(200) % 4 == 0
    better = refit(weight, changed, wanted, alone)
    before = np.square(changed @ weight - wanted).mean()
    assert np.square(changed @ better - wanted).mean() < before / 2


def test_refit_changes_nothing_where_nothing_is_missing() -> None:
    A = np.random.default_rng(4).normal(size=(50, 5))
    weight = np.ones((5, 1), dtype=np.float32)
    assert refit(weight, A, A @ weight, np.arange(50) % 4 == 0) is weight


def test_refit_of_inputs_that_are_all_zero_changes_nothing() -> None:
    weight = np.ones((5, 1), dtype=np.float32)
    assert refit(weight, np.zeros((40, 5)), np.ones((40, 1)), np.arange(40) % 4 == 0) is weight


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3,), (1, 3)], ids=str)
def test_the_mean_of_the_output_stays(shape: tuple[int, ...], dtype: type) -> None:
    rng = np.random.default_rng(1)
    bias = rng.normal(size=shape).astype(dtype)
    before = rng.normal(size=(50, 3))
    after = before + rng.normal(size=(50, 3)) / 10 - 0.5
    better = refitted_bias(bias, before, after)
    assert better.dtype == bias.dtype
    assert better.shape == shape
    np.testing.assert_allclose((after + better - bias).mean(axis=0), before.mean(axis=0), atol=1e-6)


def test_a_bias_is_short_unless_it_is_large_beside_what_varies() -> None:
    bias = np.array([1e9 + 0.123, 0.1])
    assert np.array_equal(short_bias(bias, np.array([0.0, 1.0])), bias)
    short = short_bias(bias, np.array([0.0, 1e9]))
    assert short.dtype == np.float64
    assert np.array_equal(short, bias.astype(np.float32))
