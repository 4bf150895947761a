"""The models of the benchmark: fitted estimators, and distinct rows to predict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.benchmarking.timing import jittered

ROWS = 40_000  # two different batches of the largest size


@dataclass(frozen=True)
class Case:
    """An estimator fitted on X, y, and ROWS rows to predict, of the same kind as X.

    X: float64 [N, features], or a data frame of numbers and text. call: what is timed, "predict",
    or "predict_proba" where there is one. nodes: how many its trees have, 0 for other models.
    """

    name: str
    estimator: Any
    X: Any
    y: np.ndarray
    rows: Any
    call: str
    nodes: int


def names() -> tuple[str, ...]:
    """Return the cases' names in the order of the table."""
    return tuple(CASES)


def make(name: str) -> Case:
    """Fit a case's estimator and draw its rows."""
    estimator, X, y, known = CASES[name]()
    call = "predict_proba" if hasattr(estimator, "predict_proba") else "predict"
    return Case(name, estimator, X, y, distinct(known, ROWS), call, nodes_of(estimator))


def distinct(known: Any, count: int) -> Any:
    """Return `count` distinct rows (`jittered`): whole numbers are moved too, but not in a table.

    The values are exact in float32, so that every contestant sees the same numbers.
    """
    if not hasattr(known, "columns"):
        return jittered({"X": known}, count, whole=True)["X"].astype(np.float32).astype(np.float64)
    numbers = known.select_dtypes("float")
    moved = jittered({"at": np.arange(len(known)), "X": numbers.to_numpy()}, count)
    table = known.iloc[moved["at"]].reset_index(drop=True)
    table[numbers.columns] = moved["X"].astype(np.float32).astype(np.float64)
    return table


def rows_at(rows: Any, at: Any) -> Any:
    """Return the rows of an array or of a data frame at these positions."""
    return rows.iloc[at] if hasattr(rows, "iloc") else rows[at]


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


Fit = Callable[[np.ndarray, np.ndarray], Any]
# Return the fitted estimator, the rows and targets that it was fitted on, and all rows.
Make = Callable[[], tuple[Any, Any, np.ndarray, Any]]


def _california(fit: Fit, count: int | None = None) -> Make:
    """count: how many training rows, None for all."""

    def make() -> tuple[Any, Any, np.ndarray, Any]:
        from toolkit.trainer.datasets import california

        return _fitted(fit, california.dataset(), count)

    return make


def _digits(fit: Fit) -> Make:
    def make() -> tuple[Any, Any, np.ndarray, Any]:
        from toolkit.trainer.datasets import digits

        return _fitted(fit, digits.dataset(), None)

    return make


def _fitted(fit: Fit, dataset: Any, count: int | None) -> tuple[Any, Any, np.ndarray, Any]:
    X, y = np.asarray(dataset.X_train, dtype=np.float64)[:count], dataset.y_train[:count]
    return fit(X, y), X, y, np.asarray(dataset.X, dtype=np.float64)


def _recipe(name: str) -> Make:
    def make() -> tuple[Any, Any, np.ndarray, Any]:
        from toolkit.trainer import train

        trained = train(name)
        return (
            trained.estimator,
            trained.dataset.X_train,
            trained.dataset.y_train,
            trained.dataset.X,
        )

    return make


CASES: dict[str, Make] = {
    "linear": _california(_linear),
    "scaler + linear": _california(_scaled_linear),
    "scaler + polynomial 2 + ridge": _california(_polynomial),
    "scaler + MLP(64, 64)": _california(_mlp),
    "logistic, digits": _digits(_logistic),
    "scaler + logistic, digits": _recipe("digits-logistic"),
    "scaler + MLP(64), digits": _recipe("digits-mlp"),
    "numbers and text + logistic": _recipe("mixed-pipeline"),
    "SVR": _california(_svr, 6_000),
    "Gaussian process, 1,000 points": _california(_gaussian_process, 1_000),
    "KNN, 10,000 points": _california(_neighbours, 10_000),
    "random forest, large": _california(_forest(45, None)),
    "random forest, medium": _california(_forest(50, 10)),
    "histogram boosting, 100": _california(_histogram(100)),
    "histogram boosting, 500": _california(_histogram(500)),
    "gradient boosting, 100": _california(_gradient_boosting),
    "random forest, digits": _digits(_digits_forest),
    "random forest, wine": _recipe("wine-forest"),
}
# The case that stands for each recipe of the toolkit.
RECIPES = {
    "california-forest": "random forest, large",
    "california-gbm": "histogram boosting, 100",
    "california-linear": "linear",
    "california-linear-scaled": "scaler + linear",
    "california-mlp": "scaler + MLP(64, 64)",
    "california-poly": "scaler + polynomial 2 + ridge",
    "california-svr": "SVR",
    "digits-logistic": "scaler + logistic, digits",
    "digits-mlp": "scaler + MLP(64), digits",
    "mixed-pipeline": "numbers and text + logistic",
    "wine-forest": "random forest, wine",
}
