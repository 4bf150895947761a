"""The models of the comparison, fitted, with held-out rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Model:
    """An estimator fitted on X, y (float64), and rows that it has not seen."""

    name: str
    estimator: Any
    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def names() -> tuple[str, ...]:
    """Return the models' names in the order of the tables."""
    return tuple(MODELS)


def make(name: str) -> Model:
    """Fit a model."""
    from toolkit.trainer.datasets import california, digits

    fit, data, count = MODELS[name]
    rows = {CALIFORNIA: california, DIGITS: digits}[data].dataset()
    X, y = np.asarray(rows.X_train, dtype=np.float64)[:count], np.asarray(rows.y_train)[:count]
    return Model(
        name, fit(X, y), X, y, np.asarray(rows.X_test, np.float64), np.asarray(rows.y_test)
    )


def _scaled(*steps: Any) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), *steps)


def _linear(X: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.linear_model import LinearRegression

    return LinearRegression().fit(X, y)


def _polynomial(X: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import PolynomialFeatures

    return _scaled(PolynomialFeatures(2, include_bias=False), Ridge()).fit(X, y)


def _network(*units: int) -> Callable[[np.ndarray, np.ndarray], Any]:
    def fit(X: np.ndarray, y: np.ndarray) -> Any:
        from sklearn.neural_network import MLPRegressor

        return _scaled(MLPRegressor(hidden_layer_sizes=units, max_iter=30, random_state=0)).fit(
            X, y
        )

    return fit


def _logistic(X: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.linear_model import LogisticRegression

    return _scaled(LogisticRegression(max_iter=500)).fit(X, y)


def _labels_network(X: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.neural_network import MLPClassifier

    return _scaled(MLPClassifier(hidden_layer_sizes=(64,), max_iter=200, random_state=0)).fit(X, y)


def _support_vectors(X: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.svm import SVR

    return _scaled(SVR()).fit(X, y)


def _forest(X: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(50, max_depth=10, random_state=0).fit(X, y)


def _boosting(X: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.ensemble import GradientBoostingRegressor

    return GradientBoostingRegressor(random_state=0).fit(X, y)


def _neighbours(X: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.neighbors import KNeighborsRegressor

    return _scaled(KNeighborsRegressor(5)).fit(X, y)


# name: (fit, data, how many training rows, None for all).
CALIFORNIA, DIGITS = "california", "digits"
MODELS: dict[str, tuple[Callable[[np.ndarray, np.ndarray], Any], str, int | None]] = {
    "linear regression, California": (_linear, CALIFORNIA, None),
    "polynomial 2 + ridge, California": (_polynomial, CALIFORNIA, None),
    "MLP(64, 64), California": (_network(64, 64), CALIFORNIA, None),
    "MLP(256, 256), California": (_network(256, 256), CALIFORNIA, None),
    "logistic regression, digits": (_logistic, DIGITS, None),
    "MLP(64), digits": (_labels_network, DIGITS, None),
    "SVR, California": (_support_vectors, CALIFORNIA, 6_000),
    "random forest, California": (_forest, CALIFORNIA, None),
    "gradient boosting, California": (_boosting, CALIFORNIA, None),
    "KNN, California": (_neighbours, CALIFORNIA, 4_000),
}
