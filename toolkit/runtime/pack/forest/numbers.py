"""Unsigned integers in planes of bytes, as tree ensembles have them (see `forest/streams`)."""

from __future__ import annotations

import numpy as np

from toolkit.runtime.pack.cursor import Cursor


def integers(cursor: Cursor, count: int) -> np.ndarray:
    """Return `integers[count]` of the format, uint8, uint16 or uint32 [count]."""
    planes = cursor.u8()
    if planes > 4:
        raise cursor.fail(f"integers of {planes} bytes")
    if planes == 0:
        # No bytes stand behind these zeros; the caller's count is of things that have some.
        return np.zeros(count, dtype=np.uint8)
    stored = cursor.array(np.dtype("u1"), planes * count).reshape(planes, count)
    if planes == 1:
        return stored[0]
    low = np.zeros((count, 2 if planes == 2 else 4), dtype=np.uint8)
    for plane, byte in enumerate(stored):
        low[:, plane] = byte
    return low.view("<u2" if planes == 2 else "<u4")[:, 0]
