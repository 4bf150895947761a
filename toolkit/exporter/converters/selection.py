"""Feature selectors: a Gather of the columns that were kept."""

from __future__ import annotations

from typing import Any

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.values import NOTHING, Outputs, Table, Value


def selector(est: Any, x: Value, g: Conversion) -> Outputs:
    """The columns of `get_support()`, in their order; a single column stays a matrix."""
    columns = [int(i) for i in est.get_support(indices=True)]
    if not columns:
        return {"transform": NOTHING}
    picked = g.select(x if isinstance(x, Table) else g.floating(x), columns)
    return {"transform": g.matrix(picked)}


def with_estimator(est: Any, x: Value, g: Conversion) -> Outputs:
    """RFE and RFECV: the selection, and the inner estimator's answers on it."""
    picked = selector(est, x, g)["transform"]
    inner = g.convert(est.estimator_, picked)
    return {**{k: v for k, v in inner.items() if k != "transform"}, "transform": picked}


CONVERTERS = {
    "sklearn.GenericUnivariateSelect": selector,
    "sklearn.RFE": with_estimator,
    "sklearn.RFECV": with_estimator,
    "sklearn.SelectFdr": selector,
    "sklearn.SelectFpr": selector,
    "sklearn.SelectFromModel": selector,
    "sklearn.SelectFwe": selector,
    "sklearn.SelectKBest": selector,
    "sklearn.SelectPercentile": selector,
    "sklearn.SequentialFeatureSelector": selector,
    "sklearn.VarianceThreshold": selector,
}
