"""Counts and targets that trees keep in their leaves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from toolkit.exporter.traces.trace import OTHER, Trace, by_share, numbers

TREES = 10  # of an ensemble; each alone tells as much as all of them
FEWEST_ROWS = 20  # rows, below which a share of them is chance


def leaves(part: Any, X: Any, y: Any) -> Trace | None:
    """Trees keep how many rows of the fitting each leaf had."""
    rows, trees = numbers(X), _trees(part)
    share, bootstrap = _share(part, len(rows))
    if not trees or share is None:
        return None
    where = [_leaves(tree, rows) for tree in trees]
    size = max(int(own.sum()) for own, _ in where)
    slack = 5 * math.sqrt(0.1 * len(rows)) if bootstrap else 0.5  # 5 standard deviations
    said = f"its root node counts {size:,} " + ("different rows" if bootstrap else "rows")
    if abs(size - share * len(rows)) <= slack:
        lacking = max(
            float(np.maximum(own - reached, 0).sum() / own.sum()) for own, reached in where
        )
        said += ", as many as " + _whose(share, bootstrap)
        return by_share(lacking, f"{said}, leaf by leaf", f"{said}, but in other leaves")
    beyond = max(float(np.maximum(reached - own, 0).sum() / len(rows)) for own, reached in where)
    if size > len(rows) and share == 1 and beyond >= OTHER:
        return Trace(False, f"{said}, and in some leaves fewer than they are there")
    return None


def _whose(share: float, bootstrap: bool) -> str:
    if bootstrap:
        return "are drawn of those given"
    return "were given" if share == 1 else "early stopping leaves of those given"


def _trees(part: Any) -> list[Any]:
    """Return some trees of an ensemble that were fitted on all rows, or on samples of all."""
    predictors = getattr(part, "_predictors", None)
    if predictors:
        return [predictors[0][0].nodes]
    if hasattr(part, "tree_"):
        return [part.tree_]
    if not hasattr(part, "estimators_") or not hasattr(part, "min_samples_leaf"):
        return []  # bags and boosted trees of others, whose rows are drawn or weighted
    return [tree.tree_ for tree in np.ravel(part.estimators_)[:TREES]]


def _share(part: Any, count: int) -> tuple[float | None, bool]:
    """Return which share of `count` rows its trees would keep, and whether it is a random one.

    None where samples have another size, which nothing is known of.
    """
    if getattr(part, "max_samples", None) is not None or getattr(part, "subsample", 1.0) != 1.0:
        return None, False
    if getattr(part, "bootstrap", False):
        return 1 - (1 - 1 / count) ** count, True
    early = getattr(part, "do_early_stopping_", getattr(part, "n_iter_no_change", None) is not None)
    apart = getattr(part, "validation_fraction", None) if early else None
    return (1.0 if apart is None else 1 - math.ceil(apart * count) / count), False


def _leaves(tree: Any, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return by leaf how many rows of the fitting it had and how many of these come to it."""
    if isinstance(tree, np.ndarray):
        at, leaf, own = _routed(tree, rows), tree["is_leaf"].astype(bool), tree["count"]
    else:
        at, leaf = tree.apply(rows.astype(np.float32)), tree.children_left < 0
        own = tree.n_node_samples
    reached = np.bincount(at, minlength=len(own))
    return np.asarray(own)[leaf].astype(np.int64), reached[leaf]


def _routed(nodes: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the leaf of each row in a tree of histogram gradient boosting."""
    if nodes["is_categorical"].any():
        raise ValueError("categories are kept elsewhere")
    at = np.zeros(len(rows), dtype=np.int64)
    for _ in range(int(nodes["depth"].max())):
        here = nodes[at]
        value = rows[np.arange(len(rows)), here["feature_idx"]]
        left = np.where(np.isnan(value), here["missing_go_to_left"], value <= here["num_threshold"])
        below = np.where(left, here["left"], here["right"])
        at = np.where(here["is_leaf"], at, below)
    return at


def memorised(part: Any, X: Any, y: Any) -> Trace | None:
    """A leaf of one row of the fitting answers with its target."""
    forest = _trees(part)
    if y is None or not forest or hasattr(part, "classes_") or hasattr(part, "learning_rate"):
        return None
    rows, targets = numbers(X).astype(np.float32), np.asarray(y, dtype=np.float64).ravel()
    rounding = 1e-5 * targets.std() + 1e-9 * np.abs(targets).max()
    alone = right = 0
    for tree in forest:
        at = tree.apply(rows)
        single = tree.n_node_samples[at] == 1
        alone += int(single.sum())
        apart = np.abs(tree.value[at, 0, 0] - targets)
        right += int((apart[single] <= rounding).sum())
    # Of a bootstrap sample, more than a third of the rows were not drawn.
    most = 0.55 if getattr(part, "bootstrap", False) else 1 - OTHER
    if alone < FEWEST_ROWS or OTHER * alone < right < most * alone:
        return None
    said = f"{right:,} of {alone:,} leaves of a single row answer with their targets"
    return Trace(right >= most * alone, said)
