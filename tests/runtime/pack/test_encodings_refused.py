"""Encodings of shapes, bits and types that there are not are refused; so are broken varints."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.pack.test_encodings import QUICK, decoded
from toolkit.errors import CorruptArtifact
from toolkit.runtime.pack.cursor import Cursor
from toolkit.runtime.pack.encodings import (
    AFFINE,
    BLOCKS,
    COMPANDED,
    FLOAT32,
    INTEGERS,
    MANTISSA,
    NAMES,
    OTHER_WIDTH,
    PER_COLUMN,
    RAW,
    SINGLE,
    WIDTHS,
    dequantize,
)
from toolkit.runtime.wire import varint


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


@pytest.mark.parametrize("bits", sorted(set(range(256)) - set(WIDTHS)))
def test_codes_of_other_bits(bits):
    with pytest.raises(CorruptArtifact, match=f"affine tensor of {bits} bits"):
        decoded((2,), 1, AFFINE, bytes([bits, 0]) + bytes(64))
    with pytest.raises(CorruptArtifact, match=f"{bits} bits"):
        decoded((2, 2), 1, COMPANDED, bytes([OTHER_WIDTH, bits]) + bytes(64))
    with pytest.raises(CorruptArtifact, match=f"integers of {bits} bits"):
        decoded((2,), 7, INTEGERS, bytes([bits]) + bytes(64))


@pytest.mark.parametrize("layout", [32, 64, 128, 255])
def test_affine_of_other_layouts(layout):
    with pytest.raises(CorruptArtifact, match=f"layout {layout}"):
        decoded((2,), 1, AFFINE, bytes([8, layout]) + bytes(64))


@pytest.mark.parametrize(
    ("shape", "head"),
    [((2, 2), [8, BLOCKS, 0]), ((2,), [8, BLOCKS | PER_COLUMN, 1])],
    ids=["no-rows", "columns-of-a-vector"],
)
def test_affine_of_other_blocks(shape, head):
    with pytest.raises(CorruptArtifact, match="blocks of"):
        decoded(shape, 1, AFFINE, bytes(head) + bytes(64))


def test_affine_scalar():
    with pytest.raises(CorruptArtifact, match="affine tensor"):
        decoded((), 1, AFFINE, bytes([8, 0]) + bytes(6))


@pytest.mark.parametrize("code", [c for c in NAMES if c not in (RAW, INTEGERS)], ids=NAMES.get)
@pytest.mark.parametrize("elem_type", [7, 9, 10])
def test_encodings_of_floating_point_only(code, elem_type):
    with pytest.raises(CorruptArtifact, match=f"{NAMES[code]} encoding on element type"):
        decoded((2,), elem_type, code, bytes([8, 0]) + bytes(64))


def test_float32_is_no_shorter_float32():
    with pytest.raises(CorruptArtifact, match="float32 encoding on element type 1"):
        decoded((2,), FLOAT32, SINGLE, bytes(8))


@pytest.mark.parametrize("elem_type", [1, 9, 10, 11])
def test_integers_of_floating_point(elem_type):
    with pytest.raises(CorruptArtifact, match="integers encoding on element type"):
        decoded((2,), elem_type, INTEGERS, bytes([8]) + bytes(64))


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
