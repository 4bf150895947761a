"""Regressors by neighbours."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import (
    KNeighborsRegressor,
    RadiusNeighborsRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.estimators.data import (
    ROWS,
    binary,
    numbers,
    regression,
    targets,
)
from tests.estimators.harness import case
from tests.estimators.neighbours_data import (
    DISTANCE,
    RADIUS,
    grid,
)

CASES = [
    case("KNeighborsRegressor", KNeighborsRegressor, regression),
    case("KNeighborsRegressor-outputs", KNeighborsRegressor, targets),
    case(
        "KNeighborsRegressor-distance",
        lambda: KNeighborsRegressor(weights="distance"),
        regression,
        trap=DISTANCE,
    ),
    case(
        "KNeighborsRegressor-distance-exact",
        lambda: KNeighborsRegressor(3, weights="distance"),
        lambda: (grid()[0], grid()[0] @ np.array([[1.0, 2], [3, -1], [0.5, 0]])),
        trap=DISTANCE,
    ),
    case(
        "KNeighborsRegressor-scaled",
        lambda: make_pipeline(StandardScaler(), KNeighborsRegressor(weights="distance", p=1)),
        regression,
        trap=DISTANCE,
    ),
    case("KNeighborsRegressor-all", lambda: KNeighborsRegressor(ROWS), regression),
    case("KNeighborsRegressor-wide", KNeighborsRegressor, lambda: regression(20)),
    case(
        "RadiusNeighborsRegressor", lambda: RadiusNeighborsRegressor(1.5), regression, trap=RADIUS
    ),
    case(
        "RadiusNeighborsRegressor-outputs",
        lambda: RadiusNeighborsRegressor(1.0, weights="distance"),
        targets,
        trap=RADIUS,
    ),
    case(
        "RadiusNeighborsRegressor-whole",
        lambda: RadiusNeighborsRegressor(0.5),
        binary,
        trap="rows without neighbours: NaN in the targets' whole numbers is the least int64",
    ),
    case(
        "RadiusNeighborsRegressor-exact",
        lambda: RadiusNeighborsRegressor(9.0, weights="distance"),
        lambda: (np.round(numbers(columns=70) * 2), regression()[1]),
        trap=DISTANCE,
    ),
    case(
        "RadiusNeighborsRegressor-cosine",
        lambda: RadiusNeighborsRegressor(0.1, metric="cosine"),
        regression,
        trap=RADIUS,
    ),
]
