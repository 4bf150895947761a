"""Fitted arrays of which compiled code takes the lengths on trust: what belongs together fits."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.estimators.restored.refusal import require, within

MERSENNE = 624  # numbers that MT19937 makes at a time
MOST_THREADS = 1 << 10  # it is the number of cores where the model was fitted


def check_spline(spline: Any, _width: int | None) -> None:
    """Check a B-spline: as many coefficients as its knots and its degree need."""
    knots, degree = np.asarray(spline.t), spline.k
    require(isinstance(degree, int | np.integer) and 0 <= degree < 100, f"has the degree {degree}")
    require(knots.ndim == 1 and knots.dtype.kind == "f", "has knots that are no numbers")
    needed = len(knots) - degree - 1
    require(needed > degree, f"has {len(knots)} knots for the degree {degree}")
    require(np.isfinite(knots).all() and (np.diff(knots) >= 0).all(), "has knots out of order")
    require(len(spline.c) >= needed, f"has {len(spline.c)} coefficients, {needed} are needed")


def check_centers(model: Any, width: int | None) -> None:
    """Check a clusterer's centres: rows have as many columns."""
    shape = np.shape(model.cluster_centers_)
    require(len(shape) == 2 and width in (None, shape[1]), f"has centres of the shape {shape}")


def check_support(model: Any, _width: int | None) -> None:
    """Check a support vector machine: as many coefficients, counts and numbers as vectors."""
    vectors, support = model.support_vectors_, np.asarray(model.support_)
    counts = np.asarray(model._n_support)
    width = len(support)
    require(support.ndim == counts.ndim == 1 and len(counts) >= 2, "counts no support vectors")
    # Rows that a kernel was computed of stand in another place, or in none.
    computed = model.kernel == "precomputed" or callable(model.kernel)
    needed = 0 if computed else width
    require(vectors.shape[0] == needed, f"has {vectors.shape[0]} vectors, {needed} are needed")
    rows = int(model.shape_fit_[0])
    within(support, 0, rows, "has the support vector")
    classes = np.size(model.classes_) if hasattr(model, "classes_") else 0
    if classes:
        require(len(counts) == classes, f"counts vectors of {len(counts)} of {classes} classes")
        require(counts.min() >= 0 and counts.sum() == width, f"counts {counts.sum()} of {width}")
    else:
        require((counts == width).all(), f"counts {counts} of {width} vectors")
    shape = np.shape(model._dual_coef_)
    require(shape == (len(counts) - 1, width), f"has coefficients of the shape {shape}")
    pairs = len(counts) * (len(counts) - 1) // 2
    require(np.size(model._intercept_) == pairs, f"has {np.size(model._intercept_)} intercepts")
    for name in ("_probA", "_probB"):
        size = np.size(getattr(model, name, ()))
        require(size in (0, pairs), f"has {size} numbers in {name}, {pairs} are needed")


def check_classes_of_neighbours(model: Any, _width: int | None) -> None:
    """Check a classifier of neighbours: a class that there is for each of its rows."""
    classes, answers = model.classes_, np.asarray(model._y)
    several = isinstance(classes, list)
    columns = answers.reshape(len(answers), -1)
    listed = classes if several else [classes]
    require(len(answers) == model._fit_X.shape[0], "has other answers than rows")
    require(columns.shape[1] == len(listed), "has other answers than classes")
    for column, known in zip(columns.T, listed, strict=True):
        require(column.dtype.kind in "iu", "has answers that are no numbers of classes")
        within(column, 0, len(known), "answers with the class number")


def check_stages(model: Any, width: int | None) -> None:
    """Check gradient boosting, which asks its members' trees itself: a tree a stage and column."""
    trees = model.estimators_
    if type(model).__name__ not in ("GradientBoostingClassifier", "GradientBoostingRegressor"):
        return
    require(isinstance(trees, np.ndarray) and trees.ndim == 2, "has no table of trees")
    expected = int(model.n_trees_per_iteration_)
    require(trees.shape[1] == expected, f"has {trees.shape[1]} trees a stage, gives {expected}")
    loss = model._loss
    classes = int(loss.n_classes) if loss.is_multiclass else 1
    require(classes == expected, f"has {expected} trees a stage, and a loss of {classes} classes")
    for tree in trees.ravel().tolist():
        width_of_tree = tree.tree_.n_features
        require(width_of_tree == width, f"has a tree of {width_of_tree} columns, takes {width}")


def check_categories(model: Any, width: int | None) -> None:
    """Check histogram boosting: it knows of each column whether that is one of categories."""
    known = getattr(model._bin_mapper, "is_categorical_", None)
    require(known is not None and np.shape(known) == (width,), "knows other columns than it takes")
    of_mapper = np.asarray(known, dtype=bool)
    for predictor in (p for stage in model._predictors for p in stage):
        nodes = predictor.nodes
        tested = nodes["feature_idx"][(nodes["is_leaf"] == 0) & (nodes["is_categorical"] != 0)]
        within(tested.astype(np.int64), 0, int(width or 0), "tests the column")
        require(of_mapper[tested].all(), "tests categories of a column of numbers")


def check_random(source: Any, _width: int | None) -> None:
    """Check where a source of random numbers (RandomState, Generator) stands in its buffer."""
    own = getattr(source, "bit_generator", None)
    state = source.get_state(legacy=False) if own is None else own.state
    for held, name, size in (
        (state["state"], "pos", MERSENNE),
        (state, "buffer_pos", len(state.get("buffer", ()))),
    ):
        if name in held:
            within(np.asarray(held[name]), 0, size + 1, "continues with the number")


def check_labels(model: Any, _width: int | None) -> None:
    """Check the clusters of rows or columns: sums are made for all numbers up to the largest."""
    labels = np.asarray(model.labels_)
    within(np.asarray(int(model.n_clusters_)), 1, labels.size + 1, "counts the clusters")
    within(labels.astype(np.int64), 0, int(model.n_clusters_), "has the cluster")


def check_threads(model: Any, _width: int | None) -> None:
    """Check how many threads a clusterer starts: OpenMP ends the process where it cannot."""
    count = model._n_threads
    require(isinstance(count, int | np.integer), "counts no threads")
    within(np.asarray(count), 1, MOST_THREADS + 1, "starts as many threads as")
