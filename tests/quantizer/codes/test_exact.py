"""Shorter codes that lose nothing, or none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from toolkit.quantizer.codes.exact import shortest

RNG = np.random.default_rng(0)
DTYPES = st.sampled_from(["<f4", "<f8", "<i8", "<i4", "u1", "<u8", "?", "<f2"])


@settings(max_examples=300)
@given(DTYPES.flatmap(lambda t: arrays(np.dtype(t), array_shapes(min_dims=0, max_dims=3))))
def test_nothing_is_lost(values):
    codes = shortest(values)
    if codes is not None:
        found = codes.decode()
        assert found.dtype == values.dtype
        assert found.tobytes() == values.tobytes()


@pytest.mark.parametrize(
    ("values", "bits"),
    [
        (RNG.integers(0, 2, (600, 10)).astype(np.float32), 2.2),
        (RNG.integers(0, 17, (600, 64)).astype(np.float64), 8.2),
        (RNG.choice([-0.25, 0.0, 0.25], (64, 20)), 2.2),
        (RNG.normal(size=500).astype(np.float32).astype(np.float64), 32.2),
        (RNG.integers(-3, 4, 900), 3.2),
        (RNG.integers(0, 40000, 900), 16.2),
    ],
    ids=["ballots", "pixels", "signs", "floats", "small-integers", "integers"],
)
def test_what_has_shorter_codes(values, bits):
    codes = shortest(values)
    assert codes is not None
    assert len(codes.to_bytes()) * 8 / values.size <= bits


@pytest.mark.parametrize(
    "values",
    [
        RNG.normal(size=(50, 3)),
        RNG.normal(size=(50, 3)).astype(np.float32),
        RNG.integers(-(2**40), 2**40, 50),
        np.array([0.0, -0.0] * 40),
        np.zeros((0, 3)),
    ],
    ids=["doubles", "floats", "large-integers", "signed-zeros", "nothing"],
)
def test_what_has_none(values):
    codes = shortest(values)
    assert codes is None or codes.decode().tobytes() == values.tobytes()
    if values.size and values.dtype.kind == "f" and np.unique(values).size > 2:
        assert codes is None
