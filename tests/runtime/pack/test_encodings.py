from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.runtime.graphs import body_of, pack_of, tensor
from toolkit.errors import CorruptArtifact
from toolkit.quantizer.codes.affine import encode, packed_codes
from toolkit.quantizer.codes.plain import half, integers, single
from toolkit.runtime import pack
from toolkit.runtime.pack.cursor import Cursor
from toolkit.runtime.pack.encodings import (
    AFFINE,
    BLOCKS,
    CHUNK,
    COMPANDED,
    DECODERS,
    ELEMENT_TYPES,
    EXPONENTS,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    INTEGERS,
    MANTISSA,
    NAMES,
    OTHER_WIDTH,
    PER_COLUMN,
    RAW,
    SHORT_SCALES,
    SINGLE,
    SYMMETRIC,
    WIDTHS,
    read_codes,
)
from toolkit.runtime.wire import varint

QUICK = settings(max_examples=60)
SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)


def decoded(*args, **kwargs):
    return pack.read(pack_of(body_of(tensor(*args, **kwargs))), "test.pack").tensors[0]


def test_every_decoder_has_a_name():
    assert NAMES.keys() == DECODERS.keys()


@QUICK
@given(st.sampled_from(sorted(ELEMENT_TYPES)), SHAPES, st.randoms(use_true_random=False))
def test_raw(elem_type, shape, random):
    dtype, count = ELEMENT_TYPES[elem_type], int(np.prod(shape, dtype=int))
    payload = random.randbytes(count * dtype.itemsize)
    if dtype.kind == "b":
        payload = bytes(b & 1 for b in payload)
    found = decoded(shape, elem_type, RAW, payload)
    assert (found.values.shape, found.values.dtype, found.encoding) == (shape, dtype, "raw")
    assert found.values.tobytes() == payload


def test_raw_truth_value_out_of_range():
    with pytest.raises(CorruptArtifact, match="neither 0 nor 1"):
        decoded((2,), 9, RAW, b"\1\2")


@pytest.mark.parametrize("elem_type", [FLOAT32, FLOAT64])
@QUICK
@given(shape=SHAPES, data=st.data())
def test_float16(elem_type, shape, data):
    count = int(np.prod(shape, dtype=int))
    bits = data.draw(st.lists(st.integers(0, 65535), min_size=count, max_size=count))
    half = np.array(bits, dtype=np.uint16).view(np.float16).reshape(shape)
    found = decoded(shape, elem_type, FLOAT16, half.tobytes()).values
    assert found.dtype == ELEMENT_TYPES[elem_type]
    np.testing.assert_array_equal(found, half.astype(np.float64))


@QUICK
@given(shape=SHAPES, data=st.data())
def test_float32(shape, data):
    count = int(np.prod(shape, dtype=int))
    bits = data.draw(st.lists(st.integers(0, 2**32 - 1), min_size=count, max_size=count))
    single = np.array(bits, dtype=np.uint32).view(np.float32).reshape(shape)
    found = decoded(shape, FLOAT64, SINGLE, single.tobytes()).values
    assert found.dtype == np.float64
    with np.errstate(invalid="ignore"):  # signalling NaN
        np.testing.assert_array_equal(found, single.astype(np.float64))


def bits_of(codes, width):
    """The stream of codes, written bit by bit as the format says."""
    stream = [int(q) >> bit & 1 for q in codes.ravel() for bit in range(width)]
    stream += [0] * (-len(stream) % 8)
    return bytes(
        sum(flag << k for k, flag in enumerate(stream[at : at + 8]))
        for at in range(0, len(stream), 8)
    )


@pytest.mark.parametrize("bits", WIDTHS)
@QUICK
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 40))
def test_streams_of_codes(bits, seed, count):
    codes = np.random.default_rng(seed).integers(0, 1 << bits, count)
    stream = packed_codes(codes, bits)
    assert stream == bits_of(codes, bits)
    cursor = Cursor(stream, "x")
    np.testing.assert_array_equal(read_codes(cursor, bits, count), codes)
    assert cursor.at == len(stream)


@pytest.mark.parametrize("bits", [3, 7, 12])
def test_streams_longer_than_a_chunk(bits):
    codes = np.random.default_rng(0).integers(0, 1 << bits, 2 * CHUNK + 5)
    found = read_codes(Cursor(packed_codes(codes, bits), "x"), bits, len(codes))
    np.testing.assert_array_equal(found, codes)


@pytest.mark.parametrize("elem_type", [FLOAT32, FLOAT64])
@QUICK
@given(layout=st.integers(0, 31), bits=st.sampled_from(WIDTHS), data=st.data())
def test_affine(elem_type, layout, bits, data):
    """What is read is the documented formula, worked out anew element by element."""
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    if len(shape) == 1 and layout & BLOCKS:
        layout &= ~PER_COLUMN
    block = data.draw(st.integers(1, 6)) if layout & BLOCKS else 0
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    columns = shape[-1] if layout & PER_COLUMN else 1
    groups = columns * (-(-shape[0] // block) if block else 1)
    q = random.integers(0, 1 << bits, shape)
    z = random.integers(0, 1 << bits, groups).astype(np.uint16 if bits > 8 else np.uint8)
    s = random.uniform(1e-3, 10, groups).astype(np.float16 if layout & SHORT_SCALES else np.float32)
    e = random.integers(-30, 30, shape[0]).astype(np.int8)
    content = bytes([bits, layout]) + (varint(block) if block else b"") + s.tobytes()
    content += b"" if layout & SYMMETRIC else z.tobytes()
    content += (e.tobytes() if layout & EXPONENTS else b"") + bits_of(q, bits)
    found = decoded(shape, elem_type, AFFINE, content).values
    assert found.dtype == ELEMENT_TYPES[elem_type]
    for at in np.ndindex(shape):
        group = (at[0] // block if block else 0) * columns + (at[-1] if columns > 1 else 0)
        zero = 1 << bits - 1 if layout & SYMMETRIC else int(z[group])
        expected = float(int(q[at]) - zero) * float(s[group])
        if elem_type == FLOAT32:
            expected = float(np.float32(expected))
        assert found[at] == expected * 2.0 ** (int(e[at[0]]) if layout & EXPONENTS else 0)


@pytest.mark.parametrize("bits", WIDTHS)
@QUICK
@given(data=st.data())
def test_encoded_weights_come_back_within_half_a_step(bits, data):
    shape = tuple(data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=2)))
    values = st.floats(-1e4, 1e4, width=32)
    size = int(np.prod(shape))
    flat = data.draw(st.lists(values, min_size=size, max_size=size))
    weights = np.array(flat, dtype=np.float32).reshape(shape)
    codes = encode(weights, per_column=False, bits=bits)
    found = decoded(shape, 1, AFFINE, codes.to_bytes()).values
    np.testing.assert_array_equal(found, codes.decode())
    step = float(codes.scale[0])
    # Half a step for the rounding, half for a zero point that was rounded, and float32's own.
    assert np.abs(found - weights.astype(float)).max() <= step * 1.001 + 1e-3 * step
    assert (found[weights == 0] == 0).all()


@pytest.mark.parametrize("elem_type", [FLOAT32, FLOAT64])
@pytest.mark.parametrize("axis", [0, 1], ids=["rows", "columns"])
@QUICK
@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    seed=st.integers(0, 2**32 - 1),
    bits=st.sampled_from([None, *WIDTHS]),
)
def test_companded(axis, elem_type, shape, seed, bits):
    random = np.random.default_rng(seed)
    groups = shape[axis]
    spread, low, step = random.uniform(-1, 1, (3, groups)).astype(np.float32)
    step /= 1 << (bits or 8) - 2
    codes = random.integers(0, 1 << (bits or 8), shape)
    head = bytes([axis | OTHER_WIDTH, bits]) if bits else bytes([axis])
    payload = head + b"".join(a.tobytes() for a in (spread, low, step))
    s, a, d = (np.expand_dims(v.astype(float), 1 - axis) for v in (spread, low, step))
    found = decoded(shape, elem_type, COMPANDED, payload + bits_of(codes, bits or 8)).values
    assert found.dtype == ELEMENT_TYPES[elem_type]
    np.testing.assert_array_equal(found, (s * np.sinh(a + d * codes)).astype(np.float32))


INTEGER_TYPES = [t for t, dtype in ELEMENT_TYPES.items() if dtype.kind in "iu"]


@pytest.mark.parametrize("elem_type", INTEGER_TYPES)
@QUICK
@given(data=st.data())
def test_integers(elem_type, data):
    ends, bits = np.iinfo(ELEMENT_TYPES[elem_type]), data.draw(st.sampled_from(WIDTHS))
    count = data.draw(st.integers(0, 9))
    codes = np.array(
        data.draw(st.lists(st.integers(0, (1 << bits) - 1), min_size=count, max_size=count)), int
    )
    low = data.draw(st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-200, 200))
    payload = bytes([bits]) + low.to_bytes(8, "little", signed=True) + bits_of(codes, bits)
    if low < ends.min or low + int(codes.max(initial=0)) > ends.max:
        with pytest.raises(CorruptArtifact, match="do not fit"):
            decoded((count,), elem_type, INTEGERS, payload)
        return
    found = decoded((count,), elem_type, INTEGERS, payload).values
    assert found.tolist() == [low + q for q in codes.tolist()]


@pytest.mark.parametrize("elem_type", INTEGER_TYPES)
@QUICK
@given(data=st.data())
def test_integers_come_back(elem_type, data):
    dtype = ELEMENT_TYPES[elem_type]
    ends = np.iinfo(dtype)
    low = data.draw(st.integers(ends.min, ends.max))
    width = data.draw(st.sampled_from([0, 3, 200, 65535]))
    high = min(low + width, ends.max)
    values = np.array(
        data.draw(st.lists(st.integers(low, high), min_size=1, max_size=9)), dtype=dtype
    )
    if low >= 1 << 63:
        with pytest.raises(ValueError, match="holds integers"):
            integers(values)
        return
    codes = integers(values)
    found = decoded(values.shape, elem_type, INTEGERS, codes.to_bytes()).values
    np.testing.assert_array_equal(found, values)
    np.testing.assert_array_equal(codes.decode(), values)


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (half, np.array([1.0, 7e4])),
        (half, np.array([np.inf])),
        (half, np.array([np.nan])),
        (single, np.array([1.0, 1e39])),
        (integers, np.array([0, 65536])),
        (integers, np.zeros(0, np.int64)),
    ],
    ids=["half", "half-infinite", "half-nan", "single", "integers", "no-integers"],
)
def test_what_a_shorter_type_cannot_hold(make, values):
    with pytest.raises(ValueError, match="holds"):
        make(values)


def test_single_precision_keeps_infinities():
    values = np.array([1.5, -np.inf, np.nan])
    np.testing.assert_array_equal(single(values).decode(), values)


@pytest.mark.parametrize("elem_type", [FLOAT32, FLOAT64])
@QUICK
@given(
    rows=st.lists(
        st.tuples(st.integers(-128, 127), st.booleans(), st.integers(0, 255)),
        min_size=1,
        max_size=9,
    )
)
def test_mantissa(elem_type, rows):
    exponents = np.array([e for e, _, _ in rows], dtype=np.int8)
    signs = np.packbits([s for _, s, _ in rows], bitorder="little")
    payload = exponents.tobytes() + signs.tobytes() + bytes(q for _, _, q in rows)
    found = decoded((len(rows), 1), elem_type, MANTISSA, payload).values
    assert found.dtype == ELEMENT_TYPES[elem_type]
    for value, (e, minus, q) in zip(found[:, 0], rows, strict=True):
        expected = 0.0 if e == -128 else (256 + q) * 2.0 ** (e - 8)
        assert value == np.float32(-expected if minus else expected)
