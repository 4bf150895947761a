"""Rows on the thresholds of trees, each made so that it reaches the very split that it tests."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from toolkit.exporter.grid import FLOAT32, Grid
from toolkit.exporter.proof.converted_trees import converted_trees
from toolkit.exporter.proof.edits import Cell, Edit, Sample, rows_of
from toolkit.exporter.proof.fitted_trees import Tree, fitted_trees, held

MOST_SPLITS = 400  # at most so many splits, spread evenly over the thresholds of all trees
# Further splits, whose threshold is a number of the grid but for its rounding: those between two
# rows of fitting, where only rows that are new lie. A graph with float32 inputs errs there first.
NARROW = 1000
SINGLE = Grid(dtype=FLOAT32)


def at_thresholds(estimator: Any, sample: Sample) -> Iterator[Edit]:
    """Yield rows with one value at, below and above a threshold, as numbers of the column's grid.

    Where a column's numbers are not decimals, the float32 numbers next to it too. scikit-learn's
    own trees are read by themselves, which keeps the proof apart from the converters; other
    libraries' trees, those inside other estimators and in tables of several columns are had from
    the converter, taken back through the steps that were folded into them.
    """
    seen = False
    if len(sample.rows) == 1:
        for edit in _at_fitted(estimator, sample):
            seen = True
            yield edit
    if not seen or hasattr(estimator, "steps"):
        trees = sample.trees or converted_trees(estimator, sample.schema)
        for members, cells in trees:
            yield from _at_converted(members, cells, sample)


def _at_fitted(estimator: Any, sample: Sample) -> Iterator[Edit]:
    """Yield rows at thresholds of scikit-learn's own trees in a pipeline over one matrix.

    Thresholds of trees behind scalers and the like are taken back through their inverse_transform;
    behind a step that has none, nothing is yielded.
    """
    name, rows = next(iter(sample.rows.items()))
    if rows.dtype.kind != "f":
        return
    estimator = held(estimator)
    steps = [s for _, s in getattr(estimator, "steps", []) if s not in (None, "passthrough")]
    before, last = (steps[:-1], steps[-1]) if steps else ([], estimator)
    inner = _transformed(rows, before)
    trees = list(fitted_trees(held(last), rows.shape[1]))
    if inner is None or not trees:
        return
    grids = sample.grids[name]
    exact: Sequence[Grid] = [Grid()] * len(grids) if before else grids
    for k, (tree, node) in enumerate(chosen(trees, exact)):
        feature = int(tree.feature[node])
        row = _reaching(tree, node, inner[k % len(inner)].copy(), exact)
        raw = None if row is None else _inverted(row, before)
        if raw is None or not np.isfinite(raw[feature]):
            continue
        at = raw[feature]
        raw = np.array([g.snapped(v) for g, v in zip(grids, raw, strict=True)])
        changes: dict[Cell, Any] = {(name, c): v for c, v in enumerate(raw)}
        for value in _around(at, grids[feature]):
            kind = f"threshold of {sample.named((name, feature))}"
            yield Edit(k, {**changes, (name, feature): value}, kind)


def _at_converted(
    trees: list[Tree], cells: Sequence[Cell | None], sample: Sample
) -> Iterator[Edit]:
    """Yield rows at thresholds of trees whose features are these cells of the inputs."""
    known = [c is not None and c[0] in sample.grids for c in cells]
    grids = [sample.grid(c) if c and c[0] in sample.grids else Grid() for c in cells]
    columns = {c: sample.rows[c[0]][:, c[1]] for c in cells if c is not None}
    for k, (tree, node) in enumerate(chosen(trees, grids)):
        feature = int(tree.feature[node])
        cell = cells[feature]
        if cell is None or not known[feature]:
            continue
        base = k % rows_of(sample.rows)
        values = [
            float(columns[c][base]) if ok and c is not None else np.nan
            for c, ok in zip(cells, known, strict=True)
        ]
        before = np.array(values)
        row = _reaching(tree, node, before.copy(), grids)
        if row is None:
            continue
        moved = np.flatnonzero(~((row == before) | np.isnan(before)))
        changes = {c: row[f] for f, c in enumerate(cells) if c is not None and f in moved}
        for value in _around(float(tree.threshold[node]), grids[feature]):
            if columns[cell].dtype.kind in "iub" and value != np.rint(value):
                continue
            yield Edit(base, {**changes, cell: value}, f"threshold of {sample.named(cell)}")


def _around(threshold: float, grid: Grid) -> list[float]:
    """Return the grid's numbers next to a threshold, and float32's where it is none of decimals."""
    at = np.array([threshold])
    neighbours = grid.around(at)[0].tolist()
    if grid.decimals is None and grid.dtype != FLOAT32:
        neighbours += SINGLE.around(at)[0].tolist()
    return [v for v in dict.fromkeys(neighbours) if np.isfinite(v)]


def chosen(trees: list[Tree], grids: Sequence[Grid]) -> Iterator[tuple[Tree, int]]:
    """Yield (tree, node) of splits: MOST_SPLITS along the sorted thresholds, and NARROW close ones.

    Of equal thresholds of a feature, those deep in a tree count as well as its root.
    """
    splits = [np.flatnonzero(t.ordered) for t in trees]
    owners = [np.full(len(nodes), k) for k, nodes in enumerate(splits)]
    if not owners:
        return
    owner, node = np.concatenate(owners), np.concatenate(splits)
    thresholds = np.concatenate([t.threshold[t.ordered] for t in trees])
    features = np.concatenate([t.feature[t.ordered] for t in trees])
    order = np.lexsort((thresholds, features))
    picked = _evenly(order, MOST_SPLITS)
    close = _close(features[order], thresholds[order], grids)
    for at in dict.fromkeys([*picked.tolist(), *_evenly(order[close], NARROW).tolist()]):
        yield trees[owner[at]], int(node[at])


def _evenly(order: np.ndarray, most: int) -> np.ndarray:
    count = min(len(order), most)
    return order[np.linspace(0, len(order) - 1, count).astype(int)] if count else order[:0]


def _close(features: np.ndarray, thresholds: np.ndarray, grids: Sequence[Grid]) -> np.ndarray:
    """Tell which thresholds lie within a float32 step of one of the grid's decimals, bool [n]."""
    is_close = np.zeros(len(features), dtype=bool)
    for feature in np.unique(features).tolist():
        if grids[feature].decimals is None:
            continue
        mine = features == feature
        limits = thresholds[mine]
        near = np.abs(grids[feature].around(limits) - limits[:, None]).min(axis=1)
        is_close[mine] = near <= 2.0**-22 * np.abs(limits)
    return is_close


def _reaching(tree: Tree, node: int, row: np.ndarray, grids: Sequence[Grid]) -> np.ndarray | None:
    """Return the row with as few values changed as bring it to this node, and at its threshold.

    A value that is NaN is none of the caller's: it stays. None where no numbers of the grids go
    there.
    """
    low, high = np.full(len(row), -np.inf), np.full(len(row), np.inf)
    child = node
    while child:
        parent = int(tree.parent[child])
        feature, threshold = int(tree.feature[parent]), tree.threshold[parent]
        if not tree.ordered[parent]:
            pass  # the row's own category decides
        elif tree.left[parent] == child:
            high[feature] = min(high[feature], threshold)
        else:
            low[feature] = max(low[feature], threshold)
        child = parent
    outside = np.flatnonzero(~((row > low) & (row <= high)) & ~np.isnan(row))
    for at in outside.tolist():
        row[at] = grids[at].inside(low[[at]], high[[at]])[0]
        if np.isnan(row[at]):
            return None
    row[tree.feature[node]] = tree.threshold[node]
    return row


def _transformed(sample: np.ndarray, steps: list[Any]) -> np.ndarray | None:
    """Return the rows as the trees get them, None where a step cannot be taken back."""
    width = sample.shape[1]
    for step in steps:
        if not hasattr(step, "inverse_transform") or getattr(step, "n_features_in_", 0) != width:
            return None
        transformed = _quietly(step.transform, sample)
        if transformed is None or transformed.shape != sample.shape:
            return None
        sample = transformed
    return sample


def _inverted(row: np.ndarray, steps: list[Any]) -> np.ndarray | None:
    source: np.ndarray | None = row[None]
    for step in reversed(steps):
        source = None if source is None else _quietly(step.inverse_transform, source)
    return None if source is None else source[0].copy()


def _quietly(method: Any, rows: np.ndarray) -> np.ndarray | None:
    """Return what a step makes of a copy of the rows, None where it refuses them."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.array(method(rows.copy()), dtype=np.float64)
    except (ValueError, TypeError, AttributeError):
        return None
