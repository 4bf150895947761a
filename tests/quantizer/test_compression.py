"""The body of a pack: streams compressed apart are one stream to its reader."""

from __future__ import annotations

import lzma

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from toolkit.quantizer.compression import compressed
from toolkit.runtime import pack
from toolkit.runtime.cursor import Cursor

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
