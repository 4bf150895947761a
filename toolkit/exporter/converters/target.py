"""Regression on a transformed target: the regressor, then the inverse transform."""

from __future__ import annotations

from typing import Any

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.converters.inverse import inverse
from toolkit.exporter.formulas.answers import answer, through
from toolkit.exporter.formulas.response import pick
from toolkit.exporter.values import Outputs, Value


def transformed_target(est: Any, x: Value, g: Conversion) -> Outputs:
    """TransformedTargetRegressor; the inverse in float64, since exp and its kin enlarge errors."""
    scale = through(g.scale, est.transformer_.transform)
    raw = g.upright(pick(est.regressor_, g.convert(est.regressor_, x, scale), "predict"))
    return {"predict": answer(g, x, inverse(est.transformer_, g.cast(raw, "float64"), g))}


CONVERTERS = {"sklearn.TransformedTargetRegressor": transformed_target}
