"""Every format by properties: what is written is read, and the error is at most half a step."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from toolkit.quantizer.codes.affine import Affine
from toolkit.quantizer.codes.formats import BLOCK, Format, encode
from toolkit.runtime.pack.cursor import Cursor
from toolkit.runtime.pack.encodings import DECODERS, FLOAT32, FLOAT64, WIDTHS

ELEM_TYPES = {np.dtype(np.float32): FLOAT32, np.dtype(np.float64): FLOAT64}
FLOATS = st.floats(-1e4, 1e4, width=32).filter(lambda v: v == 0 or abs(v) > 1e-30)
DTYPES = st.sampled_from([np.float32, np.float64])


def tensors(dims: int = 3):
    shapes = array_shapes(min_dims=1, max_dims=dims, max_side=5) | st.tuples(
        st.integers(BLOCK - 2, 2 * BLOCK + 3), st.integers(1, 3)
    )
    values = shapes.flatmap(lambda s: arrays(np.float32, s, elements=FLOATS))
    return st.tuples(values, DTYPES).map(lambda pair: pair[0].astype(pair[1]))


def read_back(codes, values):
    cursor = Cursor(codes.to_bytes(), "codes")
    found = DECODERS[codes.CODE](cursor, ELEM_TYPES[values.dtype], values.shape)
    assert cursor.at == len(cursor.data)
    return found


few = settings(max_examples=80)


@pytest.mark.parametrize(
    ("scales", "exponents", "symmetric"),
    [*itertools.product(["tensor", "column", "block"], ["", "magnitude"], [False, True])],
)
@few
@given(values=tensors(), bits=st.sampled_from(WIDTHS))
def test_affine(values, bits, scales, exponents, symmetric):
    codes = encode(values, Format("affine", bits, scales, exponents, symmetric))
    assert isinstance(codes, Affine)
    got = codes.decode()
    np.testing.assert_array_equal(read_back(codes, values), got)
    assert (got.shape, got.dtype) == (values.shape, values.dtype)
    assert (got[values == 0] == 0).all()
    # Half a step, float32's rounding of the product, and subnormal scales' own coarse rounding.
    bound = codes.unit() * 0.5001 + np.abs(values) * 2.0**-22 + 1e-40
    assert (np.abs(got.astype(np.float64) - values) <= bound).all()


@few
@given(values=tensors(2), bits=st.sampled_from(WIDTHS), scales=st.sampled_from(["row", "column"]))
def test_companded(values, bits, scales):
    if values.ndim != 2:
        with pytest.raises(ValueError, match="matrices"):
            encode(values, Format("companded", bits, scales))
        return
    codes = encode(values, Format("companded", bits, scales))
    np.testing.assert_array_equal(read_back(codes, values), codes.decode())
    assert codes.decode().dtype == values.dtype


@few
@given(values=tensors(), encoding=st.sampled_from(["float16", "float32"]))
def test_shorter_types(values, encoding):
    codes = encode(values, Format(encoding))
    if codes is None:
        assert (encoding, values.dtype) == ("float32", np.float32)
        return
    np.testing.assert_array_equal(read_back(codes, values), codes.decode())
    bound = np.abs(values) * 2.0**-11 + 2.0**-25 if encoding == "float16" else 0
    assert (np.abs(codes.decode().astype(np.float64) - values) <= bound).all()


@few
@given(values=arrays(np.float64, (7, 1), elements=FLOATS))
def test_mantissa(values):
    codes = encode(values, Format("mantissa"))
    np.testing.assert_array_equal(read_back(codes, values), codes.decode())
    assert (np.abs(codes.decode() - values) <= np.abs(values) * 2.0**-9).all()


@pytest.mark.parametrize("encoding", ["affine", "companded", "mantissa", "float16", "float32"])
@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan], ids=str)
def test_what_is_not_finite_is_refused(encoding, wrong):
    with pytest.raises(ValueError, match="not finite"):
        encode(np.array([[1.0], [wrong]]), Format(encoding))


@pytest.mark.parametrize("encoding", ["affine", "mantissa", "float16", "float32"])
def test_what_is_beyond_a_format_is_refused(encoding):
    with pytest.raises(ValueError, match=r"holds values (beyond|that)"):
        encode(np.array([[1e300], [-1e300]]), Format(encoding))


def test_blocks_follow_what_grows_downwards():
    """A block of rows has its own grid: large rows do not take the codes of the small ones."""
    values = np.random.default_rng(0).normal(size=(256, 4)) * np.logspace(-4, 4, 256)[:, None]
    small = slice(0, BLOCK)
    errors = {
        scales: np.abs(encode(values, Format("affine", 4, scales)).decode() - values)[small].max()
        for scales in ("column", "block")
    }
    assert errors["block"] < errors["column"] / 2
    # 32 codes of half a byte, a float16 scale and a zero point.
    assert len(encode(values, Format("affine", 4, "block")).to_bytes()) == 3 + 32 * (16 + 2 + 1)


def test_symmetric_codes_keep_signs_apart():
    """Dual coefficients lie at ±C: on a grid whose zero is not in the middle one of them is off."""
    values = np.array([1.0, -1.0, 0.3, -0.999])
    codes = encode(values, Format("affine", 8, symmetric=True))
    got = codes.decode()
    assert got[0] == -got[1]
    assert len(codes.to_bytes()) == 2 + 2 + 4  # no zero point


def test_moments_lower_the_output_error():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 16)) @ rng.normal(size=(16, 16))
    values, moments = rng.normal(size=(16, 4)), rows.T @ rows / 300
    plain, better = (
        encode(values, Format("affine", 3, "column"), m).decode() for m in (None, moments)
    )
    errors = [np.square(rows @ (w - values)).sum() for w in (plain, better)]
    assert errors[1] < 0.9 * errors[0]
