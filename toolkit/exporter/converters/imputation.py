"""SimpleImputer on numbers: a Where."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.graph import Graph, Matrix, Outputs, Unconvertible, Value


def simple_imputer(est: Any, x: Value, g: Graph) -> Outputs:
    """Missing numbers become the column's statistic."""
    statistics = est.statistics_
    if not all(isinstance(s, (int, float, np.number)) for s in statistics.tolist()):
        raise Unconvertible("imputing text")
    statistics = statistics.astype(np.float64)  # strategy="constant" keeps them as objects
    if est.add_indicator:
        raise Unconvertible("add_indicator=True")
    if np.isnan(statistics.astype(np.float64)).any():
        raise Unconvertible("a column without any value")
    x = g.floating(x)
    if isinstance(est.missing_values, float) and np.isnan(est.missing_values):
        missing = g.add("IsNaN", [x.name], "missing")
    else:
        value = g.constant(est.missing_values, x.dtype, "sentinel")
        missing = g.add("Equal", [x.name, value], "missing")
    filling = g.constant(statistics.reshape(1, -1), x.dtype, "statistics")
    return {
        "transform": Matrix(g.add("Where", [missing, filling, x.name], "imputed"), x.dtype, x.width)
    }


CONVERTERS = {"sklearn.SimpleImputer": simple_imputer}
