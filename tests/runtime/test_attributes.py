"""Attributes of nodes as protobuf fields."""

from __future__ import annotations

import numpy as np

from toolkit.runtime.attributes import packed
from toolkit.runtime.wire import varint


def test_packed_integers_are_varints() -> None:
    for values in ([], [0, 1, 127], [0, 128, 300, 2**21], [5, 2**40, 2**31, 0]):
        assert packed(np.array(values, dtype=np.int64)) == b"".join(map(varint, values))
