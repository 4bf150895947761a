"""Codes that keep the layer's output: never worse than the nearest ones, and on their grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from toolkit.quantizer.codes import affine, companded, mantissa
from toolkit.quantizer.codes.rounding import refine
from toolkit.runtime.pack.cursor import Cursor
from toolkit.runtime.pack.encodings import DECODERS, FLOAT32

LARGEST = float(np.float32(1e30))
FINITE = st.floats(-LARGEST, LARGEST, width=32)
COLUMNS = st.integers(1, 12).flatmap(lambda n: arrays(np.float32, (n, 1), elements=FINITE))
MATRICES = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=FINITE)
)


def correlated(width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(400, width)) @ rng.normal(size=(width, width))
    return np.cov(rows, rowvar=False).reshape(width, width)


def error(values: np.ndarray, decoded: np.ndarray, covariance: np.ndarray) -> float:
    delta = values.astype(np.float64) - decoded
    return float(np.trace(delta.T @ covariance @ delta))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("per_column", [False, True])
def test_refined_affine_codes_lower_the_output_error(seed: int, per_column: bool) -> None:
    weights = np.random.default_rng(seed).normal(size=(16, 4)).astype(np.float32)
    covariance = correlated(16, seed)
    nearest = affine.encode(weights, per_column=per_column, bits=4)
    better = refine(weights, nearest, covariance)
    before = error(weights, nearest.decode(), covariance)
    assert error(weights, better.decode(), covariance) < 0.9 * before
    assert better.codes.max() <= 15
    assert better.codes.dtype == nearest.codes.dtype
    assert len(better.to_bytes()) == len(nearest.to_bytes())


def test_refining_leaves_exact_codes_alone() -> None:
    weights = np.arange(12, dtype=np.float32).reshape(4, 3)
    codes = affine.encode(weights, per_column=False)
    assert refine(weights, codes, correlated(4)) is codes


def test_refining_with_inputs_that_do_not_vary_keeps_the_nearest_codes() -> None:
    weights = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    nearest = affine.encode(weights, per_column=False)
    assert refine(weights, nearest, np.zeros((5, 5))) is nearest
    covariance = np.diag([1.0, 0.0, 2.0, 0.0, 1.0])
    refined = refine(weights, nearest, covariance)
    np.testing.assert_array_equal(refined.codes[[1, 3]], nearest.codes[[1, 3]])


@settings(max_examples=200)
@given(values=COLUMNS)
def test_mantissa_codes_round_every_weight_to_a_relative_error(values: np.ndarray) -> None:
    codes = mantissa.encode(values)
    decoded = read_back(codes, values.shape)
    np.testing.assert_array_equal(decoded, codes.decode())
    large = np.abs(values) >= 2.0**-126
    relative = np.abs(decoded[large].astype(np.float64) - values[large]) / np.abs(values[large])
    assert (relative <= 2.0**-9).all()
    assert (np.abs(decoded[~large]) <= 2.0**-125).all()
    assert (decoded[values == 0] == 0).all()


def test_refined_mantissas_stay_on_their_grid() -> None:
    weights = (np.random.default_rng(1).normal(size=(20, 1)) ** 5).astype(np.float32)
    nearest = mantissa.encode(weights)
    refined = refine(weights, nearest, correlated(20))
    assert (
        (np.abs(refined.codes) >= mantissa.LEAST_MANTISSA)
        & (np.abs(refined.codes) <= mantissa.MOST_MANTISSA)
    ).all()
    np.testing.assert_array_equal(np.sign(refined.codes), np.sign(nearest.codes))
    np.testing.assert_array_equal(read_back(refined, weights.shape), refined.decode())


@settings(max_examples=200)
@given(values=MATRICES, axis=st.sampled_from([0, 1]))
def test_companded_codes_are_within_half_a_step_of_the_bent_value(
    values: np.ndarray, axis: int
) -> None:
    codes = companded.encode(values, axis)
    decoded = read_back(codes, values.shape)
    np.testing.assert_array_equal(decoded, codes.decode())
    shape = (-1, 1) if axis == 0 else (1, -1)
    spread, step = (v.astype(np.float64).reshape(shape) for v in (codes.spread, codes.step))
    bent, got = np.arcsinh(values / spread), np.arcsinh(decoded / spread)
    assert (np.abs(bent - got) <= 0.501 * step + 1e-4).all()


def test_a_tail_leaves_the_bulk_its_codes() -> None:
    values = np.random.default_rng(2).normal(size=(1, 5000)).astype(np.float32)
    values[0, 0] = 300.0
    tight = np.abs(companded.encode(values, 0).decode() - values)[0, 1:].mean()
    linear = np.abs(affine.encode(values, per_column=False).decode() - values)[0, 1:].mean()
    assert tight < linear / 10


def read_back(codes: affine.Affine | companded.Companded | mantissa.Mantissa, shape) -> np.ndarray:
    cursor = Cursor(codes.to_bytes(), "codes")
    decoded = DECODERS[codes.CODE](cursor, FLOAT32, shape)
    assert cursor.at == len(cursor.data)
    return decoded
