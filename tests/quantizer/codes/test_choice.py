"""Which codes are chosen, and by which error."""

from __future__ import annotations

import numpy as np
import pytest

from tests.quantizer.sample_graphs import WIDTH, floats
from toolkit.quantizer.codes.affine import encode
from toolkit.quantizer.codes.choice import (
    FEW_BYTES,
    MOST_INPUTS,
    _encoded,
    choose,
    choose_stored,
    output_error,
    second_moments,
)

NEGLIGIBLE = 1e-7


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("outputs", [1, 3, 40])
def test_choose_picks_among_the_candidates_by_its_rule(seed, outputs):
    rng = np.random.default_rng(seed)
    scales = 2.0 ** rng.integers(-8, 8, WIDTH)
    inputs = (rng.normal(size=(300, WIDTH)) * scales).astype(np.float32)
    values = rng.normal(size=(WIDTH, outputs)) / scales[:, None] ** rng.choice([0, 1])
    values = values.astype(np.float32)
    moments = second_moments(inputs)
    found = [
        (output_error(values, c, moments), len(c.to_bytes())) for c in _encoded(values, 8, moments)
    ]
    error, chosen = choose(values, inputs, 8, NEGLIGIBLE)
    assert error == output_error(values, chosen, moments)
    assert (error, len(chosen.to_bytes())) in found
    if outputs < 40:  # a few bytes: the most accurate
        assert error == min(e for e, s in found if s <= FEW_BYTES)
    else:
        scores = [max(e, NEGLIGIBLE) * 4 ** (8 * s / values.size) for e, s in found]
        worth = max(error, NEGLIGIBLE) * 4 ** (8 * len(chosen.to_bytes()) / values.size)
        assert worth == min(scores)


def test_a_lone_extreme_counts_beside_the_covariance():
    inputs = np.random.default_rng(0).normal(size=(1000, 2))
    inputs[0, 1] = 500.0
    moments = second_moments(inputs)
    covariance = np.cov(inputs, rowvar=False, bias=True)
    assert moments[0, 0] == pytest.approx(covariance[0, 0], rel=0.2)
    assert moments[1, 1] > 2 * covariance[1, 1]
    assert moments[0, 1] == pytest.approx(covariance[0, 1])


def test_the_output_error_is_what_is_left_after_the_mean():
    rng = np.random.default_rng(0)
    inputs = rng.normal(2.0, 1.0, (4000, WIDTH)).astype(np.float32)
    values = rng.normal(size=(WIDTH, 2)).astype(np.float32)
    codes = encode(values, per_column=False, bits=4)
    covariance = np.cov(inputs.astype(np.float64), rowvar=False, bias=True)
    exact, coded = (inputs.astype(np.float64) @ w for w in (values, codes.decode()))
    apart = coded - exact
    expected = (apart - apart.mean(axis=0)).var(axis=0).sum() / exact.var(axis=0).sum()
    assert output_error(values, codes, covariance) == pytest.approx(expected, rel=1e-6)


def test_inputs_that_never_vary_are_no_division_by_zero():
    _, chosen = choose(floats(WIDTH, 2), np.ones((50, WIDTH), np.float32), 8, NEGLIGIBLE)
    assert np.isfinite(chosen.decode()).all()


def test_one_input_and_one_row():
    values = floats(1, 1)
    _, chosen = choose(values, np.ones((1, 1), np.float32), 8, NEGLIGIBLE)
    assert chosen.decode() == pytest.approx(values, rel=1e-2)


def test_many_inputs_are_judged_by_the_rows_themselves():
    """Beyond MOST_INPUTS no matrix of moments is made; the error is the same formula."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(60, MOST_INPUTS + 1))
    values = rng.normal(size=(MOST_INPUTS + 1, 1))
    error, chosen = choose(values, inputs, 8, NEGLIGIBLE)
    centred = inputs - inputs.mean(axis=0)
    lost = np.square(centred @ (chosen.decode() - values)).sum()
    assert error == pytest.approx(lost / np.square(centred @ values).sum(), rel=1e-9)
    assert error < 1e-4


def test_stored_tensors_take_what_is_worth_its_bytes():
    values = np.random.default_rng(0).normal(size=(200, 8))
    asked = []

    def lost(decoded):
        asked.append(float(np.square(decoded - values).mean()))
        return asked[-1]

    error, codes = choose_stored(values, 8, 0.0, lost)
    assert error == np.square(codes.decode() - values).mean()
    assert error <= 8 * min(asked)  # a bit and a half a number, for which nothing is paid


def test_values_that_no_codes_can_hold():
    with pytest.raises(ValueError, match="no codes can hold"):
        choose(np.array([[1e300], [-1e300]]), np.ones((5, 2)), 8, NEGLIGIBLE)
