"""Answers that are sums over trees: in float32 where that holds them, about their centre or not."""

from __future__ import annotations

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.answers import about, center_of, unit_of
from toolkit.exporter.trees.ensemble import Ensemble, centred, sums_fit_float32
from toolkit.exporter.trees.pending import tree_sums
from toolkit.exporter.values import Matrix, Value


def tree_answer(
    g: Conversion, x: Value, e: Ensemble, dtype: str | None = None, *, rounded: bool = True
) -> Matrix:
    """Return `base + Σ leaf values` [N, targets] as answers; rounded: see pending.tree_sums.

    dtype: of the sums; None for float32 where a bound on their rounding allows it.
    """
    center = center_of(g, e.targets)
    if center.any():
        e = centred(e, center)
    if dtype is None:
        fits = sums_fit_float32(e, unit=float(unit_of(g, e.targets).min()))
        dtype = "float32" if fits and not g.wide else "float64"
    return about(g, tree_sums(g, x, e, dtype, rounded=rounded), center)
