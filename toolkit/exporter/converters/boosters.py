"""Boosters without an estimator, by the converters of their libraries' estimators."""

from __future__ import annotations

from typing import Any

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.converters import lightgbm, xgboost
from toolkit.exporter.formulas.answers import answer
from toolkit.exporter.values import Outputs, Value


def regressor(est: Any, x: Value, g: Conversion) -> Outputs:
    """BoosterRegressor: the booster's answers."""
    room = _room(est)
    model = room.Model(est.booster, sparse=id(est) in g.sparse)
    return {"predict": answer(g, x, room.predicted(model, x, g))}


def classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """BoosterClassifier: what the library's classifier answers."""
    room = _room(est)
    return dict(
        room.classified(room.Model(est.booster, sparse=id(est) in g.sparse), est.classes_, x, g)
    )


def _room(est: Any) -> Any:
    library = type(est.booster).__module__.partition(".")[0]
    return lightgbm if library == "lightgbm" else xgboost


CONVERTERS = {
    "toolkit.BoosterRegressor": regressor,
    "toolkit.BoosterClassifier": classifier,
}
