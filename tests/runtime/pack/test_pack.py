from __future__ import annotations

import functools
import hashlib
import tracemalloc
import warnings
import zlib
from pathlib import Path

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
from toolkit.errors import CorruptArtifact, ToolkitError
from toolkit.exporter.flow import convert_and_prove
from toolkit.quantizer.codes.affine import encode
from toolkit.quantizer.packs.packing import write_pack
from toolkit.quantizer.trees.forests import find_forests
from toolkit.quantizer.trees.leaves import encode_leaves
from toolkit.runtime import pack, wire
from toolkit.runtime.pack.dictionary import DICTIONARY
from toolkit.runtime.pack.encodings import NAMES
from toolkit.runtime.pack.forest import streams
from toolkit.runtime.predictor import Predictor

DATA = Path(__file__).parents[2] / "data"
QUICK = settings(max_examples=150)


# --- format 1, for ever ---------------------------------------------------------------------------

SAMPLES = {
    "float32": (
        "raw",
        [
            0.44867491722106934,
            0.00972425751388073,
            -0.12332334369421005,
            0.7831448912620544,
            -2.0296206457715016e-06,
            -0.003526318585500121,
            -0.4197924733161926,
            -0.4337080717086792,
        ],
        -37.023277282714844,
        "904291aec59bc06afe40c3ef246372f0aa2b4bbd5652783f8ac3b99879e21810",
    ),
    "uint8": (
        "mantissa",
        [
            0.4482421875,
            0.009735107421875,
            -0.123291015625,
            0.783203125,
            -2.041459083557129e-06,
            -0.0035552978515625,
            -0.419921875,
            -0.43359375,
        ],
        -37.00373840332031,
        "929ed7a9117079bfd0815c864a20ccbde07a7da0b80281da7a43c8fecc3634d3",
    ),
}


def test_the_dictionary_is_part_of_the_format():
    assert len(DICTIONARY) == 2321
    digest = "49501c876311a47e275466cf82cc48f1727393a69be632a7b482ef5028b112ae"
    assert hashlib.sha256(DICTIONARY).hexdigest() == digest


@pytest.mark.parametrize("kind", SAMPLES)
def test_samples_of_tensors_read_for_ever(kind):
    encoding, coefficients, intercept, digest = SAMPLES[kind]
    content = (DATA / f"california-linear.{kind}.format1.pack").read_bytes()
    found = pack.read(content, kind)
    assert (found.version, found.compression) == (1, "deflate")
    weights, bias = found.tensors
    assert (weights.name, weights.encoding, weights.values.shape) == (
        "coefficient",
        encoding,
        (8, 1),
    )
    assert weights.values.ravel().tolist() == coefficients
    assert (bias.name, bias.encoding, bias.values.tolist()) == ("intercept", "raw", [intercept])
    assert hashlib.sha256(found.to_onnx()).hexdigest() == digest
    row = np.array([[8.3252, 41.0, 6.984127, 1.0238096, 322.0, 2.5555556, 37.88, -122.23]])
    expected = row[0] @ np.array(coefficients) + intercept
    predicted = Predictor(found.to_onnx(), kind).predict(row.astype(np.float32))
    np.testing.assert_allclose(predicted, [expected], atol=1e-4)


def test_the_sample_of_trees_reads_for_ever():
    found = pack.read((DATA / "wine-forest.uint8.format1.pack").read_bytes(), "wine-forest")
    (forest,) = found.forests
    assert (forest.trees, len(forest.split), forest.targets) == (100, 1900, 3)
    leaves = (forest.leaf_values(), forest.leaf_targets())
    arrays = (forest.split, forest.feature, forest.threshold, *leaves)
    content = b"".join(a.tobytes() for a in arrays)
    assert (
        hashlib.sha256(content).hexdigest()
        == "48e287d77e26ff4c4e8efb5d9ee0a6c12466c1301bcd3e4f2db3f7d36a11d91b"
    )


def test_the_sample_of_every_encoding_reads_for_ever():
    found = pack.read((DATA / "encodings.format1.pack").read_bytes(), "encodings")
    assert found.version == 1
    assert {t.encoding for t in found.tensors} == set(NAMES.values()) - {"raw"}
    content = b"".join(t.values.tobytes() for t in found.tensors)
    assert (
        hashlib.sha256(content).hexdigest()
        == "698c7eb691b6f3f51fe6d1c1fd6d446eea29ca19c0a2dafa769106b8fa16e975"
    )


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


def read_bounded(content: bytes) -> None:
    """Read, and hold the outcome and the memory against what a reader promises."""
    try:
        declared, _ = wire.read_varint(content, pack.HEADER)
    except ValueError:
        declared = 0
    tracemalloc.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # nothing may go to standard error either
            found = pack.read(content, "x")
    except CorruptArtifact:
        found = None
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    # The body, 2-bit codes as float64 with their temporaries, the LZMA window, and small change.
    body = min(declared, pack.longest_body(len(content)))
    window = pack.LZMA_WINDOW if content[5:6] == b"\2" else 0
    assert peak <= 80 * body + window + (1 << 20)
    if found is not None:
        assert isinstance(found.to_onnx(), bytes)
        assert all(t.values.dtype.kind in "fiub" for t in found.tensors)


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


def refused(content: bytes) -> str:
    tracemalloc.start()
    try:
        with pytest.raises(CorruptArtifact) as caught:
            pack.read(content, "bomb.pack")
        assert tracemalloc.get_traced_memory()[1] < (16 << 20)
    finally:
        tracemalloc.stop()
    return str(caught.value)


@pytest.mark.parametrize("declared", [2**20 * 5, 2**40, 2**63], ids=["5MiB", "1TiB", "8EiB"])
@pytest.mark.parametrize("compression", [pack.STORED, pack.DEFLATE, pack.LZMA])
def test_a_length_beyond_the_ratio(compression, declared):
    assert "is declared" in refused(pack_of(bytes(1000), compression, declared))


@pytest.mark.parametrize(("make", "kind"), [(deflated, pack.DEFLATE), (xz, pack.LZMA)])
def test_a_bomb_that_declares_little(make, kind):
    """16 MiB of zeros behind a declared kilobyte: no more than that is ever decompressed."""
    bomb = make(bytes(16 << 20))
    assert "not the 1024 bytes" in refused(pack_of(bomb, kind, 1024))


def test_a_dense_stream_that_declares_all():
    bomb = xz(bytes(24 << 20))
    assert pack.longest_body(len(bomb)) < 24 << 20
    assert "is declared" in refused(pack_of(bomb, pack.LZMA, 24 << 20))


@pytest.mark.parametrize(("make", "kind"), [(deflated, pack.DEFLATE), (xz, pack.LZMA)])
def test_bytes_behind_the_stream(make, kind):
    body = body_of(tensor((1,), payload=bytes(4)))
    assert "not the" in refused(pack_of(make(body) + b"more", kind, len(body)))


@pytest.mark.parametrize(("make", "kind"), [(deflated, pack.DEFLATE), (xz, pack.LZMA)])
def test_a_stream_that_never_ends(make, kind):
    body = body_of(tensor((1,), payload=bytes(4)))
    assert "not the" in refused(pack_of(make(body)[:-1], kind, len(body)))


HOSTILE = {
    "many-tensors": (body_of(count=2**62), "parts are declared"),
    "tiny-tensors": (body_of(*[tensor((0,), name=b"")] * 70000), "70000 parts are declared"),
    "same-name": (body_of(tensor((0,)), tensor((0,))), "same name"),
    "long-name": (body_of(b"\xff\xff\xff\x7f"), "declared"),
    "name-no-text": (body_of(tensor((0,), name=b"\xff")), "not UTF-8"),
    "long-skeleton": (b"\xff\xff\xff\xff\x0f", "declared"),
    "huge-shape": (body_of(tensor((2**31 - 1, 2**31 - 1))), "has the shape"),
    "huge-dimension": (body_of(tensor((2**31,))), "has the shape"),
    "huge-beside-zero": (body_of(tensor((0, *[2**31 - 1] * 3))), "has the shape"),
    "more-than-there-is": (body_of(tensor((2**20, 2**10), payload=bytes(64))), "are declared"),
    "many-dimensions": (body_of(tensor((1,) * 9)), "9 dimensions"),
    "text-tensor": (body_of(tensor((1,), elem_type=8)), "element type 8"),
    "unknown-type": (body_of(tensor((1,), elem_type=99)), "element type 99"),
    "unknown-encoding": (body_of(tensor((1,), code=77)), "unknown encoding 77"),
    "trailing-bytes": (body_of() + b"\0", "follow the last part"),
    "columns-beyond-the-file": (
        body_of(tensor((0, 2**31 - 1), code=2, payload=b"\x08\x01")),
        "are declared",
    ),
    "blocks-beyond-the-file": (
        body_of(tensor((2**31 - 1, 0), code=2, payload=b"\x08\x04\x01" + bytes(5))),
        "are declared",
    ),
    "rows-beyond-the-file": (
        body_of(tensor((2**31 - 1, 0), code=2, payload=b"\x08\x02" + bytes(5))),
        "are declared",
    ),
}


def stump(nodes=3, targets=1, target=b"", tables=None, leaves=None):
    """A body with one ensemble, whose tree is a split and two leaves; each stream can be replaced.

    target: of the tree; tables: the features' thresholds; leaves: their encoding and what follows.
    """
    counts = b"".join(wire.varint(v) for v in (targets, 1, 1, nodes))
    feature, codes = b"\0", b"\0\0"
    tables = b"\1" + b"\1\1" + b"\0" + bytes(4) if tables is None else tables
    leaves = b"\0\2" + bytes(8) + b"\1\0\1" if leaves is None else leaves
    ensemble = b"\1X\1Y\0" + counts + b"\1" + target + feature + tables + codes + leaves
    return b"\0\0\1" + ensemble


def test_a_stump_is_well_formed():
    (forest,) = pack.read(pack_of(stump()), "x").forests
    assert (forest.split.tolist(), forest.values.shape) == ([True, False, False], (2, 1))


HOSTILE_TREES = {
    "many-nodes": (stump(nodes=2**62), f"1 trees of {2**62} nodes"),
    "many-targets": (stump(targets=2**40), f"an ensemble of {2**40} targets"),
    "target-beyond": (stump(targets=2, target=b"\4" + b"\xff" * 4), f"target {2**32 - 1}"),
    "wide-integers": (stump(targets=2, target=b"\5" + b"\xff" * 5), "integers of 5 bytes"),
    "huge-tables": (
        stump(tables=wire.varint(6_000) + b"\2" + b"\x40" * 6_000 + b"\x9c" * 6_000),
        "240000000 thresholds in",
    ),
    "huge-table": (stump(tables=b"\1\4" + b"\xff" * 4), "4294967295 thresholds in"),
    "many-features": (stump(tables=wire.varint(2**50)), "features are declared"),
    "features-beyond-uint64": (stump(tables=b"\xff" * 9 + b"\x7f"), "64 bits"),
    "infinite-step": (stump(leaves=b"\1" + b"\0\0\x80\x7f" * 2 + b"\0" + b"\1\0\1"), ""),
}


@pytest.mark.parametrize("name", HOSTILE_TREES)
def test_hostile_trees(name):
    body, expected = HOSTILE_TREES[name]
    content = pack_of(body)
    if expected:
        assert expected in refused(content)
    else:
        read_bounded(content)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies(name):
    body, expected = HOSTILE[name]
    assert expected in refused(pack_of(body))


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
