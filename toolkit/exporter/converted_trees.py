"""The trees of a converted estimator, for rows on their thresholds.

`thresholds` reads scikit-learn's trees by itself, which keeps the proof apart from the converters.
This adds what it cannot read: other libraries' trees, those inside other estimators, and the exact
thresholds of trees into which the steps before them were folded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from toolkit.errors import UnsupportedEstimator
from toolkit.exporter.dispatch import convert
from toolkit.exporter.graph import Graph, Matrix
from toolkit.exporter.thresholds import Tree
from toolkit.exporter.trees.ensemble import LEQ, Ensemble


def converted_trees(estimator: Any, width: int) -> Iterator[Tree]:
    """Yield the trees that compare the input [N, width] itself; none where it does not convert."""
    g = Graph(convert)
    source = Matrix(g.name("X"), "float32", width)
    try:
        convert(estimator, source, g)
    except UnsupportedEstimator:
        return
    casts = {n.output[0]: n.input[0] for n in g.nodes if n.op_type == "Cast"}
    for _, ensemble, x, _ in g.ensembles:
        name = x.name
        while name in casts:
            name = casts[name]
        if name == source.name:
            yield from _split(ensemble)


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
