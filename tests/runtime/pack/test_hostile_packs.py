"""Hostile packs: well-formed by their checksum, wrong behind it."""

from __future__ import annotations

import pytest

from tests.runtime.graphs import (
    body_of,
    deflated,
    pack_of,
    tensor,
    xz,
)
from tests.runtime.pack.reading import read_bounded, refused
from toolkit.runtime import pack, wire


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
