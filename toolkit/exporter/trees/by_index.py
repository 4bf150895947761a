"""Trees on columns of which a row has one at most: they test the index, or the columns they use.

A split on a column of a block (origins.Coded) asks whether the column is on. There are two forms:

- the columns that some split uses, and no others, side by side: as fast as trees are, but they are
  made for every row;
- the index, and splits by the set of one category. onnxruntime compares in half the speed where
  splits are of two modes, 5 ns more a comparison, and a column costs a row about 1 ns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.origins import Block, Coded
from toolkit.exporter.trees.ensemble import LEQ, MEMBER, Ensemble
from toolkit.exporter.trees.forms import comparisons
from toolkit.exporter.values import Matrix

# float32 holds all whole numbers up to here.
LARGEST = 1 << 24
# So many columns are made for each comparison of a row, and so many at most: 1,000 rows of more
# would not stay in the cache.
A_COMPARISON, MOST = 4, 2048


def by_index(g: Conversion, x: Matrix, e: Ensemble) -> tuple[Matrix, Matrix | None, Ensemble]:
    """Return x without its blocks, columns behind it that stand for them, and the ensemble on both.

    x itself, None and e where x is no code, or where a split on a block's column compares it with
    no threshold.
    """
    coded = x.origin(Coded)
    if coded is None:
        return x, None, e
    split = np.flatnonzero(~e.leaf)
    numbers = np.repeat([isinstance(p, Block) for p in coded.parts], np.diff(coded.ends))
    mine = split[numbers[e.feature[split]]]
    blocks = [p for p in coded.parts if isinstance(p, Block)]
    if max(p.count for p in blocks) >= LARGEST or (e.mode[mine] != LEQ).any():
        return x, None, e
    g.traps.append("trees on one-hot columns: by the category's index")
    others = np.flatnonzero(~numbers)
    place = np.zeros(x.width, dtype=np.int32)
    place[others] = np.arange(len(others))
    used = _Splits.of(e, coded, mine)
    few = len(used.columns) <= min(MOST, A_COMPARISON * _comparisons(e))
    e = replace(e, feature=np.where(e.leaf, 0, place[e.feature]))
    behind, e = (_flags if few else _sets)(g, coded, e, used, len(others), x.dtype)
    left = [p for p in coded.parts if not isinstance(p, Block)]
    return (g.join(left), behind, e) if left else (behind, None, e)


def _comparisons(e: Ensemble) -> float:
    """Return about how many comparisons a row takes."""
    counted = comparisons(e)
    return counted or len(e.roots) * np.log2(max(2.0, e.leaf.sum() / len(e.roots)))


@dataclass(frozen=True)
class _Splits:
    """The splits on blocks' columns: nodes [s], and where a column that is on, or off, goes.

    columns: the distinct columns [u] of x; which: of these, each split's, [s]. Of a column's two
    values one may be missing, or both on one side of the threshold.
    """

    nodes: np.ndarray
    columns: np.ndarray
    which: np.ndarray
    on_left: np.ndarray
    off_left: np.ndarray

    @classmethod
    def of(cls, e: Ensemble, coded: Coded, nodes: np.ndarray) -> _Splits:
        """Return what the nodes of an ensemble on the coded tensor do."""
        columns, which = np.unique(e.feature[nodes], return_inverse=True)
        limit, missing = e.threshold[nodes], e.missing_left[nodes]
        goes = []
        for name in ("on", "off"):
            value = _of_blocks(coded, name)[e.feature[nodes]]
            goes.append(np.where(np.isnan(value), missing, value <= limit))
        return cls(nodes, columns, which, *goes)

    def turned(self, e: Ensemble, left: np.ndarray) -> Ensemble:
        """Return the ensemble with the splits' children such that `left` is where true leads.

        left: of each split, whether its true child is the one on the left. What goes one way only
        has a limit that says so; an index or a flag is never missing.
        """
        new = {n: getattr(e, n).copy() for n in ("left", "right", "threshold", "missing_left")}
        alike = self.on_left == self.off_left
        swapped = self.nodes[~left & ~alike]
        new["left"][swapped], new["right"][swapped] = e.right[swapped], e.left[swapped]
        new["missing_left"][self.nodes] = False
        new["threshold"][self.nodes] = np.where(alike, np.where(self.on_left, np.inf, -np.inf), 0.5)
        return replace(e, **new)


def _flags(
    g: Conversion, coded: Coded, e: Ensemble, used: _Splits, start: int, dtype: str
) -> tuple[Matrix, Ensemble]:
    """Return the columns that are used, 0 or 1 each, and the ensemble: at most 0.5 is off."""
    flags, ends = [], coded.ends
    for part, low, high in zip(coded.parts, ends[:-1], ends[1:], strict=True):
        mine = used.columns[(used.columns >= low) & (used.columns < high)] - low
        if isinstance(part, Block) and len(mine):
            flags.append(g.cast(g.compare("Equal", part.index, part.group[mine]), dtype))
    if not flags:  # no split uses any: a column of x serves as well
        first = next(p for p in coded.parts if isinstance(p, Block))
        return g.cast(first.index, dtype), e
    e = used.turned(e, used.off_left)
    feature = e.feature.copy()
    feature[used.nodes] = start + used.which
    return g.join(flags), replace(e, feature=feature)


def _sets(
    g: Conversion, coded: Coded, e: Ensemble, used: _Splits, start: int, dtype: str
) -> tuple[Matrix, Ensemble]:
    """Return the blocks' indices, and the ensemble that finds them in sets of one."""
    blocks = [p for p in coded.parts if isinstance(p, Block)]
    number = np.cumsum([isinstance(p, Block) for p in coded.parts]) - 1
    widths = np.diff(coded.ends)
    group = _of_blocks(coded, "group")
    e = used.turned(e, used.on_left)
    feature, mode, threshold = e.feature.copy(), e.mode.copy(), e.threshold.copy()
    column = used.columns[used.which]
    feature[used.nodes] = start + np.repeat(number, widths)[column]
    parted = used.on_left != used.off_left
    nodes = used.nodes[parted]
    mode[nodes], threshold[nodes] = MEMBER, 0.0
    members = np.concatenate([e.categories[0], nodes])
    values = np.concatenate([e.categories[1], group[column[parted]]])
    order = np.argsort(members, kind="stable")
    e = replace(
        e,
        feature=feature,
        mode=mode,
        threshold=threshold,
        categories=(members[order], values[order]),
    )
    return g.join([g.cast(b.index, dtype) for b in blocks]), e


def _of_blocks(coded: Coded, name: str) -> np.ndarray:
    """Return what a field of the blocks is for each column [width], 0 for a column of none."""
    return np.concatenate(
        [getattr(p, name) if isinstance(p, Block) else np.zeros(p.width) for p in coded.parts]
    )
