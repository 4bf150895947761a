"""Tree ensembles written as the streams that `toolkit.runtime.pack.forest.streams` describes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from toolkit.quantizer.codes.compression import run
from toolkit.quantizer.trees.leaves import Leaves
from toolkit.runtime import wire
from toolkit.runtime.attributes import packed
from toolkit.runtime.pack.forest import LEQ, MEMBER, Forest, level_starts
from toolkit.runtime.pack.forest import streams as layout
from toolkit.runtime.pack.forest.cells import Outside, bit_lengths, grouped, mixed, walk
from toolkit.runtime.pack.forest.leaves import RAW_LEAVES, TARGET_STEPS, TREE_STEPS
from toolkit.runtime.pack.forest.thresholds import CELLS, DECIMALS, OPEN_CELLS, PLANES, decimal


def streams(forest: Forest, leaves: Leaves | None) -> list[bytes]:
    """Return the ensemble's streams in their order; leaves: their codes, None for exact values."""
    dtype = forest.values.dtype
    starts = level_starts(forest.split, forest.trees)
    width = forest.values.shape[1]
    tree = forest.tree()[~forest.split]
    by_tree = _by_tree(forest.leaf_targets(), tree, forest.trees)
    compared = forest.threshold[forest.mode != MEMBER]
    short = bool((compared.astype(np.float32) == compared).all())
    flags = (
        layout.FLOAT64 * (dtype.itemsize == 8)
        | layout.MISSING * bool(forest.missing_left.any())
        | layout.VERSION_3 * (forest.form == 3)
        | layout.SHORT_THRESHOLDS * short
        | layout.LEAF_TARGETS * (by_tree is None)
        | layout.OTHER_MODES * bool((forest.mode != LEQ).any())
        | layout.MORE * bool(forest.more)
        | layout.TURNED * bool(forest.turned.any())
    )
    head = [
        _text(forest.source.encode()),
        _text(forest.output.encode()),
        bytes([flags]),
        _text(forest.more) if forest.more else b"",
        packed(np.array([forest.targets, forest.trees, width, len(forest.split)])),
    ]
    several = width == 1 and forest.targets > 1
    return [
        b"".join(head),
        _bits(forest.split),
        *(_integers(forest.leaf_targets() if by_tree is None else by_tree) if several else ()),
        *_integers(forest.feature),
        forest.mode.tobytes() if flags & layout.OTHER_MODES else b"",
        *_categories(forest),
        *_thresholds(forest, starts, np.dtype("<f4") if short else dtype),
        _missing(forest, starts) if flags & layout.MISSING else b"",
        *(_turned(forest, starts) if flags & layout.TURNED else ()),
        *leaf_streams(forest, leaves),
    ]


def leaf_streams(forest: Forest, leaves: Leaves | None) -> Iterator[bytes]:
    """Yield the streams of the leaves; leaves: their codes, None for exact values."""
    if leaves is None:
        yield from _raw(forest)
        return
    tree = forest.tree()[~forest.split]
    by_tree = _by_tree(forest.leaf_targets(), tree, forest.trees)
    yield from _steps(forest, leaves, tree, by_tree is not None)


def _by_tree(target: np.ndarray, tree: np.ndarray, trees: int) -> np.ndarray | None:
    """Return the target of each tree, None where one has leaves of several."""
    counts = np.zeros(trees, dtype=np.int64)
    counts[tree] = target
    return counts if (counts[tree] == target).all() else None


def _text(content: bytes) -> bytes:
    return wire.varint(len(content)) + content


def _bits(flags: np.ndarray) -> bytes:
    return np.packbits(flags, bitorder="little").tobytes()


def _integers(values: np.ndarray) -> Iterator[bytes]:
    values = np.asarray(values)
    planes = -(-int(values.max(initial=0)).bit_length() // 8)
    yield bytes([planes])
    yield from _planes(values, planes)


def _planes(values: np.ndarray, planes: int) -> Iterator[bytes]:
    for plane in range(planes):
        yield (values.astype(np.uint64) >> np.uint64(8 * plane)).astype(np.uint8).tobytes()


def _categories(forest: Forest) -> Iterator[bytes]:
    if not (forest.mode == MEMBER).any():
        return
    counts, values = forest.members
    known, which = np.unique(values, return_inverse=True)
    yield from _integers(counts)
    yield wire.varint(len(known)) + known.astype(forest.values.dtype).tobytes()
    yield from _integers(which)


def _thresholds(forest: Forest, starts: list[int], dtype: np.dtype) -> Iterator[bytes]:
    features = int(forest.feature.max(initial=-1)) + 1
    compared = np.flatnonzero(forest.mode != MEMBER)
    order = compared[np.argsort(forest.feature[compared], kind="stable")]
    ends = np.searchsorted(forest.feature[order], np.arange(1, features + 1))
    groups = np.split(forest.threshold[order], ends[:-1]) if features else []
    unique = [np.unique(group, return_inverse=True) for group in groups]
    tables = [table.astype(dtype) for table, _ in unique]
    sizes = np.array([len(t) for t in tables], dtype=np.int64)
    yield wire.varint(features)
    yield from _integers(sizes)
    yield from _tables(tables, dtype)
    code = np.zeros(len(forest.feature), dtype=np.int64)
    code[order] = np.concatenate([c.ravel() for _, c in unique]) if unique else 0
    choices = [[bytes([PLANES]), *_integers(code[order])]]
    if not forest.mode.any():
        for how in (CELLS, OPEN_CELLS):
            cells = _cells(forest, starts, code, sizes, how == OPEN_CELLS)
            if cells is not None:
                choices.append([bytes([how]), cells])
                break
    yield from min(choices, key=lambda parts: sum(len(run([p])) for p in parts if p))


def _cells(
    forest: Forest, starts: list[int], code: np.ndarray, sizes: np.ndarray, inclusive: bool
) -> bytes | None:
    """Return the codes within their cells; None where one lies outside, or that takes too much."""
    at, parts = 0, []

    def take(low: np.ndarray, room: np.ndarray) -> np.ndarray:
        nonlocal at
        mine = code[at : at + len(low)]
        at += len(low)
        if (mine < low).any() or (mine >= low + room).any():
            raise Outside("a code is not in its cell")
        rooms = grouped(room)
        parts.append((mixed(mine - low, rooms), bit_lengths(rooms)))
        return mine

    try:
        walk(forest.split, starts, forest.feature, sizes, inclusive, take)
    except Outside:
        return None
    if not parts:
        return None
    numbers, lengths = (np.concatenate(p) for p in zip(*parts, strict=True))
    content = _bits(_spelled(numbers, lengths))
    return wire.varint(len(content)) + content


def _spelled(numbers: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the bits of the numbers, so many of each, the lowest first."""
    starts = np.cumsum(lengths) - lengths
    place = np.arange(int(lengths.sum())) - np.repeat(starts, lengths)
    return (np.repeat(numbers, lengths) >> place.astype(np.uint64)) & np.uint64(1) > 0


def _tables(tables: list[np.ndarray], dtype: np.dtype) -> Iterator[bytes]:
    decimals = [_decimals(t, dtype) for t in tables]
    yield bytes([kind for kind, _, _ in decimals])
    plain = [
        _differences(t.view(f"<u{dtype.itemsize}"))
        for t, (kind, _, _) in zip(tables, decimals, strict=True)
        if not kind
    ]
    yield from _planes(np.concatenate([*plain, np.zeros(0, np.uint8)]), dtype.itemsize)
    if any(kind for kind, _, _ in decimals):
        whole = [_differences(w.view("<u4")) for kind, w, _ in decimals if kind]
        yield from _planes(np.concatenate(whole), 4)
        yield np.concatenate([m for kind, _, m in decimals if kind]).tobytes()


def _differences(values: np.ndarray) -> np.ndarray:
    return np.diff(values, prepend=np.zeros(1, values.dtype))


def _decimals(table: np.ndarray, dtype: np.dtype) -> tuple[int, np.ndarray, np.ndarray]:
    """Return a table's kind and, where not 0, its whole numbers int32 and what moves them, int8.

    Data written with a few decimals has thresholds halfway between such numbers, or next to it.
    """
    pattern = table.view(f"<u{dtype.itemsize}")
    none = np.zeros(0, dtype=np.int32)
    best, choice = _cost(_differences(pattern)), (0, none, none)
    for kind in range(1, DECIMALS + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            whole = np.rint(table.astype(np.float64) * 2.0 * 10.0 ** (kind - 1))
        if not (np.abs(whole) < 1 << 31).all():
            break
        whole = whole.astype(np.int32)
        moved = (pattern - decimal(whole, kind, dtype)).view(f"<i{dtype.itemsize}")
        cost = _cost(_differences(whole.view(np.uint32))) + _entropy(moved)
        if (np.abs(moved) < 128).all() and cost < best:
            best, choice = cost, (kind, whole, moved.astype(np.int8))
    return choice


def _cost(steps: np.ndarray) -> float:
    """Return about how many bits a compressor needs for the numbers."""
    return float(np.log2(steps.astype(np.float64) + 1).sum())


def _entropy(values: np.ndarray) -> float:
    counts = np.unique(values, return_counts=True)[1]
    return float((counts * np.log2(len(values) / counts)).sum())


def _missing(forest: Forest, starts: list[int]) -> bytes:
    return _bits(forest.missing_left[layout.missing_order(forest.split, starts)])


def _turned(forest: Forest, starts: list[int]) -> Iterator[bytes]:
    other = forest.turned ^ forest.missing_left
    yield wire.varint(forest.width)
    yield _bits(other[layout.missing_order(forest.split, starts)])


def _raw(forest: Forest) -> Iterator[bytes]:
    values = np.ascontiguousarray(forest.values)
    rows, which = values, forest.leaf
    if values.shape[1] == 1 and forest.targets > 1:
        rows, place = np.unique(values, return_inverse=True)
        which = place.ravel()[forest.leaf]
    yield bytes([RAW_LEAVES]) + wire.varint(len(rows))
    yield rows.tobytes()
    yield from _integers(which)


def _steps(forest: Forest, leaves: Leaves, tree: np.ndarray, by_tree: bool) -> Iterator[bytes]:
    codes = leaves.codes[forest.leaf]
    alone = by_tree and codes.shape[1] == 1
    if alone:
        low = np.full(forest.trees, np.iinfo(np.int64).max)
        np.minimum.at(low, tree, codes[:, 0])
        rest = codes[:, 0] - low[tree]
    elif codes.shape[1] > 1:
        low = codes.min(axis=0)
        rest = codes - low
    else:
        target = forest.leaf_targets()
        low = np.zeros(forest.targets, dtype=np.int64)
        low[target] = np.iinfo(np.int64).max
        np.minimum.at(low, target, codes[:, 0])
        rest = codes[:, 0] - low[target]
    yield bytes([TREE_STEPS if alone else TARGET_STEPS])
    yield leaves.offset.astype("<f4").tobytes()
    yield leaves.step.astype("<f4").tobytes()
    yield from _integers(np.where(low < 0, -2 * low - 1, 2 * low))
    yield from _integers(rest.ravel())
