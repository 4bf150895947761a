"""Rows whose neighbours are sought; KD and ball trees, whose nodes share out their points."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.estimators.restored.refusal import require, within

EMPTY = "holds no points"


def check_tree(tree: Any, width: int | None) -> None:
    """Check a tree of points; the rows that are asked about have its own number of columns.

    Queries write one answer a point, so that nodes that shared a point would write beyond the end.
    """
    state = tree.__getstate__()
    points, order, nodes, limits = state[:4]
    metric, weights = state[-2:]
    count = int(state[6])
    require(points.ndim == 2 and len(points), EMPTY)
    require(width in (None, points.shape[1]), f"has points of {points.shape[1]} columns")
    require(order.shape == (len(points),), f"orders {len(order)} of {len(points)} points")
    within(order, 0, len(points), "names the point")
    require((np.bincount(order, minlength=len(points)) == 1).all(), "names a point twice")
    require(count == len(nodes) > 0, f"says that it has {count} nodes, it has {len(nodes)}")
    require(
        limits.ndim == 3 and limits.shape[1:] == (count, points.shape[1]) and len(limits),
        f"has bounds of the shape {limits.shape}",
    )
    # A KD tree's nodes have a lower and an upper corner, a ball tree's a centre.
    require(len(limits) == (2 if "KDTree" in type(tree).__name__ else 1), "has too few bounds")
    _check_nodes(nodes, len(points))
    require(weights is None or np.shape(weights) == (len(points),), "has other weights than points")
    _check_metric(metric, points.shape[1])


def _check_nodes(nodes: np.ndarray, points: int) -> None:
    """Check that the root has all points, and both halves of a node its points between them."""
    start, end = nodes["idx_start"].astype(np.int64), nodes["idx_end"].astype(np.int64)
    within(start, 0, points + 1, "begins a node with the point")
    within(end, 0, points + 1, "ends a node with the point")
    require((start[0], end[0]) == (0, points), "has a root without some points")
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    first, second = 2 * inner + 1, 2 * inner + 2
    within(second, 0, len(nodes), "has a child number")
    shared = (
        (start[first] == start[inner])
        & (end[first] == start[second])
        & (end[second] == end[inner])
        & (start[first] <= end[first])
        & (start[second] <= end[second])
    )
    require(shared.all(), "has nodes whose halves do not share out their points")


def _check_metric(metric: Any, width: int) -> None:
    state = metric.__getstate__()
    vector, matrix = state[1], state[2]
    name = type(metric).__name__
    if "SEuclidean" in name or len(vector) > 1:
        require(len(vector) == width, f"measures {len(vector)} columns, its points have {width}")
    if "Mahalanobis" in name:
        require(np.shape(matrix) == (width, width), f"has a matrix of {np.shape(matrix)}")


def check_model(model: Any, width: int | None) -> None:
    """Check a model of neighbours: it counts its rows, which have the columns that it is given.

    Distances to them are computed, and a sparse matrix is made of their numbers, by these counts.
    """
    rows, columns = model._fit_X.shape
    require(model.n_samples_fit_ == rows, f"counts {model.n_samples_fit_} rows, it has {rows}")
    require(width in (None, columns), f"has rows of {columns} columns, takes {width}")
