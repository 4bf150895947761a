from __future__ import annotations

import functools
import warnings
import zlib

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestRegressor

from tests.runtime.graphs import (
    ROWS,
    body_of,
    deflated,
    identity,
    linear,
    model_of,
    pack_of,
    sealed,
    tensor,
    xz,
)
from tests.runtime.pack.reading import read_bounded, refused
from tests.runtime.pack.test_samples import DATA
from toolkit.errors import CorruptArtifact, ToolkitError
from toolkit.exporter.flow import convert_and_prove
from toolkit.quantizer.codes.affine import encode
from toolkit.quantizer.packs.packing import write_pack
from toolkit.quantizer.trees.forests import find_forests
from toolkit.quantizer.trees.leaves import encode_leaves
from toolkit.runtime import pack, wire
from toolkit.runtime.pack.dictionary import DICTIONARY
from toolkit.runtime.pack.forest import streams
from toolkit.runtime.predictor import Predictor

QUICK = settings(max_examples=150)


# --- format 1, for ever ---------------------------------------------------------------------------


# --- what is written is what is read --------------------------------------------------------------


def packed(kind: str) -> bytes:
    model = linear(**{"toolkit.task": "regressor"})
    weights = np.array([[1.0, 2.0], [-3.0, 4.0], [0.5, -6.0]], dtype=np.float32)
    return write_pack(model, {"W": encode(weights, per_column=True)} if kind == "uint8" else {})


@functools.cache
def trees(opset: int, coded: bool) -> bytes:
    """Two small trees, stored: under opset 21 as TreeEnsemble, before as TreeEnsembleRegressor."""
    rows = np.random.default_rng(0).normal(size=(40, 3))
    rows[::5, 0] = np.nan
    forest = RandomForestRegressor(2, max_leaf_nodes=4, random_state=0)
    forest.fit(rows, np.nan_to_num(rows[:, 0]) + rows[:, 1])
    model = convert_and_prove(forest, rows, None, opset=opset).chosen.exported.model
    leaves = [(f, encode_leaves(f, rows) if coded else None) for f in find_forests(model)]
    return pack_of(pack_body(write_pack(model, {}, leaves)))


def coded() -> bytes:
    """Tensors in the encodings that `packed` has not."""
    spreads = np.array([[1, 2], [-3, 0], [0.1, 0.2]], dtype="<f4").tobytes()
    return pack_of(
        body_of(
            tensor((3, 2), code=3, payload=b"\1" + spreads + bytes(range(6)), name=b"companded"),
            tensor((3, 1), code=4, payload=bytes([5, 200, 128, 2, 9, 8, 7]), name=b"mantissa"),
            tensor((3,), code=1, payload=bytes(range(6)), name=b"float16"),
            tensor((3,), code=2, payload=b"\4\2" + bytes(8 + 2), name=b"affine"),
            tensor((3, 2), 11, 2, b"\3\x1d\2" + bytes(8 + 3), b"blocks"),
            tensor((3, 2), 11, 3, b"\3\5" + spreads[:24] + bytes(4), b"companded5"),
            tensor((3,), 11, 5, bytes(range(12)), b"float32"),
            tensor((3,), 7, 6, b"\5" + bytes(8 + 2), b"integers"),
        )
    )


def wide() -> bytes:
    """A pack whose body LZMA makes smallest."""
    values = np.random.default_rng(1).choice([0.1, 1.0, np.pi], (1200, 3)).astype(np.float32)
    node = onnx.helper.make_node("Gemm", ["X", "W"], ["Y"])
    shape = [None, 1200]
    return write_pack(model_of([node], {"W": values}, [("X", 1, shape)], [("Y", 1, [None, 3])]), {})


PACKS = {
    "float32": lambda: packed("float32"),
    "uint8": lambda: packed("uint8"),
    "stored": lambda: pack_of(pack_body(packed("uint8"))),
    "lzma": lambda: pack_of(
        xz(pack_body(packed("uint8"))), pack.LZMA, len(pack_body(packed("uint8")))
    ),
    "coded": coded,
    "trees": lambda: trees(21, False),
    "trees-coded": lambda: trees(21, True),
    "trees-v3": lambda: trees(18, True),
    "sample-uint8": lambda: (DATA / "california-linear.uint8.format1.pack").read_bytes(),
    "sample-float32": lambda: (DATA / "california-linear.float32.format1.pack").read_bytes(),
}
each_pack = pytest.mark.parametrize("kind", PACKS)


def pack_body(content: bytes) -> bytes:
    """The decompressed body of a pack."""
    size, at = wire.read_varint(content, pack.HEADER)
    body = content[at:]
    if content[5] == pack.DEFLATE:
        body = zlib.decompressobj(-15, zdict=DICTIONARY).decompress(body)
    assert len(body) == size
    return body


@pytest.mark.parametrize("kind", ["float32", "uint8", "stored", "lzma"])
def test_a_pack_predicts_as_its_graph(kind):
    model = Predictor(linear().SerializeToString(), "graph").run(ROWS)["Y"]
    found = Predictor(pack.read(PACKS[kind](), kind).to_onnx(), kind).run(ROWS)["Y"]
    np.testing.assert_allclose(found, model, atol=0.05 if kind != "float32" else 0)


def test_a_large_pack_is_read_from_lzma():
    content = wide()
    found = pack.read(content, "wide")
    assert found.compression == "lzma"
    assert found.tensors[0].values.shape == (1200, 3)
    assert found.tensors[0].stored > len(content)


# --- damage ---------------------------------------------------------------------------------------


@each_pack
def test_every_flipped_bit_is_found(kind):
    content = PACKS[kind]()
    for at in range(len(content)):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[at] ^= 1 << bit
            with pytest.raises(CorruptArtifact, match=r"^x"):
                pack.read(bytes(damaged), "x")


@each_pack
def test_every_truncation_is_found(kind):
    content = PACKS[kind]()
    for size in range(len(content)):
        with pytest.raises(CorruptArtifact, match=r"^x"):
            pack.read(content[:size], "x")


@each_pack
def test_a_longer_file_is_found(kind):
    with pytest.raises(CorruptArtifact, match="checksum"):
        pack.read(PACKS[kind]() + b"\0", "x")
    with pytest.raises(CorruptArtifact):
        pack.read(sealed(PACKS[kind]() + b"\0"), "x")


@each_pack
@QUICK
@given(data=st.data())
def test_hostile_bytes_under_a_fitting_checksum(kind, data):
    """Several bytes changed or the end cut, and the checksum made to fit."""
    content = bytearray(PACKS[kind]())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    size = data.draw(st.just(len(content)) | st.integers(pack.HEADER, len(content)))
    read_bounded(sealed(bytes(content[:size])))


@each_pack
def test_every_hostile_byte(kind):
    """Every position takes the values that lengths and codes are most sensitive to."""
    content = PACKS[kind]()
    for at in range(4, len(content)):
        for value in (0, 0x7F, 0xFF, content[at] ^ 1):
            changed = bytearray(content)
            changed[at] = value
            read_bounded(sealed(bytes(changed)))


@QUICK
@given(st.binary(max_size=120), st.sampled_from(["stored", "deflate"]))
def test_any_body(body, kind):
    if kind == "stored":
        read_bounded(pack_of(body))
    else:
        read_bounded(pack_of(deflated(body), pack.DEFLATE, len(body)))


def test_the_bound_on_memory_can_fail(monkeypatch):
    monkeypatch.setattr(pack, "read", lambda *_: bytearray(64 << 20))
    content = pack_of(b"\0\0\0")
    with pytest.raises(AssertionError):
        read_bounded(content)


@pytest.mark.parametrize("kind", ["float32", "uint8", "sample-uint8", "trees", "trees-v3"])
def test_hostile_packs_never_break_the_predictor(kind):
    """What passes the reader is opened: a model or CorruptArtifact, never another exception."""
    content, opened, refused = PACKS[kind](), 0, 0
    body = pack_body(content)
    for at in range(len(body)):
        changed = bytearray(body)
        changed[at] ^= 1 << at % 8
        try:
            model = Predictor(pack.read(pack_of(bytes(changed)), "x").to_onnx(), "x")
            width = model.inputs[0].width or 3
            model.run(np.zeros((1, width), np.float32))
            opened += 1
        except ToolkitError:
            refused += 1
    assert opened
    assert refused


# --- hostile by design ----------------------------------------------------------------------------


@pytest.mark.parametrize("value", [3, 9, 255])
def test_unknown_compression(value):
    assert f"compression {value} is unknown" in refused(pack_of(b"\0\0\0", value))


@pytest.mark.parametrize("version", [0, 2, 255])
def test_unknown_version(version):
    content = bytearray(pack_of(b"\0\0\0"))
    content[4] = version
    assert "update toolkit" in refused(bytes(content))


def test_an_onnx_file_is_no_pack():
    assert "is no pack" in refused(identity(1))


@pytest.mark.parametrize(
    "content", [b"", b"TKPK", b"TKPK\1\0\0\0\0\0"], ids=["empty", "magic", "head"]
)
def test_less_than_a_header(content):
    assert "bomb.pack" in refused(content)


def test_a_forests_signalling_numbers_make_no_warning(monkeypatch):
    def read_forest(cursor):
        return cursor.array(np.dtype("<f4"), 2).astype(np.float64)

    monkeypatch.setattr(streams, "read", read_forest)
    no_skeleton, no_tensors, one_forest = (wire.varint(n) for n in (0, 0, 1))
    body = no_skeleton + no_tensors + one_forest + 2 * b"\x01\x00\x80\x7f"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = pack.read(pack_of(body), "hostile")
    assert np.isnan(found.forests[0]).all()
