"""Random forests through the streams of a pack: what is read is what was written."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.second_reader.stream import Stream
from tests.second_reader.tree_streams import read_ensemble
from toolkit.errors import CorruptArtifact
from toolkit.quantizer.trees.leaves import Leaves, encode_leaves, whole_leaves
from toolkit.quantizer.trees.routing import reached
from toolkit.quantizer.trees.streams import streams
from toolkit.runtime.pack.cursor import Cursor
from toolkit.runtime.pack.forest import LEQ, MEMBER, Forest
from toolkit.runtime.pack.forest.cells import bit_lengths, extract, grouped, mixed, unmixed
from toolkit.runtime.pack.forest.streams import read

NO_ROWS = np.zeros((0, 9))


def random_forest(seed: int) -> Forest:
    """Return a forest that has, by chance, any of what a pack can hold."""
    rng = np.random.default_rng(seed)
    form = int(rng.choice([3, 5]))
    trees, features = int(rng.integers(1, 6)), int(rng.choice([1, 3, 300]))
    targets = int(rng.choice([1, 1, 3]))
    width = targets if form == 3 and rng.random() < 0.3 else 1
    dtype = np.dtype(rng.choice(["<f4", "<f8"]))
    level = np.ones(trees, bool) if form == 5 else rng.random(trees) < 0.8
    levels = [level]
    for _ in range(int(rng.integers(0, 7))):
        level = rng.random(2 * int(level.sum())) < 0.7
        levels.append(level)
    levels.append(np.zeros(2 * int(level.sum()), bool))
    split = np.concatenate(levels)
    i, leaves = int(split.sum()), int((~split).sum())
    kinds = [
        np.round(rng.normal(size=i), int(rng.integers(0, 4))) / 2,
        rng.normal(size=i),
        rng.integers(-3, 9, i).astype(float),
    ]
    threshold = kinds[rng.integers(3)].astype(dtype)
    mode = np.zeros(i, np.uint8)
    if rng.random() < 0.4:
        mode = rng.integers(0, 7 if form == 5 else 6, i).astype(np.uint8)
        threshold[mode == MEMBER] = np.nan
    turned = (rng.random(i) < rng.choice([0.0, 0.5])) & (mode == LEQ)
    counts = rng.integers(0, 5, int((mode == MEMBER).sum()))
    rows = int(rng.integers(1, leaves + 1))
    values = (
        rng.normal(size=(rows, width)) if rng.random() < 0.7 else rng.integers(-9, 9, (rows, 1))
    )
    return Forest(
        source="X",
        output="y",
        form=form,
        targets=targets,
        trees=trees,
        split=split,
        feature=rng.integers(0, features, i),
        threshold=threshold,
        missing_left=rng.random(i) < rng.choice([0.0, 0.5]),
        mode=mode,
        members=(counts, rng.integers(0, 9, int(counts.sum())).astype(dtype)),
        leaf=rng.integers(0, rows, leaves),
        values=np.broadcast_to(values, (rows, width)).astype(dtype),
        target=rng.integers(0, targets if width == 1 else 1, rows),
        turned=turned,
        width=features if turned.any() else 0,
        more=b"" if rng.random() < 0.9 else b"\x2a\x00",
    )


def codes_of(forest: Forest, seed: int) -> Leaves | None:
    return (None, whole_leaves(forest), encode_leaves(forest, NO_ROWS, 8))[seed % 3]


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6))
def test_a_random_forest_comes_back(seed: int) -> None:
    forest = random_forest(seed)
    leaves = codes_of(forest, seed)
    content = b"".join(streams(forest, leaves))
    cursor = Cursor(content, "here")
    got = read(cursor)
    assert cursor.at == len(content)
    for name in {f.name for f in fields(Forest)} - {"members", "leaf", "values", "target"}:
        np.testing.assert_array_equal(getattr(got, name), getattr(forest, name), err_msg=name)
    for a, b in zip(got.members, forest.members, strict=True):
        np.testing.assert_array_equal(a, b)
    values = forest.values if leaves is None else leaves.decode(forest)
    np.testing.assert_array_equal(got.leaf_values(), values[forest.leaf])
    if forest.values.shape[1] == 1:
        np.testing.assert_array_equal(got.leaf_targets(), forest.leaf_targets())


READ = """
import sys
from toolkit.runtime.pack.cursor import Cursor
from toolkit.runtime.pack.forest.streams import read
from toolkit.runtime.pack.forest.nodes import to_node
before = set(sys.modules)
for path in sys.argv[1:]:
    to_node(read(Cursor(open(path, "rb").read(), path)))
print(*(set(sys.modules) - before))
"""


def test_reading_a_forest_imports_nothing(tmp_path: Path) -> None:
    """Importing numpy.ma, as np.unique does, takes as long as opening a small forest."""
    for seed in range(30):
        forest = random_forest(seed)
        content = b"".join(streams(forest, codes_of(forest, seed)))
        (tmp_path / f"{seed}.bin").write_bytes(content)
    paths = [str(p) for p in tmp_path.iterdir()]
    done = subprocess.run(
        [sys.executable, "-c", READ, *paths], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.split() == []


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6))
def test_the_second_reader_and_the_router_agree(seed: int) -> None:
    forest = random_forest(seed)
    leaves = codes_of(forest, seed)
    other = read_ensemble(Stream(b"".join(streams(forest, leaves))))
    rows = np.random.default_rng(seed).integers(-3, 9, (8, 300)).astype(float)
    rows[::3, ::2] = np.nan
    values = forest.values if leaves is None else leaves.decode(forest)
    at = reached(forest, rows.astype(forest.values.dtype))
    for row, leaf in zip(rows.tolist(), at, strict=True):
        sums = np.zeros(forest.targets)
        for one in forest.leaf[leaf]:
            k = slice(None) if values.shape[1] > 1 else forest.target[one]
            sums[k] += values[one] if values.shape[1] > 1 else values[one, 0]
        np.testing.assert_allclose(other.answer(row), sums, rtol=1e-12, atol=1e-12)


@settings(max_examples=60)
@given(seed=st.integers(0, 10**4), data=st.data())
def test_a_damaged_forest_is_refused_or_well_formed(seed: int, data: st.DataObject) -> None:
    forest = random_forest(seed)
    content = bytearray(b"".join(streams(forest, codes_of(forest, seed))))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.sampled_from([len(content), len(content) - 1, len(content) // 2]))
    try:
        got = read(Cursor(bytes(content[:cut]), "here"))
    except CorruptArtifact:
        return
    assert len(got.split) <= 8 * len(content)
    assert got.leaf.max(initial=0) < len(got.values)
    assert got.target.max(initial=0) < got.targets
    left, right = got.children()
    assert max(left.max(initial=0), right.max(initial=0)) < len(got.split)


@given(seed=st.integers(0, 10**6))
def test_numbers_of_cells_come_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    room = rng.integers(1, rng.choice([2, 5, 300, 65536]), int(rng.integers(1, 40)))
    codes = rng.integers(0, room)
    rooms = grouped(room)
    numbers, sizes = mixed(codes, rooms), bit_lengths(rooms)
    ends = np.cumsum(sizes)
    whole = sum(int(n) << int(e - s) for n, e, s in zip(numbers, ends, sizes, strict=True))
    raw = whole.to_bytes(8 * (int(ends[-1]) // 64 + 3), "little")
    found = extract(np.frombuffer(raw, "<u8"), ends - sizes, sizes)
    np.testing.assert_array_equal(unmixed(found, rooms)[: len(codes)], codes)
    products = [np.prod([int(m) for m in column], dtype=object) for column in rooms.T]
    assert sizes.tolist() == [(int(p) - 1).bit_length() for p in products]


def chain(levels: int) -> Forest:
    """A tree in which every left child is a leaf."""
    forest = random_forest(0)
    split = np.array([True] + [False, True] * (levels - 1) + [False, False])
    i = int(split.sum())
    return replace(
        forest,
        form=5,
        targets=1,
        trees=1,
        split=split,
        feature=np.zeros(i, np.int64),
        threshold=np.zeros(i),
        missing_left=np.zeros(i, bool),
        mode=np.full(i, LEQ, np.uint8),
        turned=np.zeros(i, bool),
        width=0,
        members=(np.zeros(0, np.int64), np.zeros(0)),
        leaf=np.zeros(i + 1, np.int64),
        values=np.ones((1, 1)),
        target=np.zeros(1, np.int64),
    )


def test_a_deep_chain_comes_back_and_an_endless_one_is_refused() -> None:
    assert len(read(Cursor(b"".join(streams(chain(3000), None)), "x")).feature) == 3000
    endless = b"\1X\1Y\0\1\1\1" + b"\x81\x80\x08" + b"\xab" * 16385
    with pytest.raises(CorruptArtifact, match="structure bits"):
        read(Cursor(endless, "x"))


HOSTILE = {
    "trees": (b"\1\x80\x80\x80\x80\x10\1\3", "trees of 3 nodes"),
    "nodes": (b"\1\1\1\xff\xff\xff\xff\x7f", "nodes with 1 values"),
    "targets": (b"\xff\xff\xff\xff\x0f\1\1\3", "an ensemble of"),
    "width": (b"\1\1\2\3", "2 values a leaf"),
    "structure": (b"\1\1\1\3\7", "structure bits"),
    "planes": (b"\1\1\1\3\1\5", "integers of 5 bytes"),
    "features": (b"\1\1\1\3\1\0\xff\xff\xff\x7f", "features are declared"),
    "feature": (b"\1\1\1\3\1\1\7\1\1\1", "a split of the feature 7"),
    "thresholds": (b"\1\1\1\3\1\0\1\4\xff\xff\xff\x7f\0", "thresholds in"),
    "table": (b"\1\1\1\3\1\0\1\1\1\x0a", "table of the unknown kind 10"),
    "codes": (b"\1\1\1\3\1\0\1\1\1\0" + bytes(4) + b"\3", "threshold codes of the unknown kind"),
    "code": (b"\1\1\1\3\1\0\1\1\1\0" + bytes(4) + b"\0\1\1", "threshold that is not there"),
    "cells": (b"\1\1\1\3\1\0\1\1\xc8\0" + bytes(800) + b"\1\0", "not in their cells"),
    "empty cell": (b"\1\1\1\3\1\0\1\1\0\0\1\0", "not in their cells"),
    "leaves": (b"\1\1\1\3\1\0\1\1\1\0" + bytes(4) + b"\0\0\7", "leaf encoding 7"),
    "row": (b"\1\1\1\3\1\0\1\1\1\0" + bytes(4) + b"\0\0\0\1" + bytes(4) + b"\1\1\0", "the row 1"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_streams(name: str) -> None:
    content, expected = HOSTILE[name]
    with pytest.raises(CorruptArtifact, match=expected):
        read(Cursor(b"\1X\1Y\0" + content + bytes(2), "x"))
