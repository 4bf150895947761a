"""Tree ensembles of pack format 1."""

from __future__ import annotations

import struct

from tests.second_reader.stream import Stream
from tests.second_reader.trees import Ensemble, Split


def read_ensemble(s: Stream) -> Ensemble:
    """Return the ensemble at the stream's position."""
    source, output, flags = s.text(), s.text(), s.byte()
    kind = "d" if flags & 1 else "f"
    targets, count, width = s.varint(), s.varint(), s.varint()
    leaves = [s.varint() for _ in range(count)]
    total = sum(leaves)
    named = [0] * total
    if width == 1 and targets > 1:
        if flags & 16:
            named = [s.varint() for _ in range(total)]
        else:
            by_tree = [s.varint() for _ in leaves]
            named = [t for t, n in zip(by_tree, leaves, strict=True) for _ in range(n)]
    bits = s.bits(2 * total - count)
    splits = _splits(s, sum(bits), "f" if flags & 8 else kind)
    missing = s.bits(len(splits)) if flags & 2 else [0] * len(splits)
    values = _leaves(s, leaves, width, kind)
    split = iter(zip(splits, missing, strict=True))
    leaf = iter(
        {named[i]: v[0]} if width == 1 else dict(enumerate(v)) for i, v in enumerate(values)
    )
    roots: list[int] = []
    nodes: list[Split | dict[int, float]] = []
    for n in leaves:
        roots.append(len(nodes))
        rank = 0
        for bit in bits[len(nodes) : len(nodes) + 2 * n - 1]:
            if bit:
                (feature, threshold), nan_left = next(split)
                left = roots[-1] + 2 * rank + 1
                nodes.append(Split(feature, threshold, bool(nan_left), left))
                rank += 1
            else:
                nodes.append(next(leaf))
    return Ensemble(source, output, targets, roots, nodes)


def _splits(s: Stream, count: int, kind: str) -> list[tuple[int, float]]:
    """Return (feature, threshold) of each split."""
    features = s.many({1: "B", 2: "H"}[s.byte()], count)
    sizes = [s.varint() for _ in range(s.varint())]
    tables = _tables(s, sizes, kind)
    codes = _planes(s, count, s.byte())
    thresholds: list[float] = [0.0] * count
    taken = 0
    for feature, table in enumerate(tables):
        for i in (i for i, f in enumerate(features) if f == feature):
            thresholds[i] = table[codes[taken]]
            taken += 1
    return list(zip(features, thresholds, strict=True))


def _tables(s: Stream, sizes: list[int], kind: str) -> list[list[float]]:
    width = struct.calcsize(kind)
    steps = iter(_planes(s, sum(sizes), width))
    tables = []
    for size in sizes:
        table, pattern = [], 0
        for _ in range(size):
            pattern = (pattern + next(steps)) % (1 << 8 * width)
            table.append(struct.unpack(f"<{kind}", pattern.to_bytes(width, "little"))[0])
        tables.append(table)
    return tables


def _planes(s: Stream, count: int, planes: int) -> list[int]:
    parts = [s.take(count) for _ in range(planes)]
    return [sum(part[i] << 8 * k for k, part in enumerate(parts)) for i in range(count)]


def _leaves(s: Stream, leaves: list[int], width: int, kind: str) -> list[list[float]]:
    total, encoding = sum(leaves), s.byte()
    if encoding == 0:
        values = s.many(kind, total * width)
    else:
        scales, offsets = s.many("f", len(leaves)), s.many("f", len(leaves))
        codes = iter(s.many("B", total * width))
        values = [
            offset + scale * next(codes)
            for scale, offset, n in zip(scales, offsets, leaves, strict=True)
            for _ in range(n * width)
        ]
    return [values[i : i + width] for i in range(0, len(values), width)]
