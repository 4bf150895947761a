"""Reading packs, with bounds on time and memory."""

from __future__ import annotations

import tracemalloc
import warnings

import pytest

from toolkit.errors import CorruptArtifact
from toolkit.runtime import pack, wire


def refused(content: bytes) -> str:
    tracemalloc.start()
    try:
        with pytest.raises(CorruptArtifact) as caught:
            pack.read(content, "bomb.pack")
        assert tracemalloc.get_traced_memory()[1] < (16 << 20)
    finally:
        tracemalloc.stop()
    return str(caught.value)


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
