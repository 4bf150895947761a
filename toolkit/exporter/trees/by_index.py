"""Trees on columns of which a row has one at most: splits that test the index of that column."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from toolkit.exporter.formulas.codes import Block, Coded
from toolkit.exporter.trees.ensemble import LEQ, MEMBER, Ensemble

if TYPE_CHECKING:
    from toolkit.exporter.graph import Graph, Matrix

# float32 holds all whole numbers up to here, float64 more than there are categories.
LARGEST = 1 << 24


def by_index(g: Graph, x: Matrix, e: Ensemble) -> tuple[Matrix, Ensemble]:
    """Return an input with one column for each block of x, and the ensemble that takes it.

    A column j of a block has two values, and a split on it compares them with the threshold: where
    they part, "x_j is on" is "the index is j's", a split by the set of that one category. Where
    they do not, all rows go one way. x and e themselves where x is no code, or where a split on one
    of its columns is none by a threshold.
    """
    coded = g.codes.get(x.name)
    if coded is None:
        return x, e
    widths = [p.count for p in coded.parts if isinstance(p, Block)]
    blocks = _blocks(coded)
    split = np.flatnonzero(~e.leaf)
    mine = split[blocks[e.feature[split]]]
    if max(widths) >= LARGEST or (e.mode[mine] != LEQ).any():
        return x, e
    g.traps.append("trees on one-hot columns: splits by the category's index")
    source = g.join([_column(g, p, x.dtype) for p in coded.parts])
    return source, _rewritten(e, coded, mine)


def _blocks(coded: Coded) -> np.ndarray:
    """Return which columns are a block's, bool [width]."""
    return np.repeat([isinstance(p, Block) for p in coded.parts], np.diff(coded.ends))


def _column(g: Graph, part: Matrix | Block, dtype: str) -> Matrix:
    return g.cast(g.upright(part.index), dtype) if isinstance(part, Block) else part


def _rewritten(e: Ensemble, coded: Coded, mine: np.ndarray) -> Ensemble:
    """Return the ensemble on the joined columns; mine: the splits on blocks' columns."""
    group, off, on = (
        np.concatenate([_values(p, name) for p in coded.parts]) for name in ("group", "off", "on")
    )
    feature = e.feature.copy()
    feature[~e.leaf] = _places(coded)[e.feature[~e.leaf]]
    at, limit = e.feature[mine], e.threshold[mine]
    missing = e.missing_left[mine]
    on_left = np.where(np.isnan(on[at]), missing, on[at] <= limit)
    off_left = np.where(np.isnan(off[at]), missing, off[at] <= limit)
    left, right, mode, threshold, missing_left = (
        a.copy() for a in (e.left, e.right, e.mode, e.threshold, e.missing_left)
    )
    missing_left[mine] = False  # an index is never missing
    alike = on_left == off_left
    threshold[mine] = np.where(on_left, np.inf, -np.inf)
    parted = mine[~alike]
    mode[parted], threshold[parted] = MEMBER, 0.0
    swapped = parted[~on_left[~alike]]
    left[swapped], right[swapped] = e.right[swapped], e.left[swapped]
    nodes = np.concatenate([e.categories[0], parted])
    values = np.concatenate([e.categories[1], group[at[~alike]].astype(np.float64)])
    order = np.argsort(nodes, kind="stable")
    return replace(
        e,
        feature=feature,
        left=left,
        right=right,
        mode=mode,
        threshold=threshold,
        missing_left=missing_left,
        categories=(nodes[order], values[order]),
    )


def _values(part: Matrix | Block, name: str) -> np.ndarray:
    return getattr(part, name) if isinstance(part, Block) else np.zeros(part.width)


def _places(coded: Coded) -> np.ndarray:
    """Return which column of the new input each column goes to, int32 [width]."""
    found, start = [], 0
    for part in coded.parts:
        if isinstance(part, Block):
            found.append(np.full(part.width, start))
            start += 1
        else:
            found.append(start + np.arange(part.width))
            start += part.width
    return np.concatenate(found).astype(np.int32)
