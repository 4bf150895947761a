"""Both readers see the same numbers in tensors of every encoding, width and layout."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from tests import second_reader
from toolkit.quantizer.codes import affine, companded, mantissa, plain
from toolkit.quantizer.packs.packing import write_pack
from toolkit.runtime import pack
from toolkit.runtime.pack.dictionary import DICTIONARY

FLOATS = st.sampled_from([np.float32, np.float64])


def assert_readers_agree(values, codes, ulp=0):
    """Write one tensor with these codes and read it twice."""
    tensor = numpy_helper.from_array(values, "w")
    graph = helper.make_graph([helper.make_node("Identity", ["w"], ["y"])], "g", [], [], [tensor])
    content = write_pack(helper.make_model(graph), {"w": codes})
    (ours,) = pack.read(content, "one").tensors
    (theirs,) = second_reader.read(content, DICTIONARY).tensors
    numbers = np.array(theirs.numbers, dtype=values.dtype).reshape(theirs.shape)
    assert numbers.shape == values.shape
    if ulp:
        np.testing.assert_array_max_ulp(numbers.astype(np.float32), ours.values.astype("f4"), ulp)
    else:
        np.testing.assert_array_equal(numbers, ours.values)


def drawn(data, shape, dtype):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    magnitudes = np.exp2(rng.integers(-12, 12, size=shape))
    return (rng.normal(size=shape) * magnitudes).astype(dtype)


@given(
    data=st.data(),
    dtype=FLOATS,
    shape=st.sampled_from([(1,), (7,), (5, 1), (1, 6), (9, 4), (3, 2, 5)]),
    bits=st.integers(2, 16),
    per_column=st.booleans(),
    block=st.sampled_from([0, 0, 1, 2, 4, 32]),
    exponents=st.booleans(),
    symmetric=st.booleans(),
    short=st.booleans(),
)
@settings(max_examples=150)
def test_affine(data, dtype, shape, bits, per_column, block, exponents, symmetric, short):
    if len(shape) == 1 and per_column:
        block = 0  # columns and rows are the same axis there
    values = drawn(data, shape, dtype)
    rng = np.random.default_rng(0)
    exponent = rng.integers(-6, 7, size=shape[0]).astype(np.int8) if exponents else None
    codes = affine.encode(
        values,
        per_column=per_column,
        exponent=exponent,
        bits=bits,
        block=block,
        symmetric=symmetric,
        short=short,
    )
    assert_readers_agree(values, codes)


@given(data=st.data(), dtype=FLOATS, bits=st.integers(2, 16), axis=st.integers(0, 1))
@settings(max_examples=40)
def test_companded(data, dtype, bits, axis):
    values = drawn(data, (6, 5), dtype)
    # Libraries differ in the last bit of sinh, which may turn float32's last.
    assert_readers_agree(values, companded.encode(values, axis, bits), ulp=1)


@given(data=st.data(), dtype=FLOATS)
@settings(max_examples=20)
def test_mantissa(data, dtype):
    values = drawn(data, (9, 1), dtype)
    assert_readers_agree(values, mantissa.encode(values))


@given(data=st.data(), dtype=FLOATS)
@settings(max_examples=20)
def test_shorter_floats(data, dtype):
    values = drawn(data, (4, 3), dtype)
    assert_readers_agree(values, plain.half(values))
    wide = values.astype(np.float64)
    assert_readers_agree(wide, plain.single(wide))


@given(
    dtype=st.sampled_from([np.int64, np.int32, np.uint8, np.int8]),
    low=st.integers(-100, 100),
    most=st.integers(1, 100),
)
@settings(max_examples=30)
def test_integers(dtype, low, most):
    low = max(low, 0) if dtype is np.uint8 else low
    most = min(most, np.iinfo(dtype).max - low)
    values = (low + np.arange(40) % (most + 1)).astype(dtype).reshape(8, 5)
    assert_readers_agree(values, plain.integers(values))
