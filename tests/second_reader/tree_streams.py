"""The streams of tree ensembles."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tests.second_reader.stream import Stream
from tests.second_reader.trees import MEMBER, Ensemble, Split


def read_ensemble(s: Stream) -> Ensemble:
    """Return the ensemble at the stream's position."""
    source, output, flags = s.text(), s.text(), s.byte()
    if flags & 64:
        s.take(s.varint())
    kind = "d" if flags & 1 else "f"
    targets, trees, width, count = s.varint(), s.varint(), s.varint(), s.varint()
    bits = s.bits(count)
    splits = sum(bits)
    leaves = count - splits
    tree_of = _trees(bits, trees)
    leaf_tree = [t for t, bit in zip(tree_of, bits, strict=True) if not bit]
    target = [0] * leaves
    if width == 1 and targets > 1:
        named = integers(s, leaves if flags & 16 else trees)
        target = named if flags & 16 else [named[t] for t in leaf_tree]
    features = integers(s, splits)
    modes = list(s.take(splits)) if flags & 32 else [0] * splits
    categories = _categories(s, modes, kind)
    thresholds = _thresholds(s, bits, trees, features, modes, "f" if flags & 8 else kind)
    missing = _missing(s, bits, trees) if flags & 2 else [0] * splits
    if flags & 128:  # turned splits say the same on x, which are the first columns of the input
        s.varint()
        s.bits(splits)
    values = _leaves(s, trees, targets, width, target, leaf_tree, kind)
    nodes: list[Split | dict[int, float]] = []
    rank = leaf = 0
    for bit in bits:
        if bit:
            nodes.append(
                Split(
                    features[rank],
                    thresholds[rank],
                    bool(missing[rank]),
                    trees + 2 * rank,
                    modes[rank],
                    categories[rank],
                )
            )
            rank += 1
        else:
            row = values[leaf]
            nodes.append({target[leaf]: row[0]} if width == 1 else dict(enumerate(row)))
            leaf += 1
    return Ensemble(source, output, targets, list(range(trees)), nodes)


def integers(s: Stream, count: int) -> list[int]:
    """Return integers in planes of bytes, the lowest first."""
    return _planes(s, count, s.byte())


def _planes(s: Stream, count: int, planes: int) -> list[int]:
    parts = [s.take(count) for _ in range(planes)]
    return [sum(part[i] << 8 * k for k, part in enumerate(parts)) for i in range(count)]


def _trees(bits: list[int], trees: int) -> list[int]:
    """Return the tree of each node."""
    found = list(range(trees))
    for node, bit in enumerate(bits):
        if bit:
            found += [found[node]] * 2
    return found


def _categories(s: Stream, modes: list[int], kind: str) -> list[list[float]]:
    if MEMBER not in modes:
        return [[]] * len(modes)
    sizes = iter(counts := integers(s, modes.count(MEMBER)))
    known = s.many(kind, s.varint())
    which = iter(integers(s, sum(counts)))
    return [[known[next(which)] for _ in range(next(sizes))] if m == MEMBER else [] for m in modes]


def _thresholds(
    s: Stream, bits: list[int], trees: int, features: list[int], modes: list[int], kind: str
) -> list[float]:
    sizes = integers(s, s.varint())
    tables = _tables(s, sizes, kind)
    how = s.byte()
    codes = [0] * len(features)
    if how == 0:
        order = sorted((r for r, m in enumerate(modes) if m != MEMBER), key=features.__getitem__)
        for r, code in zip(order, integers(s, len(order)), strict=True):
            codes[r] = code
    else:
        codes = _cells(s, bits, trees, features, sizes, how == 2)
    return [
        float("nan") if m == MEMBER else tables[f][c]
        for m, f, c in zip(modes, features, codes, strict=True)
    ]


def _tables(s: Stream, sizes: list[int], kind: str) -> list[list[float]]:
    width, kinds = struct.calcsize(kind), list(s.take(len(sizes)))
    plain = iter(_sums(s, [n for n, k in zip(sizes, kinds, strict=True) if not k], width))
    if not any(kinds):
        whole, moved = iter([]), iter([])
    else:
        some = [n for n, k in zip(sizes, kinds, strict=True) if k]
        whole = iter(_sums(s, some, 4))
        moved = iter(s.many("b", sum(some)))
    tables = []
    for size, k in zip(sizes, kinds, strict=True):
        table = []
        for _ in range(size):
            if k:
                a = next(whole)
                a -= (a >> 31) << 32
                nearest = a / (2.0 * 10.0 ** (k - 1))
                pattern = int.from_bytes(struct.pack(f"<{kind}", nearest), "little") + next(moved)
            else:
                pattern = next(plain)
            raw = (pattern % (1 << 8 * width)).to_bytes(width, "little")
            table.append(struct.unpack(f"<{kind}", raw)[0])
        tables.append(table)
    return tables


def _sums(s: Stream, sizes: list[int], width: int) -> list[int]:
    steps = iter(_planes(s, sum(sizes), width))
    found = []
    for size in sizes:
        value = 0
        for _ in range(size):
            value = (value + next(steps)) % (1 << 8 * width)
            found.append(value)
    return found


def _levels(bits: list[int], trees: int) -> Iterator[tuple[int, int]]:
    """Yield the first node of each level and the end."""
    start, size = 0, trees
    while size:
        yield start, start + size
        start, size = start + size, 2 * sum(bits[start : start + size])


def _cells(
    s: Stream, bits: list[int], trees: int, features: list[int], sizes: list[int], inclusive: bool
) -> list[int]:
    stored = int.from_bytes(s.take(s.varint()), "little")
    codes: list[int] = []
    bounds = [[(0, n) for n in sizes]] * trees
    for start, end in _levels(bits, trees):
        level = [b for b, bit in zip(bounds, bits[start:end], strict=True) if bit]
        first = len(codes)
        cells = [b[features[first + i]] for i, b in enumerate(level)]
        for i in range(0, len(cells), 4):
            rooms = [high - low for low, high in cells[i : i + 4]]
            product = 1
            for room in rooms:
                product *= room
            length = (product - 1).bit_length()
            number = stored & (1 << length) - 1
            stored >>= length
            for (low, _), room in zip(cells[i : i + 4], rooms, strict=True):
                codes.append(low + number % room)
                number //= room
        bounds = []
        for i, b in enumerate(level):
            f, code = features[first + i], codes[first + i]
            left, right = list(b), list(b)
            left[f] = (b[f][0], code + inclusive)
            right[f] = (code + (not inclusive), b[f][1])
            bounds += [left, right]
    return codes


def _missing(s: Stream, bits: list[int], trees: int) -> list[int]:
    below = [1] * len(bits)
    for node in range(len(bits) - 1, -1, -1):
        if bits[node]:
            left = trees + 2 * sum(bits[:node])
            below[node] = below[left] + below[left + 1]
    keys = []
    for rank in range(sum(bits)):
        a, b = below[trees + 2 * rank], below[trees + 2 * rank + 1]
        keys.append(64 * a // (a + b) + (a > b))
    found = [0] * len(keys)
    order = sorted(range(len(keys)), key=keys.__getitem__)
    for rank, bit in zip(order, s.bits(len(keys)), strict=True):
        found[rank] = bit
    return found


def _leaves(
    s: Stream,
    trees: int,
    targets: int,
    width: int,
    target: list[int],
    leaf_tree: list[int],
    kind: str,
) -> list[list[float]]:
    count, encoding = len(target), s.byte()
    if encoding == 0:
        rows = s.varint()
        values = s.many(kind, rows * width)
        return [values[i * width : (i + 1) * width] for i in integers(s, count)]
    offset, step = s.many("f", targets), s.many("f", targets)
    low = [(z >> 1) ^ -(z & 1) for z in integers(s, trees if encoding == 1 else targets)]
    codes = integers(s, count * width)
    found = []
    for leaf in range(count):
        row = []
        for j in range(width):
            k = target[leaf] if width == 1 else j
            lowest = low[leaf_tree[leaf] if encoding == 1 else k]
            exact = offset[k] + step[k] * (lowest + codes[leaf * width + j])
            row.append(struct.unpack(f"<{kind}", struct.pack(f"<{kind}", exact))[0])
        found.append(row)
    return found
