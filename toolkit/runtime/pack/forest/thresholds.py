"""Thresholds and categories of tree ensembles (see `forest/streams`)."""

from __future__ import annotations

import numpy as np

from toolkit.runtime.pack.cursor import Cursor
from toolkit.runtime.pack.forest import MEMBER
from toolkit.runtime.pack.forest.cells import read_cells
from toolkit.runtime.pack.forest.numbers import integers

PLANES, CELLS, OPEN_CELLS = 0, 1, 2
DECIMALS = 9


def read_categories(cursor: Cursor, splits: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Return (how many categories each MEMBER split has, int; all of them, of the dtype)."""
    if not splits:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=dtype)
    counts = integers(cursor, splits).astype(np.int64)
    total, distinct = int(counts.sum()), cursor.uvarint()
    known = cursor.array(dtype, distinct)
    if total > len(cursor.data):
        raise cursor.fail(f"{total} categories in {len(cursor.data)} bytes")
    which = integers(cursor, total)
    if total and int(which.max()) >= distinct:
        raise cursor.fail(f"the category {which.max()}, there are {distinct}")
    return counts, known[which]


def read_thresholds(
    cursor: Cursor,
    split: np.ndarray,
    starts: list[int],
    feature: np.ndarray,
    mode: np.ndarray,
    dtype: np.dtype,
) -> np.ndarray:
    """Return each split's threshold [i], NaN where it is by categories."""
    features = cursor.uvarint()
    if features > len(cursor.data) - cursor.at:
        raise cursor.fail(f"thresholds of {features} features are declared")
    if len(feature) and int(feature.max()) >= features:
        raise cursor.fail(f"a split of the feature {feature.max()}, there are {features}")
    sizes = integers(cursor, features).astype(np.int64)
    if int(sizes.sum()) > len(cursor.data):
        raise cursor.fail(f"{sizes.sum()} thresholds in {len(cursor.data)} bytes")
    table = _tables(cursor, sizes, dtype)
    how = cursor.u8()
    if how not in (PLANES, CELLS, OPEN_CELLS) or (how != PLANES and mode.any()):
        raise cursor.fail(f"threshold codes of the unknown kind {how}")
    first = np.cumsum(sizes) - sizes
    threshold = np.full(len(feature), np.nan, dtype=dtype)
    if how != PLANES:
        code = read_cells(cursor, split, starts, feature, sizes, how == OPEN_CELLS)
        return table[first[feature] + code] if len(code) else threshold
    compared = np.flatnonzero(mode != MEMBER)
    order = compared[np.argsort(feature[compared], kind="stable")]
    code = integers(cursor, len(order)).astype(np.int64)
    if (code >= sizes[feature[order]]).any():
        raise cursor.fail("a split names a threshold that is not there")
    threshold[order] = table[first[feature[order]] + code]
    return threshold


def decimal(whole: np.ndarray, kind: int, dtype: np.dtype) -> np.ndarray:
    """Return the bit patterns, unsigned, of the numbers nearest to whole / (2 · 10^(kind − 1))."""
    nearest = (whole.astype(np.float64) / (2.0 * 10.0 ** (kind - 1))).astype(dtype)
    return nearest.view(f"<u{dtype.itemsize}")


def _tables(cursor: Cursor, sizes: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return the thresholds of all features one after the other."""
    kinds = cursor.array(np.dtype("u1"), len(sizes))
    if kinds.max(initial=0) > DECIMALS:
        raise cursor.fail(f"a threshold table of the unknown kind {kinds.max()}")
    kind = np.repeat(kinds, sizes)
    out = np.zeros(len(kind), dtype=f"<u{dtype.itemsize}")
    plain = kinds == 0
    out[kind == 0] = _summed(cursor, sizes[plain], dtype.itemsize)
    if not plain.all():
        whole = _summed(cursor, sizes[~plain], 4).view("<i4")
        moved = cursor.array(np.dtype("i1"), len(whole)).astype(out.dtype)
        for k in sorted(set(kinds[~plain].tolist())):  # np.unique would import numpy.ma: 10 ms
            mine = kind[kind > 0] == k
            out[kind == k] = decimal(whole[mine], k, dtype) + moved[mine]
    return out.view(dtype)


def _summed(cursor: Cursor, sizes: np.ndarray, planes: int) -> np.ndarray:
    """Return the sums, within each table, of unsigned differences of so many bytes."""
    count = int(sizes.sum())
    stored = cursor.array(np.dtype("u1"), planes * count).reshape(planes, count)
    steps = np.ascontiguousarray(stored.T).view(f"<u{planes}").ravel()
    total = np.cumsum(steps, dtype=steps.dtype)  # wraps, as the differences did
    before = np.concatenate([np.zeros(1, steps.dtype), total])[np.cumsum(sizes) - sizes]
    return total - np.repeat(before, sizes)
