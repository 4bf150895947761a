"""What estimators keep of the rows of their fitting: a look for each kind of trace."""

from __future__ import annotations

from toolkit.exporter.traces import kept, trees
from toolkit.exporter.traces.trace import Look, Trace

__all__ = ["LOOKS", "Trace"]

LOOKS: tuple[Look, ...] = (
    kept.points,
    kept.support,
    trees.leaves,
    trees.memorised,
    kept.means,
    kept.extremes,
    kept.class_means,
    kept.residuals,
    kept.clusters,
)
