"""The affine codec, by properties over tensors of every kind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from toolkit.quantizer.codes.affine import (
    Affine,
    encode,
    magnitude_exponents,
    standardising_exponents,
)
from toolkit.runtime.pack.cursor import Cursor
from toolkit.runtime.pack.encodings import AFFINE, DECODERS, FLOAT32

LARGEST = float(np.finfo(np.float32).max)
TINY = float(np.finfo(np.float32).smallest_subnormal)
FLOATS = st.floats(-LARGEST, LARGEST, width=32)
TENSORS = arrays(np.float32, array_shapes(min_dims=1, max_dims=3, max_side=7), elements=FLOATS)
MATRICES = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=7), elements=FLOATS)
BITS = st.sampled_from(range(2, 17))
PER_COLUMN = st.booleans()

few = settings(max_examples=150)


def column(*values):
    return np.array(values, dtype=np.float32).reshape(-1, 1)


HARD = [
    column(0.0),
    column(0.0, 0.0, -0.0),
    column(3.0, 3.0, 3.0),
    column(-2.5, -2.5),
    column(LARGEST, -LARGEST),
    column(LARGEST, LARGEST),
    column(TINY),
    column(TINY, -TINY, 0.0),
    column(1.8745e-41),
    column(TINY * 3, TINY * 200),
    column(1e-45, 1e38),
    column(1.0, 1e-30),
    column(-7.0, 248.0),
    column(0.1, 254.9),
]


def hard(test):
    for values in HARD:
        test = example(values, True, 8)(example(values, False, 8)(test))
        test = example(values, False, 4)(example(values, True, 16)(test))
    return test


def step_of(coded, per_column, shape):
    scale = coded.scale.astype(np.float64)
    return np.broadcast_to(scale if per_column else scale[0], shape)


@few
@hard
@given(TENSORS, PER_COLUMN, BITS)
def test_error_is_at_most_half_a_step(values, per_column, bits):
    coded = encode(values, per_column=per_column, bits=bits)
    got = coded.decode().astype(np.float64)
    assert got.shape == values.shape
    assert np.isfinite(got).all()
    step = step_of(coded, per_column, values.shape)
    # Half a step, and the rounding of the scale and of the product to float32: a subnormal scale
    # is rounded to a multiple of the smallest subnormal, times as many codes.
    slack = np.abs(values.astype(np.float64)) * 2.0**-22 + TINY * (1 << bits) / 2
    # Where half a step more is no float32, the next code below has to do.
    slack += np.where(np.abs(values) + step / 2 * 1.01 > LARGEST, step / 2, 0)
    assert (np.abs(got - values) <= step / 2 + slack).all()


@few
@hard
@given(TENSORS, PER_COLUMN, BITS)
def test_zero_is_exactly_representable(values, per_column, bits):
    values = values.copy()
    values.reshape(-1)[0] = 0.0
    coded = encode(values, per_column=per_column, bits=bits)
    assert coded.decode().reshape(-1)[0] == 0.0
    assert (coded.zero <= (1 << bits) - 1).all()
    assert (coded.scale > 0).all()


@few
@hard
@given(TENSORS, PER_COLUMN, BITS)
def test_codes_fit_their_bits(values, per_column, bits):
    coded = encode(values, per_column=per_column, bits=bits)
    assert coded.codes.max(initial=0) <= (1 << bits) - 1
    assert coded.codes.dtype == coded.zero.dtype == (np.uint16 if bits > 8 else np.uint8)


@few
@hard
@given(TENSORS, PER_COLUMN, BITS)
def test_signs_never_turn(values, per_column, bits):
    got = encode(values, per_column=per_column, bits=bits).decode()
    assert (got[values > 0] >= 0).all()
    assert (got[values < 0] <= 0).all()


@few
@given(TENSORS, PER_COLUMN, BITS)
def test_encoding_is_deterministic_and_leaves_its_input_alone(values, per_column, bits):
    before = values.copy()
    first = encode(values, per_column=per_column, bits=bits).to_bytes()
    np.testing.assert_array_equal(values, before)
    assert encode(values, per_column=per_column, bits=bits).to_bytes() == first


@pytest.mark.parametrize("bits", [4, 8, 16])
@pytest.mark.parametrize("per_column", [False, True], ids=["tensor", "column"])
def test_integers_within_the_grid_are_exact(bits, per_column):
    top = (1 << bits) - 1
    for low in (0, -1, -(top // 2), -top):
        values = np.arange(low, low + top + 1, dtype=np.float32).reshape(-1, 1)
        coded = encode(values, per_column=per_column, bits=bits)
        np.testing.assert_array_equal(coded.decode(), values)
        assert coded.scale.tolist() == [1.0]


@few
@given(FLOATS, st.integers(1, 5), st.integers(1, 4), BITS, PER_COLUMN)
def test_a_constant_tensor_is_met_to_the_rounding_of_its_scale(value, rows, columns, bits, per):
    values = np.full((rows, columns), value, dtype=np.float32)
    got = encode(values, per_column=per, bits=bits).decode()
    # A subnormal scale is rounded up by at most the smallest subnormal, times as many codes.
    np.testing.assert_allclose(got, values, rtol=2.0**-22, atol=TINY * (1 << bits))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (0, 0)], ids=str)
@pytest.mark.parametrize("per_column", [False, True], ids=["tensor", "column"])
@pytest.mark.parametrize("bits", [4, 8, 16])
def test_empty_tensors(shape, per_column, bits):
    coded = encode(np.zeros(shape, np.float32), per_column=per_column, bits=bits)
    assert coded.decode().shape == shape
    assert read_back(coded).shape == shape


@few
@given(MATRICES, BITS)
def test_columns_do_not_mind_their_neighbours(values, bits):
    whole = encode(values, per_column=True, bits=bits)
    for k in range(values.shape[1]):
        alone = encode(values[:, [k]], per_column=True, bits=bits)
        np.testing.assert_array_equal(whole.decode()[:, [k]], alone.decode())


@few
@given(MATRICES)
def test_one_column_is_one_tensor(values):
    one = values[:, :1]
    a, b = (encode(one, per_column=p).to_bytes() for p in (False, True))
    assert a == b


def read_back(coded: Affine):
    return DECODERS[AFFINE](Cursor(coded.to_bytes(), "here"), FLOAT32, coded.codes.shape)


@few
@hard
@given(TENSORS, PER_COLUMN, BITS)
def test_the_bytes_read_back_as_the_same_tensor(values, per_column, bits):
    coded = encode(values, per_column=per_column, bits=bits)
    np.testing.assert_array_equal(read_back(coded), coded.decode())


@few
@given(MATRICES, BITS, PER_COLUMN)
def test_magnitude_exponents_bring_rows_to_one_scale(values, bits, per_column):
    exponent = magnitude_exponents(values)
    coded = encode(values, per_column=per_column, exponent=exponent, bits=bits)
    np.testing.assert_array_equal(read_back(coded), coded.decode())
    # Each row's own largest magnitude bounds its error, whatever the other rows hold: all rows are
    # within [-1, 1] once their powers of two are taken out, so that a step is at most 2 / codes
    # (within [-2, 2] where float32's largest numbers meet the end of int8).
    largest = np.ldexp(1.0, exponent.astype(int))
    step = (4.0 if (exponent == 127).any() else 2.0) / ((1 << bits) - 1)
    bound = largest * (step / 2 + 2.0**-22) + TINY
    bound += np.where(
        exponent == 127, largest * step / 2, 0
    )  # float32 may end before the next code
    assert (np.abs(coded.decode().astype(np.float64) - values) <= bound[:, None]).all()


def test_magnitude_exponents():
    values = column(0.0, 1.0, 0.75, -3.0, LARGEST, TINY)
    # 2**e is the power just above; float32's smallest numbers end at the int8 range.
    assert magnitude_exponents(values).tolist() == [0, 1, 0, 2, 127, -127]


def test_standardising_exponents():
    deviation = np.array([0.0, 1.0, 0.25, 8.0, 3.0, 1e-60, 1e60, np.nan])
    found = standardising_exponents(deviation)
    assert found.dtype == np.int8
    assert found.tolist() == [0, 0, 2, -3, -2, 127, -127, 0]


@pytest.mark.parametrize("exponent", [-127, -126, -1, 0, 1, 126, 127])
def test_extreme_exponents(exponent):
    exponents = np.array([exponent, 0], dtype=np.int8)
    values = np.array([[np.ldexp(0.75, max(exponent, -126))], [0.5]], dtype=np.float32)
    coded = encode(values, per_column=False, exponent=exponents)
    np.testing.assert_allclose(coded.decode(), values, rtol=1 / 255)
    np.testing.assert_array_equal(read_back(coded), coded.decode())


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf], ids=str)
@pytest.mark.parametrize("per_column", [False, True], ids=["tensor", "column"])
def test_what_is_not_finite_is_refused(wrong, per_column):
    values = column(1.0, wrong, 2.0)
    with pytest.raises(ValueError, match="not finite"):
        encode(values, per_column=per_column)


def test_never_truncated():
    """A value just below a grid point goes up to it; truncation would lose nearly a step."""
    values = column(0.0, 255.0, 99.999, 100.4, 100.6).astype(np.float32) / 10
    codes = encode(values, per_column=False).codes.ravel().tolist()
    assert codes == [0, 255, 100, 100, 101]
