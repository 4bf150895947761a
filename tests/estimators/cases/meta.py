"""Wrappers that stand for the estimator inside them: search, frozen, self-training; pipelines."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, RANSACRegressor, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import LinearSVC

from tests.estimators.data import binary, classes, regression, targets
from tests.estimators.fitting import columns, fitted, leaf, mixed, text3, tree
from tests.estimators.harness import Case, case

NONE = "no converter; a later skl2onnx may have one"
GRID = {"C": [0.1, 1.0]}


def prefit(estimator: Any, data: tuple) -> FrozenEstimator:
    return FrozenEstimator(estimator.fit(*data))


def unlabelled() -> tuple[np.ndarray, np.ndarray]:
    X, y = classes()
    y[np.random.default_rng(0).random(len(y)) < 0.4] = -1
    return X, y


CASES = [
    case("GridSearchCV", GridSearchCV(LogisticRegression(), GRID, cv=2), text3),
    case(
        "GridSearchCV-pipeline",
        GridSearchCV(
            make_pipeline(StandardScaler(), tree()),
            {"decisiontreeclassifier__max_depth": [2, 3]},
            cv=2,
        ),
        binary,
    ),
    case("GridSearchCV-regressor", GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2), regression),
    case(
        "GridSearchCV-transformer", GridSearchCV(PCA(2), {"n_components": [1, 2]}, cv=2), regression
    ),
    case("GridSearchCV-scores", GridSearchCV(LinearSVC(), GRID, cv=2), classes),
    case(
        "GridSearchCV-no-refit",
        GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2, refit=False),
        regression,
        refused="neither predict nor transform",
    ),
    case(
        "RandomizedSearchCV",
        RandomizedSearchCV(LogisticRegression(), GRID, n_iter=2, cv=2),
        classes,
        trap=NONE,
    ),
    case(
        "HalvingGridSearchCV",
        HalvingGridSearchCV(LogisticRegression(), GRID, cv=2, random_state=0),
        binary,
        trap=NONE,
    ),
    case(
        "HalvingRandomSearchCV",
        HalvingRandomSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, n_candidates=2, cv=2, random_state=0),
        regression,
    ),
    case(
        "SelfTrainingClassifier",
        SelfTrainingClassifier(LogisticRegression()),
        unlabelled,
        trap=NONE,
    ),
    case(
        "SelfTrainingClassifier-tree",
        SelfTrainingClassifier(tree(), criterion="k_best"),
        unlabelled,
    ),
    Case("FrozenEstimator", lambda: (prefit(tree(), text3()), *text3()), trap=NONE),
    Case("FrozenEstimator-regressor", lambda: (prefit(Ridge(), regression()), *regression())),
    Case(
        "FrozenEstimator-transformer",
        lambda: (prefit(StandardScaler(), regression()), *regression()),
    ),
    Case(
        "FrozenEstimator-step",
        lambda: fitted(
            make_pipeline(prefit(StandardScaler(), regression()), Ridge()), regression()
        ),
    ),
    case("RANSACRegressor", RANSACRegressor(random_state=0), regression),
    case(
        "RANSACRegressor-tree", RANSACRegressor(leaf(), min_samples=0.5, random_state=0), regression
    ),
    case(
        "RANSACRegressor-multi-output", RANSACRegressor(LinearRegression(), random_state=0), targets
    ),
    case(
        "Pipeline-nested",
        make_pipeline(
            make_pipeline("passthrough", StandardScaler()),
            None,
            make_pipeline(LogisticRegression()),
        ),
        text3,
    ),
    case("Pipeline-mixed-frame", columns(tree()), mixed),
    case("Pipeline-last-passthrough", make_pipeline(StandardScaler(), "passthrough"), regression),
    case("Pipeline-nothing", make_pipeline("passthrough"), regression),
    case("Pipeline-boosting", make_pipeline(HistGradientBoostingClassifier(max_iter=5)), text3),
    case("Pipeline-memory", make_pipeline(StandardScaler(), Ridge(), memory=None), regression),
    case("Pipeline-reduced", make_pipeline(PCA(2), LogisticRegression()), classes),
]
