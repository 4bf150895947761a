"""Tree ensembles: their streams, and what they answer for a row."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from tests.second_reader.stream import Stream


@dataclass
class Split:
    """Left where the feature's value is at most the threshold, or missing and so flagged."""

    feature: int
    threshold: float
    missing_left: bool


@dataclass
class Tree:
    """Nodes in breadth-first order: a split, or a leaf's values by target."""

    nodes: list[Split | dict[int, float]]

    def leaf(self, row: list[float]) -> dict[int, float]:
        """Return the values of the leaf that a row reaches."""
        at, splits_before = 0, _splits_before(self.nodes)
        while isinstance(node := self.nodes[at], Split):
            x = row[node.feature]
            left = node.missing_left if math.isnan(x) else x <= node.threshold
            at = 2 * splits_before[at] + (1 if left else 2)
        return node


def _splits_before(nodes: list[Split | dict[int, float]]) -> list[int]:
    counts, count = [], 0
    for node in nodes:
        counts.append(count)
        count += isinstance(node, Split)
    return counts


@dataclass
class Ensemble:
    """Trees over the tensor `source`; their leaves' values are summed into `output`."""

    source: str
    output: str
    targets: int
    trees: list[Tree]

    def answer(self, row: list[float]) -> list[float]:
        """Return the sums for a row, one a target."""
        sums = [0.0] * self.targets
        for tree in self.trees:
            for target, value in tree.leaf(row).items():
                sums[target] += value
        return sums


def read_ensemble(s: Stream, version: int) -> Ensemble:
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
    nodes = iter(bits)
    split = iter(Split(f, t, bool(m)) for (f, t), m in zip(splits, missing, strict=True))
    leaf = iter(
        {named[i]: v[0]} if width == 1 else dict(enumerate(v)) for i, v in enumerate(values)
    )
    trees = [
        Tree([next(split) if next(nodes) else next(leaf) for _ in range(2 * n - 1)]) for n in leaves
    ]
    return Ensemble(source, output, targets, trees)


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
