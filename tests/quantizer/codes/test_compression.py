"""The body of a pack: streams compressed apart are one stream to its reader."""

from __future__ import annotations

import lzma

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.quantizer.codes import compression
from toolkit.quantizer.codes.compression import compressed
from toolkit.runtime import pack
from toolkit.runtime.pack.cursor import Cursor

BITS = st.builds(
    lambda size, high, seed: np.random.default_rng(seed).integers(0, high, size, "u1").tobytes(),
    st.integers(0, 3000),
    st.integers(1, 256),
    st.integers(0, 99),
)


@given(streams=st.lists(BITS, min_size=1, max_size=6))
def test_the_streams_come_back_as_one_body(streams: list[bytes]) -> None:
    kind, content = compressed(streams)
    body = b"".join(streams)
    read = pack._decompress(kind, memoryview(content), len(body), Cursor(content, "here"))
    assert bytes(read) == body


def test_streams_of_different_kinds_are_smaller_apart() -> None:
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.integers(-1, 2, 20000))
    streams = [walk.astype("u1").tobytes(), rng.binomial(3, 0.1, 20000).astype("u1").tobytes()] * 4
    kind, content = compressed(streams)
    together = lzma.compress(
        b"".join(streams), lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 9}]
    )
    assert kind == pack.LZMA
    assert len(content) < len(together)


def test_a_draft_of_a_large_body_reads_back_and_is_hardly_larger() -> None:
    rng = np.random.default_rng(0)
    streams = [rng.binomial(n, 0.1, 200_000).astype("u1").tobytes() for n in (3, 30)]
    body = b"".join(streams)
    kind, content = compressed(streams, draft=True)
    read = pack._decompress(kind, memoryview(content), len(body), Cursor(content, "here"))
    assert bytes(read) == body
    fewest = len(compressed(streams)[1])
    assert fewest <= len(content) <= 1.02 * fewest


@given(streams=st.lists(BITS, min_size=1, max_size=6))
def test_a_draft_of_a_small_body_is_the_whole(streams: list[bytes]) -> None:
    assert compressed(streams, draft=True) == compressed(streams)


def test_what_is_kept_of_earlier_packs_changes_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    streams = [rng.binomial(9, 0.1, 2000).astype("u1").tobytes() for _ in range(4)]
    monkeypatch.setattr(compression, "_kept", {})
    fresh = compressed(streams)
    assert compressed(streams) == fresh
    monkeypatch.setattr(compression, "KEPT", 1000)  # less than the streams take together
    monkeypatch.setattr(compression, "_kept", {})
    assert compressed(streams) == fresh
    assert sum(map(len, compression._kept.values())) <= 1000
