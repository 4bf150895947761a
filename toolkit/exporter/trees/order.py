"""The key that puts rows in order: near each other are rows that go alike through all trees.

Rows of one cell of the key take the same way at most splits, so that the processor foresees the
comparisons of every tree, and finds the nodes in its cache. The cells are learnt: a regression tree
is fitted to the ways that sample rows take through the ensemble, and its leaves, counted from left
to right, are the key's first digit; the next tree is fitted to what the cells so far leave over.

A row's way is the set of the nodes that it passes: two rows differ in as many as there are nodes
that one passes alone. Random signs make a short vector of it that keeps these distances
(Achlioptas, 2003): a vector of signs for each node, and a row's is the sum of its nodes'.

Measured against the plain graph on 20,000 rows in order, the key's own time left out: the upper
parts of the first trees as digits, as it was before, left .76 of gradient boosting, .75 of
histogram boosting and .45 of a forest, whose trees are deep; two learnt digits of 64 leaves .55,
.64 and .47, and four as below .51, .60 and .44. A single tree of 256 leaves is behind two of 64
(.56, .65). Rows drawn feature by feature from the thresholds do nearly as well as real ones (.60,
.68, .48): they serve where no sample rows are known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from toolkit.exporter.trees.ensemble import LEQ, Ensemble, concatenate, tree

# A digit's leaves at most. Together 2²⁰ cells, so that the key is a whole number in float32.
LEAVES = (64, 64, 16, 16)
ROWS, TREES, SIGNS = 2048, 128, 64  # that the ways are measured with; more gain nothing
FEATURES = 64  # that the key may compare; all those of a text would take minutes to fit
FEWEST = 256  # real rows; with fewer, rows are drawn
LARGEST = 1e30  # whose sums are numbers in float32
TOGETHER = 4  # rows that pass a node, for it to tell something about others


def key_of(e: Ensemble, rows: np.ndarray | None, leaves: int) -> Ensemble:
    """Return the ensemble whose sums order the rows: whole numbers, which float32 holds.

    rows: sample rows of the ensemble's input [n, width], without NaN; None where none are
    known. leaves: that it may have in all; it has one digit at least.
    """
    if rows is None or len(rows) < FEWEST:
        rows = drawn(e)
    rows = _bounded(e, rows[:ROWS])
    rest = ways(e, rows)
    rest -= rest.mean(axis=0)
    cell = np.zeros(len(rows), dtype=np.int64)
    digits: list[Ensemble] = []
    for most in LEAVES:
        if digits and most > leaves:
            break
        digit, number = _digit(rows, rest, most)
        digits = [replace(d, values=d.values * most) for d in digits] + [digit]
        leaves -= most
        cell = cell * most + number
        _, which, size = np.unique(cell, return_inverse=True, return_counts=True)
        sums = np.zeros((len(size), SIGNS))
        np.add.at(sums, which, rest)
        rest -= (sums / size[:, None])[which]
    return concatenate(digits, np.zeros(1))


def drawn(e: Ensemble) -> np.ndarray:
    """Return rows whose features are drawn, each by itself, from the thresholds they meet."""
    rng = np.random.default_rng(0)
    rows = np.zeros((ROWS, int(e.feature.max()) + 1), dtype=np.float32)
    compared = _compared(e)
    compared = compared[np.argsort(e.feature[compared], kind="stable")]
    features, starts = np.unique(e.feature[compared], return_index=True)
    for f, mine in zip(features.tolist(), np.split(compared, starts[1:]), strict=True):
        share = np.maximum(e.count[mine], 1).astype(np.float64)
        met = np.clip(e.threshold[mine], -LARGEST, LARGEST)
        rows[:, f] = rng.choice(met, ROWS, p=share / share.sum())
    return rows


def _compared(e: Ensemble) -> np.ndarray:
    """Return the splits that compare one of the FEATURES most met with a number."""
    split = np.flatnonzero(~e.leaf & (e.mode == LEQ) & np.isfinite(e.threshold))
    met = np.bincount(e.feature[split], e.count[split])
    often = np.argsort(-met, kind="stable")[:FEATURES]
    return split[np.isin(e.feature[split], often)]


def _bounded(e: Ensemble, rows: np.ndarray) -> np.ndarray:
    """Return the rows within the thresholds' range, float32: beyond it no way changes.

    What is hardly ever compared is 0.
    """
    compared = _compared(e)
    feature = e.feature[compared]
    met = np.clip(e.threshold[compared], -LARGEST, LARGEST)
    low, high = np.full(rows.shape[1], np.inf), np.full(rows.shape[1], -np.inf)
    np.minimum.at(low, feature, met)
    np.maximum.at(high, feature, met)
    above = np.nextafter(high.astype(np.float32), np.float32(np.inf))
    return np.where(low <= high, np.clip(rows, low, np.maximum(low, above)), 0).astype(np.float32)


def ways(e: Ensemble, rows: np.ndarray) -> np.ndarray:
    """Return the vector of signs of the nodes that each row passes, float64 [n, SIGNS].

    Up to TREES trees, evenly spread: of boosting the late ones count as well.
    """
    rng = np.random.default_rng(0)
    went = np.zeros((len(rows), SIGNS), dtype=np.float32)
    count = min(TREES, len(e.roots))
    for root in e.roots[np.linspace(0, len(e.roots) - 1, count).astype(np.int64)].tolist():
        for passing, node in _levels(e, rows, root):
            names, which = np.unique(node, return_inverse=True)
            signs = rng.choice(np.array([-1, 1], dtype=np.float32), (len(names), SIGNS))
            went[passing] += signs[which]
    return went.astype(np.float64)


def _levels(e: Ensemble, rows: np.ndarray, root: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield for each level below the root the rows that pass it in company, and their nodes.

    A way ends at a leaf, at a split that is no comparison, and where a row goes nearly alone.
    """
    passing, node = np.arange(len(rows)), np.full(len(rows), root)
    while len(passing):
        on = ~e.leaf[node] & (e.mode[node] == LEQ)
        passing, node = passing[on], node[on]
        left = rows[passing, e.feature[node]] <= e.threshold[node]
        node = np.where(left, e.left[node], e.right[node])
        _, which, size = np.unique(node, return_inverse=True, return_counts=True)
        together = size[which] >= TOGETHER
        passing, node = passing[together], node[together]
        yield passing, node


def _digit(rows: np.ndarray, rest: np.ndarray, leaves: int) -> tuple[Ensemble, np.ndarray]:
    """Return the tree that leaves least of `rest` within its leaves, and each row's leaf's number.

    Its leaves' values count them from left to right.
    """
    from sklearn.tree import DecisionTreeRegressor

    columns = np.flatnonzero(np.ptp(rows, axis=0))
    if not len(columns):  # nothing is compared
        columns = np.zeros(1, dtype=np.int64)
    rows = rows[:, columns]
    fitted = DecisionTreeRegressor(max_leaf_nodes=leaves, random_state=0).fit(rows, rest)
    nodes = fitted.tree_
    leaf = nodes.children_left < 0
    number = np.zeros(len(leaf))
    stack, counted = [0], 0
    while stack:
        node = stack.pop()
        if leaf[node]:
            number[node] = counted
            counted += 1
        else:
            stack += [nodes.children_right[node], nodes.children_left[node]]
    limit = nodes.threshold.copy()
    for f in np.unique(nodes.feature[~leaf]).tolist():
        mine = nodes.feature == f
        limit[mine] = _rounded(limit[mine], rows[:, f])
    feature = columns[np.maximum(nodes.feature, 0)]
    sorter = tree(feature, limit, nodes.children_left, nodes.children_right, leaf, number)
    return sorter, number[fitted.apply(rows)].astype(np.int64)


def _rounded(limits: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the limits with as few decimals as a hundredth of the values' middle half has.

    Packs keep short numbers in half the room; the order is as good.
    """
    low, high = np.quantile(values, (0.25, 0.75)).astype(np.float64)
    step = (high - low) / 100
    return np.round(limits, -int(np.floor(np.log10(step)))) if 1e-9 < step < 1e9 else limits
