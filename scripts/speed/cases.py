"""The models of the benchmark: fitted estimators, and distinct rows to predict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

ROWS = 40_000  # two different batches of the largest size


@dataclass(frozen=True)
class Case:
    """An estimator fitted on X, y, and rows float64 [ROWS, features] to predict.

    call: what is timed, "predict", or "predict_proba" where probabilities are what users take.
    nodes: how many its trees have, 0 for other models.
    """

    name: str
    estimator: Any
    X: np.ndarray
    y: np.ndarray
    rows: np.ndarray
    call: str
    nodes: int


def names() -> tuple[str, ...]:
    """Return the cases' names in the order of the table."""
    return tuple(CASES)


def make(name: str) -> Case:
    """Fit a case's estimator and draw its rows."""
    from toolkit.trainer.datasets import california, digits

    fit, data, call, count = CASES[name]
    dataset = {CALIFORNIA: california, DIGITS: digits}[data].dataset()
    X, y = np.asarray(dataset.X_train, dtype=np.float64), np.asarray(dataset.y_train)
    X, y = X[:count], y[:count]
    estimator = fit(X, y)
    rows = jittered(np.asarray(dataset.X, dtype=np.float64), ROWS)
    return Case(name, estimator, X, y, rows, call, nodes_of(estimator))


def jittered(X: np.ndarray, count: int) -> np.ndarray:
    """Return `count` distinct rows: those of X in turn, moved by a hundredth of the deviations.

    Repeated rows would take the same way through a tree, which branch prediction learns. The
    values are exact in float32, so that every contestant sees the same numbers.
    """
    rng = np.random.default_rng(0)
    rows = X[rng.permutation(np.arange(count) % len(X))]
    moved = rows + rng.normal(size=rows.shape) * 0.01 * X.std(axis=0)
    return moved.astype(np.float32).astype(np.float64)


def nodes_of(estimator: Any) -> int:
    """Return the number of nodes of an ensemble's trees."""
    trees = np.ravel(getattr(estimator, "estimators_", []))
    predictors = [p for stage in getattr(estimator, "_predictors", []) for p in stage]
    return sum(t.tree_.node_count for t in trees) + sum(len(p.nodes) for p in predictors)


def _linear(X: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.linear_model import LinearRegression

    return LinearRegression().fit(X, y)


def _scaled(*steps: Any) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), *steps)


def _scaled_linear(X: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.linear_model import Ridge

    return _scaled(Ridge()).fit(X, y)


def _polynomial(X: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import PolynomialFeatures

    return _scaled(PolynomialFeatures(2), Ridge()).fit(X, y)


def _mlp(X: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.neural_network import MLPRegressor

    return _scaled(MLPRegressor(hidden_layer_sizes=(64, 64), max_iter=30, random_state=0)).fit(X, y)


def _logistic(X: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=2000).fit(X, y)


def _svr(X: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.svm import SVR

    return _scaled(SVR()).fit(X, y)


def _gaussian_process(X: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF

    model = GaussianProcessRegressor(RBF(2.0), alpha=0.1, optimizer=None, normalize_y=True)
    return _scaled(model).fit(X, y)


def _neighbours(X: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.neighbors import KNeighborsRegressor

    return _scaled(KNeighborsRegressor(5)).fit(X, y)


def _forest(trees: int, depth: int | None) -> Callable[[np.ndarray, np.ndarray], Any]:
    def fit(X: np.ndarray, y: np.ndarray) -> Any:
        from sklearn.ensemble import RandomForestRegressor

        return RandomForestRegressor(trees, max_depth=depth, random_state=0).fit(X, y)

    return fit


def _gradient_boosting(X: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.ensemble import GradientBoostingRegressor

    return GradientBoostingRegressor(random_state=0).fit(X, y)


def _histogram(rounds: int) -> Callable[[np.ndarray, np.ndarray], Any]:
    def fit(X: np.ndarray, y: np.ndarray) -> Any:
        from sklearn.ensemble import HistGradientBoostingRegressor

        return HistGradientBoostingRegressor(max_iter=rounds, random_state=0).fit(X, y)

    return fit


def _digits_forest(X: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(100, random_state=0).fit(X, y)


# name: (fit, data, what is timed, how many training rows, None for all).
CALIFORNIA, DIGITS = "california", "digits"
CASES: dict[str, tuple[Callable[[np.ndarray, np.ndarray], Any], str, str, int | None]] = {
    "linear": (_linear, CALIFORNIA, "predict", None),
    "scaler + linear": (_scaled_linear, CALIFORNIA, "predict", None),
    "scaler + polynomial 2 + ridge": (_polynomial, CALIFORNIA, "predict", None),
    "scaler + MLP(64, 64)": (_mlp, CALIFORNIA, "predict", None),
    "logistic, digits": (_logistic, DIGITS, "predict_proba", None),
    "SVR": (_svr, CALIFORNIA, "predict", 6_000),
    "Gaussian process, 1,000 points": (_gaussian_process, CALIFORNIA, "predict", 1_000),
    "KNN, 10,000 points": (_neighbours, CALIFORNIA, "predict", 10_000),
    "random forest, large": (_forest(45, None), CALIFORNIA, "predict", None),
    "random forest, medium": (_forest(50, 10), CALIFORNIA, "predict", None),
    "histogram boosting, 100": (_histogram(100), CALIFORNIA, "predict", None),
    "histogram boosting, 500": (_histogram(500), CALIFORNIA, "predict", None),
    "gradient boosting, 100": (_gradient_boosting, CALIFORNIA, "predict", None),
    "random forest, digits": (_digits_forest, DIGITS, "predict_proba", None),
}
