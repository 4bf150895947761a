"""Rows at the points with which an estimator compares: support vectors, neighbours, centroids."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from toolkit.exporter.proof.edits import Edit, Sample

MOST_POINTS = 100  # at most so many points, spread evenly over all
# Where estimators keep them. Not clusters' centres: the distance 0 there is lost in scikit-learn's
# own rounding (√1e-7 for a mean of 1e4).
KEPT_IN = ("_fit_X", "X_fit_", "X_train_", "X_", "support_vectors_", "centroids_")


def at_points(estimator: Any, sample: Sample) -> Iterator[Edit]:
    """Yield rows that are points of the estimator, of models with one input of numbers."""
    if len(sample.rows) != 1:
        return
    name, rows = next(iter(sample.rows.items()))
    if rows.dtype.kind != "f":
        return
    for row in point_rows(estimator, rows):
        snapped = [g.snapped(row[[c]])[0] for c, g in enumerate(sample.grids[name])]
        changes = {(name, c): v for c, v in enumerate(snapped)}
        yield Edit(0, changes, "a point that the estimator keeps")


def point_rows(estimator: Any, sample: np.ndarray) -> Iterator[np.ndarray]:
    """Yield rows [features] that are points of the estimator, each column's outermost among them.

    sample: float64 [N, features]. Points behind scalers and the like are taken back through their
    inverse_transform; behind a step that has none, nothing is yielded.
    """
    steps = [s for _, s in getattr(estimator, "steps", []) if s not in (None, "passthrough")]
    before, last = (steps[:-1], steps[-1]) if steps else ([], estimator)
    points = next((getattr(last, name) for name in KEPT_IN if hasattr(last, name)), None)
    if not isinstance(points, np.ndarray) or points.ndim != 2 or not len(points):
        return
    spread = np.linspace(0, len(points) - 1, min(len(points), MOST_POINTS)).astype(int)
    outermost = np.nan_to_num(np.abs(points)).argmax(axis=0)
    rows = _inverted(points[np.concatenate([spread, outermost])], before)
    if rows is not None and rows.shape == (len(rows), sample.shape[1]):
        yield from rows


def _inverted(rows: np.ndarray, steps: list[Any]) -> np.ndarray | None:
    rows = np.array(rows, dtype=np.float64)  # a copy: a step may write into its rows
    for step in reversed(steps):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                rows = np.array(step.inverse_transform(rows), dtype=np.float64)
        except (ValueError, TypeError, AttributeError):
            return None
    return rows
