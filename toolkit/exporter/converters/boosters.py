"""Boosters without an estimator, by the converters of their libraries' estimators."""

from __future__ import annotations

from typing import Any

from toolkit.exporter.converters import lightgbm, xgboost
from toolkit.exporter.graph import Graph, Outputs, Value


def regressor(est: Any, x: Value, g: Graph) -> Outputs:
    """BoosterRegressor: what the library's regressor answers."""
    return _room(est).regressor(est, x, g)


def classifier(est: Any, x: Value, g: Graph) -> Outputs:
    """BoosterClassifier: what the library's classifier answers."""
    return _room(est).classifier(est, x, g)


def _room(est: Any) -> Any:
    library = type(est.booster).__module__.partition(".")[0]
    return lightgbm if library == "lightgbm" else xgboost


CONVERTERS = {
    "toolkit.BoosterRegressor": regressor,
    "toolkit.BoosterClassifier": classifier,
}
