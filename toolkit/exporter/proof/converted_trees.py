"""The trees of a converted estimator, for rows on their thresholds.

`fitted_trees` reads scikit-learn's trees by itself, which keeps the proof apart from the
converters. This adds what it cannot read: other libraries' trees, those inside other estimators and
in tables, and the exact thresholds of trees into which the steps before them were folded. They say
where to look; what is right there, scikit-learn says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from toolkit.errors import UnsupportedEstimator
from toolkit.exporter.conversion import Conversion
from toolkit.exporter.dispatch import convert
from toolkit.exporter.proof.edits import Cell
from toolkit.exporter.proof.fitted_trees import Tree, held
from toolkit.exporter.schema import Schema, declare
from toolkit.exporter.trees.ensemble import LEQ, Ensemble
from toolkit.exporter.trees.pending import pending_trees
from toolkit.exporter.trees.rounding import cells_of

# The trees of an ensemble, and which column of which input each of their features is.
Forest = tuple[list[Tree], list[Cell | None]]


def plain_trees(estimator: Any) -> bool:
    """Tell whether an estimator is trees that scikit-learn gives float32 numbers, and no more.

    They are large, and read by `fitted_trees`.
    """
    inner = held(estimator)
    members = getattr(inner, "estimators_", [])
    first = members.ravel()[0] if isinstance(members, np.ndarray) else next(iter(members), None)
    return hasattr(inner, "tree_") or hasattr(first, "tree_")


def converted_trees(estimator: Any, schema: Schema) -> Iterator[Forest]:
    """Yield the trees of each ensemble and which column of which input each feature is.

    A feature that is computed from the inputs is None. Nothing where the estimator does not
    convert. With float64 inputs, so that thresholds are what they are.
    """
    g = Conversion(dispatch=convert)
    try:
        convert(estimator, declare(schema.with_floats("float64"), g), g)
    except UnsupportedEstimator:
        return
    for trees in pending_trees(g):
        cells = cells_of(trees.x)
        if any(cells):
            yield list(_split(trees.ensemble)), cells


def _split(e: Ensemble) -> Iterator[Tree]:
    ends = [*e.roots[1:], len(e.leaf)]
    # Thresholds at the ends of the range only part NaN and infinities.
    ordered = ~e.leaf & (e.mode == LEQ) & (np.abs(e.threshold) < 1e30)
    for start, end in zip(e.roots, ends, strict=True):
        own = slice(start, end)
        yield Tree(
            e.feature[own],
            e.threshold[own],
            np.where(e.leaf[own], -1, e.left[own] - start),
            np.where(e.leaf[own], -1, e.right[own] - start),
            e.leaf[own],
            ordered[own],
        )
