"""Linear regressors of one formula, and estimators whose own tests are in tests/exporter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn import linear_model
from sklearn.ensemble import RandomForestRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, StandardScaler
from sklearn.svm import LinearSVR

from tests.estimators.data import numbers, regression, targets
from tests.estimators.harness import Case, case

LINEAR: tuple[Callable[[], Any], ...] = (
    linear_model.ARDRegression,
    linear_model.BayesianRidge,
    lambda: linear_model.ElasticNet(alpha=0.01),
    linear_model.ElasticNetCV,
    linear_model.Lars,
    linear_model.LarsCV,
    linear_model.LassoCV,
    lambda: linear_model.LassoLars(alpha=0.01),
    linear_model.LassoLarsCV,
    linear_model.LassoLarsIC,
    linear_model.OrthogonalMatchingPursuit,
    linear_model.OrthogonalMatchingPursuitCV,
    linear_model.RidgeCV,
    lambda: LinearSVR(random_state=0),
)
SEVERAL: tuple[Callable[[], Any], ...] = (
    lambda: linear_model.MultiTaskElasticNet(alpha=0.01),
    linear_model.MultiTaskElasticNetCV,
    linear_model.MultiTaskLassoCV,
)


def shifted() -> tuple[Any, Any]:
    """Return regression data whose first column has a mean of 1e5."""
    X, y = regression()
    X[:, 0] += 1e5
    return X, y


def alone() -> tuple[Any, None]:
    """Return rows without targets."""
    return numbers(), None


def _cases() -> list[Case]:
    found = [case(type(make()).__name__, make, regression) for make in LINEAR]
    found += [case(type(make()).__name__, make, targets) for make in SEVERAL]
    for activation in ("relu", "tanh", "logistic", "identity"):
        found.append(
            case(
                "MLPRegressor" if activation == "relu" else f"MLPRegressor-{activation}",
                lambda a=activation: MLPRegressor(
                    hidden_layer_sizes=(8, 4), activation=a, max_iter=40, random_state=0
                ),
                regression,
            )
        )
    found.append(
        case("MLPRegressor-targets", lambda: MLPRegressor(max_iter=20, random_state=0), targets)
    )
    return found


CASES = [
    *_cases(),
    case("PolynomialFeatures", PolynomialFeatures, alone),
    case("PolynomialFeatures-cubic", lambda: PolynomialFeatures(3), alone),
    case(
        "PolynomialFeatures-interactions",
        lambda: PolynomialFeatures(2, interaction_only=True, include_bias=False),
        alone,
    ),
    case(
        "FeatureUnion",
        lambda: FeatureUnion(
            [("s", StandardScaler()), ("m", MinMaxScaler()), ("p", "passthrough"), ("d", "drop")],
            transformer_weights={"m": 2.5},
        ),
        alone,
    ),
    case(
        "FeatureUnion-forest",
        lambda: make_pipeline(
            FeatureUnion([("s", StandardScaler()), ("p", PolynomialFeatures(2))]),
            RandomForestRegressor(5, random_state=0),
        ),
        regression,
    ),
    case(
        "RidgeCV-large-mean",
        lambda: make_pipeline(StandardScaler(), linear_model.RidgeCV()),
        shifted,
        trap="StandardScaler with mean 1e5, sd 1 in float32: every row off by up to 0.009",
    ),
]
