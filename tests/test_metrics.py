"""The one module of measures: what is right, in the column's own scale, and by how much not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.metrics import (
    ROUNDINGS,
    TOLERANCE,
    agreement,
    deviation,
    losses,
    max_abs,
    mean_abs,
    nmse,
    same_labels,
    scale_of,
    scales_of,
    squares,
)

FACTORS = st.floats(-9, 9).map(lambda e: 10.0**e)
OFFSETS = st.one_of(st.just(0.0), st.floats(-1e9, 1e9))  # in standard deviations
SEEDS = st.integers(0, 2**32 - 1)


def numbers(*values):
    return {"variable": np.array(values, dtype=np.float64)}


def off(reference, got):
    """How far `got` is off, by the scale of the reference itself."""
    return deviation(reference, got, scales_of(reference))[0]


@settings(max_examples=200, deadline=None)
@given(SEEDS, FACTORS, OFFSETS, st.sampled_from([1e-3, 0.1, 10.0]))
def test_what_is_measured_does_not_change_with_the_unit_and_the_zero(seed, factor, offset, size):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(50, 2))
    got = y + size * rng.normal(size=y.shape)
    moved, other = (numbers(*(factor * (v + offset))) for v in (y, got))
    plain = numbers(*y), numbers(*got)
    assert off(moved, other) == pytest.approx(off(*plain), rel=1e-2)
    assert nmse(moved, other) == pytest.approx(nmse(*plain), rel=1e-2)
    assert max_abs(moved, other) == pytest.approx(factor * max_abs(*plain), rel=1e-2)


@settings(max_examples=100, deadline=None)
@given(SEEDS, FACTORS, OFFSETS)
def test_right_is_told_from_wrong_in_every_unit(seed, factor, offset):
    y = np.random.default_rng(seed).normal(size=(50, 1))
    for share, right in ((0.9, True), (1.2, False)):
        got = y.copy()
        got[7] += share * TOLERANCE * max(y.std(), abs(y[7, 0] - y.mean()))
        found = off(numbers(*(factor * (y + offset))), numbers(*(factor * (got + offset))))
        assert (found <= TOLERANCE) == right


def test_deviation_by_hand():
    # Mean 0, standard deviation 1: the outer row, 3 off, counts by its distance from the mean.
    y = np.array([-1.0, 1.0, -1.0, 1.0])
    scales = scales_of(numbers(*y))
    assert deviation(numbers(1.0), numbers(1.5), scales) == (0.5, 1.0)
    assert deviation(numbers(6.0), numbers(9.0), scales) == (0.5, 1.0)
    assert deviation(numbers(6.0, 1.0), numbers(6.0), scales)[0] == np.inf


@pytest.mark.parametrize(
    ("reference", "got", "wanted"),
    [
        ([5.0, 5.0], [5.0, 5.0], 0.0),
        ([5.0, 5.0], [5.0, 5.5], 0.1),
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        ([0.0, 0.0], [0.0, 1e-9], np.inf),
        ([0.0, 0.0], [0.0, 1e-39], 0.0),
        ([1e-300, 2e-300], [0.0, 0.0], 0.0),
        ([np.nan, 1.0, 3.0], [np.nan, 1.0, 3.0], 0.0),
        ([np.nan, 1.0, 3.0], [0.0, 1.0, 3.0], np.inf),
        ([0.0, 1.0, 3.0], [np.nan, 1.0, 3.0], np.inf),
        ([np.inf, 1.0, 3.0], [np.inf, 1.0, 3.5], 0.5),
        ([np.inf, 1.0, 3.0], [-np.inf, 1.0, 3.0], np.inf),
        ([np.inf, 1.0, 3.0], [1e30, 1.0, 3.0], np.inf),
        ([], [], 0.0),
    ],
    ids=str,
)
def test_deviation_of_what_is_constant_tiny_or_not_finite(reference, got, wanted):
    assert off(numbers(*reference), numbers(*got)) == pytest.approx(wanted)


def test_the_rounding_of_the_reference_is_held_against_no_one():
    y = np.array([[1e9], [1e9 + 1.0]])
    alone = scale_of(y)
    moved = scale_of(y, np.array([1e-2]))
    got = {"variable": y + 1e-2 * ROUNDINGS}
    by_spread, by_rounding = (
        deviation({"variable": y}, got, {"variable": scale})[0] for scale in (alone, moved)
    )
    assert by_spread > TOLERANCE
    assert by_rounding == pytest.approx(TOLERANCE, rel=1e-3)


@pytest.mark.parametrize(
    ("expected", "got", "wanted"),
    [
        (numbers(1.0, 3.0), numbers(1.0, 3.0), 0.0),
        (numbers(1.0, 3.0), numbers(2.0, 4.0), 1.0),
        (numbers(0.0, 10.0), numbers(1.0, 10.0), 0.02),
        (numbers(2.0, 2.0), numbers(2.0, 2.0), 0.0),
        (numbers(2.0, 2.0), numbers(2.0, 2.2), 0.005),
        (numbers(0.0, 0.0), numbers(0.0, 1e-3), np.inf),
        (numbers(0.0, 0.0), numbers(0.0, 1e-7), 0.0),
        (numbers(0.0, 2.0), numbers(np.nan, 2.0), np.inf),
        (numbers(np.nan, 0.0, 2.0), numbers(5.0, 0.0, 2.0), np.inf),
        (numbers(np.nan, 0.0, 2.0), numbers(np.nan, 1.0, 2.0), 1 / 3),
        (numbers(np.inf, 0.0, 2.0), numbers(np.inf, 0.0, 2.0), 0.0),
        (numbers(np.inf, 0.0, 2.0), numbers(-np.inf, 0.0, 2.0), np.inf),
        (numbers(1.0, 3.0), numbers(1.0), np.inf),
        (numbers(), numbers(), 0.0),
        ({"label": np.array(["a"])}, {"label": np.array(["b"])}, None),
    ],
    ids=[
        "same", "off-by-sd", "one-off", "constant-met", "constant-missed", "zero-missed",
        "zero-nearly-met", "nan-in-one", "nan-in-the-other", "nan-in-both", "infinity-in-both",
        "infinity-of-the-other-sign", "other-shape", "no-rows", "labels-do-not-count",
    ],
)  # fmt: skip
def test_nmse(expected, got, wanted):
    found = nmse(expected, got)
    assert found == wanted if wanted is None else found == pytest.approx(wanted)


def test_nmse_is_that_of_the_worst_column_and_output():
    y = np.array([0.0, 2.0, 0.0, 2.0])
    columns = np.column_stack([y, 1000 + y, -1000 + 5 * y])
    got = columns + np.array([0.0, 0.5, 0.5])
    assert nmse({"variable": columns}, {"variable": got}) == pytest.approx(0.25)
    expected = {"variable": y, "scores": y}
    assert nmse(expected, {"variable": y, "scores": y + 0.5}) == pytest.approx(0.25)


def test_columns_of_probabilities_and_scores_are_taken_together():
    y = np.array([0.0, 2.0, 0.0, 2.0])
    columns = np.column_stack([y, 1000 + y / 10, np.full(4, 1000.0)])
    got = columns + np.array([0.0, 0.1, 0.0])
    # Squares 0.01, of the variances 1 + 0.01; a column's one value is no spread.
    for name in ("probabilities", "scores"):
        assert nmse({name: columns}, {name: got}) == pytest.approx(0.01 / 1.01)
        assert squares({name: columns}, {name: got})[name].shape == (4, 1)
    assert nmse({"variable": columns}, {"variable": got}) == pytest.approx(1.0)
    constant = {"scores": np.full((4, 2), 10.0)}
    assert nmse(constant, {"scores": np.full((4, 2), 11.0)}) == pytest.approx(0.01)


def test_the_mean_of_the_squares_is_the_nmse():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(30, 3))
    expected, got = {"variable": y}, {"variable": y + rng.normal(size=y.shape)}
    shares = squares(expected, got)["variable"]
    assert shares.shape == y.shape
    assert shares.mean(axis=0).max() == pytest.approx(nmse(expected, got))
    by_hand = (np.square(got["variable"] - y).mean(axis=0) / y.var(axis=0)).max()
    assert nmse(expected, got) == pytest.approx(by_hand)


def test_absolute_differences_are_over_all_numbers():
    expected = {"variable": np.array([1.0, 2.0]), "scores": np.array([[0.0], [4.0]])}
    got = {"variable": np.array([1.0, 2.5]), "scores": np.array([[0.0], [1.0]])}
    assert max_abs(expected, got) == 3.0
    assert mean_abs(expected, got) == pytest.approx(3.5 / 4)
    assert max_abs({"label": np.array([1])}, {"label": np.array([2])}) is None


@pytest.mark.parametrize(
    ("a", "b", "share"),
    [
        (["x", "y"], np.array(["x", "y"], dtype=object), 1.0),
        (np.array(["x", None, np.nan], dtype=object), ["x", "", ""], 1.0),
        (["x", "y"], ["x", "z"], 0.5),
        ([1, 2], [1.0, 2.0], 1.0),
        ([1, 2], ["1", "2"], 0.0),
        ([True, False], [1, 0], 1.0),
        ([[1, 2], [3, 4]], [[1, 2], [3, 5]], 0.5),
        ([1, 2], [[1, 1], [2, 2]], 0.0),
        ([1, 2], [1], 0.0),
    ],
)
def test_labels(a, b, share):
    a, b = np.asarray(a), np.asarray(b)
    assert same_labels(a, b).mean() == share
    assert agreement({"label": a}, {"label": b}) == share


def test_the_least_agreement_of_labels_and_text_counts():
    expected = {"label": np.array([1, 2]), "variable": np.array([["a"], ["b"]], dtype=object)}
    got = {"label": np.array([1, 2]), "variable": np.array([["a"], ["c"]], dtype=object)}
    assert losses(expected, got) == (0.0, 0.5)
    assert losses(numbers(1.0, 3.0), numbers(2.0, 4.0)) == (1.0, 1.0)
