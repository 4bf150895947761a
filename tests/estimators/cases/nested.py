"""Meta-estimators inside one another, on data frames, integers and missing values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from tests.estimators.data import classes, multilabel, numbers, regression, targets, with_missing
from tests.estimators.fitting import fitted, leaf, positive, text3, tree
from tests.estimators.harness import Case, case


def table() -> pd.DataFrame:
    """Return an integer, a boolean, a float and a text column."""
    X = numbers()
    kinds = np.where(X[:, 2] > 0, "u", "ß")
    return pd.DataFrame({"i": np.arange(240) % 7, "b": X[:, 0] > 0, "f": X[:, 1], "t": kinds})


def figures() -> pd.DataFrame:
    return table().drop(columns="t")


def scaled() -> Any:
    return make_column_transformer((StandardScaler(), ["i", "f"]), ("passthrough", ["b"]))


def encoded() -> Any:
    return make_column_transformer((OneHotEncoder(), ["t"]), ("passthrough", ["i"]))


def two_of_three() -> tuple[Any, Any, Any]:
    X, y = classes()
    inner = FrozenEstimator(LogisticRegression().fit(X[y < 2], y[y < 2]))
    outer = CalibratedClassifierCV(inner, method="isotonic", ensemble=True, cv=2)
    return fitted(outer, (X, y))


def curve(x: Any) -> tuple[Any, Any, Any]:
    return fitted(IsotonicRegression(out_of_bounds="clip"), (x, np.arange(len(x)) ** 1.5))


def stack() -> StackingRegressor:
    parts = [make_pipeline(scaled(), Ridge()), make_pipeline(encoded(), leaf())]
    return StackingRegressor([("a", parts[0]), ("b", parts[1])], cv=2)


def vote() -> VotingClassifier:
    inner = StackingClassifier([("a", LogisticRegression())], cv=2)
    return VotingClassifier([("s", inner), ("o", OneVsOneClassifier(LogisticRegression()))])


def boosted_stack() -> StackingClassifier:
    final = HistGradientBoostingClassifier(max_iter=3)
    parts = [("a", HistGradientBoostingClassifier(max_iter=4))]
    return StackingClassifier(parts, final, passthrough=True, cv=2)


def quantile_target() -> TransformedTargetRegressor:
    transformer = QuantileTransformer(n_quantiles=50, output_distribution="normal")
    return TransformedTargetRegressor(leaf(), transformer=transformer)


def missing() -> tuple[np.ndarray, np.ndarray]:
    return with_missing()[0], classes()[1]


def some_unlabelled() -> tuple[pd.DataFrame, np.ndarray]:
    return figures(), np.where(np.arange(240) % 3, classes()[1], -1)


def integers() -> tuple[np.ndarray, np.ndarray]:
    X, y = classes()
    return (3 * X).astype(int), y


LOGISTIC = LogisticRegression(max_iter=300)
SINH = TransformedTargetRegressor(Ridge(), func=np.arcsinh, inverse_func=np.sinh)
DEPTHS = {"regressor__max_depth": [2, 4]}
CALIBRATED = CalibratedClassifierCV(LOGISTIC, method="isotonic", cv=2)

CASES = [
    Case("CalibratedClassifierCV-two-of-three-classes", two_of_three),
    case("StackingRegressor-table", stack(), lambda: (table(), regression()[1])),
    case(
        "StackingClassifier-table-passed",
        StackingClassifier([("a", LOGISTIC)], passthrough=True, cv=2),
        lambda: (figures(), classes()[1]),
    ),
    case(
        "OneVsRestClassifier-table",
        OneVsRestClassifier(make_pipeline(scaled(), LOGISTIC)),
        lambda: (table(), classes()[1]),
    ),
    case("ClassifierChain-frame", ClassifierChain(LOGISTIC), lambda: (figures(), multilabel()[1])),
    case(
        "MultiOutputClassifier-table",
        MultiOutputClassifier(make_pipeline(encoded(), tree())),
        lambda: (table(), multilabel()[1]),
    ),
    case("OneVsOneClassifier-integers", OneVsOneClassifier(LOGISTIC), integers),
    case("DummyRegressor-booleans", DummyRegressor(), lambda: (numbers() > 0, regression()[1])),
    Case("IsotonicRegression-integers", lambda: curve(np.arange(50))),
    Case("IsotonicRegression-list", lambda: curve([1.5, 2.5, 3.0, 4.0, 6.0, 7.0, 8.0, 9.0])),
    Case("IsotonicRegression-series", lambda: curve(pd.Series(np.linspace(0, 1, 30)))),
    Case("IsotonicRegression-frame", lambda: curve(pd.DataFrame({"x": np.linspace(0, 1, 30)}))),
    case("GridSearchCV-target", GridSearchCV(quantile_target(), DEPTHS, cv=2), positive),
    case("StackingClassifier-missing", boosted_stack(), missing),
    case(
        "OneVsRestClassifier-missing",
        OneVsRestClassifier(HistGradientBoostingClassifier(max_iter=4)),
        missing,
    ),
    case("MultiOutputRegressor-target", MultiOutputRegressor(SINH), targets),
    case("OneVsRestClassifier-calibrated", OneVsRestClassifier(CALIBRATED), classes),
    case("VotingClassifier-of-stacks", vote(), text3),
    case("SelfTrainingClassifier-frame", SelfTrainingClassifier(LOGISTIC), some_unlabelled),
]
