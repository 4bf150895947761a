from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.runtime.graphs import body_of, pack_of, tensor
from toolkit.errors import CorruptArtifact
from toolkit.quantizer.affine import Affine, encode
from toolkit.runtime import pack
from toolkit.runtime.encodings import (
    AFFINE,
    COMPANDED,
    DECODERS,
    ELEMENT_TYPES,
    EXPONENTS,
    FLOAT16,
    MANTISSA,
    NAMES,
    PER_COLUMN,
    RAW,
    Cursor,
    dequantize,
)
from toolkit.runtime.wire import varint

QUICK = settings(max_examples=60, deadline=None)
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


@QUICK
@given(SHAPES, st.data())
def test_float16(shape, data):
    count = int(np.prod(shape, dtype=int))
    bits = data.draw(st.lists(st.integers(0, 65535), min_size=count, max_size=count))
    half = np.array(bits, dtype=np.uint16).view(np.float16).reshape(shape)
    found = decoded(shape, 1, FLOAT16, half.tobytes()).values
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, half.astype(np.float32))


@pytest.mark.parametrize("bits", [4, 8, 16])
@pytest.mark.parametrize("per_column", [False, True], ids=["tensor", "column"])
@pytest.mark.parametrize("rows", [False, True], ids=["plain", "exponents"])
@QUICK
@given(data=st.data())
def test_affine(bits, per_column, rows, data):
    """What is read is the documented formula, worked out anew in float64."""
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    seed = data.draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    unsigned = np.uint16 if bits == 16 else np.uint8
    columns = shape[-1] if per_column else 1
    q = random.integers(0, 1 << bits, shape).astype(unsigned)
    z = random.integers(0, 1 << bits, columns).astype(unsigned)
    s = random.uniform(1e-6, 10, columns).astype(np.float32)
    e = random.integers(-30, 30, shape[0]).astype(np.int8) if rows else None
    content = Affine(q, s, z, e, bits).to_bytes()
    layout = PER_COLUMN * (columns > 1) | EXPONENTS * rows
    assert content[:2] == bytes([bits, layout])
    expected = (q.astype(float) - z.astype(float)) * s.astype(float)
    if rows:
        expected *= 2.0 ** e.astype(float).reshape(-1, *[1] * (len(shape) - 1))
    found = decoded(shape, 1, AFFINE, content).values
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found.dtype == np.float32


@pytest.mark.parametrize("bits", [4, 8, 16])
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


@pytest.mark.parametrize("axis", [0, 1], ids=["rows", "columns"])
@QUICK
@given(shape=st.tuples(st.integers(1, 5), st.integers(1, 5)), seed=st.integers(0, 2**32 - 1))
def test_companded(axis, shape, seed):
    random = np.random.default_rng(seed)
    groups = shape[axis]
    spread, low, step = random.uniform(-1, 1, (3, groups)).astype(np.float32)
    step /= 64
    codes = random.integers(0, 256, shape).astype(np.uint8)
    payload = bytes([axis]) + b"".join(a.tobytes() for a in (spread, low, step, codes))
    s, a, d = (np.expand_dims(v.astype(float), 1 - axis) for v in (spread, low, step))
    found = decoded(shape, 1, COMPANDED, payload).values
    np.testing.assert_array_equal(found, (s * np.sinh(a + d * codes)).astype(np.float32))


@QUICK
@given(
    st.lists(
        st.tuples(st.integers(-128, 127), st.booleans(), st.integers(0, 255)),
        min_size=1,
        max_size=9,
    )
)
def test_mantissa(rows):
    exponents = np.array([e for e, _, _ in rows], dtype=np.int8)
    signs = np.packbits([s for _, s, _ in rows], bitorder="little")
    payload = exponents.tobytes() + signs.tobytes() + bytes(q for _, _, q in rows)
    found = decoded((len(rows), 1), 1, MANTISSA, payload).values
    for value, (e, minus, q) in zip(found[:, 0], rows, strict=True):
        expected = 0.0 if e == -128 else (256 + q) * 2.0 ** (e - 8)
        assert value == np.float32(-expected if minus else expected)


@pytest.mark.parametrize(
    ("code", "shape", "payload"),
    [
        (COMPANDED, (2,), b"\0"),
        (COMPANDED, (2, 2, 2), b"\0"),
        (COMPANDED, (2, 2), b"\2"),
        (MANTISSA, (2,), b""),
        (MANTISSA, (2, 2), b""),
    ],
    ids=["companded-1d", "companded-3d", "companded-axis", "mantissa-1d", "mantissa-wide"],
)
def test_shapes_that_an_encoding_has_not(code, shape, payload):
    with pytest.raises(CorruptArtifact, match=f"{NAMES[code]} tensor of shape"):
        decoded(shape, 1, code, payload + bytes(64))


@pytest.mark.parametrize("bits", sorted(set(range(256)) - {4, 8, 16}))
def test_affine_of_other_bits(bits):
    with pytest.raises(CorruptArtifact, match=f"affine tensor of {bits} bits"):
        decoded((2,), 1, AFFINE, bytes([bits, 0]) + bytes(64))


@pytest.mark.parametrize("layout", [4, 8, 64, 128, 255])
def test_affine_of_other_layouts(layout):
    with pytest.raises(CorruptArtifact, match=f"layout {layout}"):
        decoded((2,), 1, AFFINE, bytes([8, layout]) + bytes(64))


def test_affine_scalar():
    with pytest.raises(CorruptArtifact, match="affine tensor"):
        decoded((), 1, AFFINE, bytes([8, 0]) + bytes(6))


@pytest.mark.parametrize("code", [c for c in NAMES if c != RAW], ids=NAMES.get)
@pytest.mark.parametrize("elem_type", [7, 10, 11])
def test_encodings_of_float32_only(code, elem_type):
    with pytest.raises(CorruptArtifact, match="only float32"):
        decoded((2,), elem_type, code, bytes([8, 0]) + bytes(64))


@pytest.mark.parametrize("scale", [np.inf, np.nan, 3e38], ids=str)
def test_hostile_scales_make_no_noise(scale):
    codes = np.array([[0, 1, 255]], dtype=np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = dequantize(
            codes, np.array([scale], np.float32), np.zeros(1, np.uint8), np.array([127], np.int8)
        )
    assert not np.isfinite(found[0, 1])


@QUICK
@given(st.integers(0, 2**63 - 1))
def test_cursor_reads_varints(value):
    assert Cursor(varint(value), "x").uvarint() == value


@pytest.mark.parametrize("content", [b"", b"\x80", b"\xff" * 12], ids=["none", "cut", "long"])
def test_cursor_refuses_broken_varints(content):
    with pytest.raises(CorruptArtifact, match="x:"):
        Cursor(content, "x").uvarint()
