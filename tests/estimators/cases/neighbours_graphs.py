"""What neighbours are used for besides predictions: graphs, embeddings, outliers, imputation."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import KNNImputer
from sklearn.metrics import euclidean_distances
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    KNeighborsTransformer,
    LocalOutlierFactor,
    NeighborhoodComponentsAnalysis,
    RadiusNeighborsClassifier,
    RadiusNeighborsTransformer,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from tests.estimators.data import categories, classes, numbers, with_missing
from tests.estimators.harness import case

DISTANCE = "KNN weights='distance' came out as uniform; a skl2onnx after 1.20 may mend it"
NONE = "skl2onnx 1.20 has no converter for it; a later one may"


def holes() -> tuple[np.ndarray, None]:
    return with_missing()[0], None


def sentinel() -> tuple[np.ndarray, None]:
    X = with_missing()[0]
    return np.where(np.isnan(X), -99.0, X), None


def empty_column() -> tuple[np.ndarray, None]:
    X = with_missing()[0]
    X[:, 1] = np.nan
    return X, None


def sparse_rows() -> tuple[np.ndarray, None]:
    """Return rows with so many holes that some share no column."""
    return with_missing(0.7)[0][:, :4], None


def far() -> tuple[np.ndarray, np.ndarray]:
    """Return rows with a mean of 1e4."""
    X, y = classes()
    return X + 1e4, y


def own_weights(distances: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + distances)


def table() -> tuple[Any, np.ndarray]:
    """Return a data frame of numbers with holes, whole numbers and text, and labels."""
    import pandas as pd

    X, (_, y) = with_missing()[0], classes()
    frame = pd.DataFrame({"größe": X[:, 0], "b": X[:, 1]})
    # So many that no two are equally far: which of these scikit-learn takes is no rule.
    frame["count"] = np.random.default_rng(12).integers(0, 10**6, len(X))
    frame["kind"] = categories()[:, 1]
    return frame, y


def columns(last: Any) -> Any:
    """Return a pipeline over the table's columns that ends in `last`."""
    numeric = make_pipeline(KNNImputer(), StandardScaler())
    parts = [("n", numeric, ["größe", "b", "count"]), ("t", OneHotEncoder(), ["kind"])]
    return make_pipeline(ColumnTransformer(parts, sparse_threshold=0), last)


CASES = [
    case("KNNImputer-table", lambda: columns(SVC(probability=True, random_state=0)), table),
    case("KNeighborsClassifier-table", lambda: columns(KNeighborsClassifier()), table),
    case("KNeighborsTransformer", KNeighborsTransformer, classes),
    case("KNeighborsTransformer-01", lambda: KNeighborsTransformer(mode="connectivity"), classes),
    case("RadiusNeighborsTransformer", lambda: RadiusNeighborsTransformer(radius=1.5), classes),
    case(
        "RadiusNeighborsTransformer-flags",
        lambda: RadiusNeighborsTransformer(mode="connectivity", radius=1.0, p=1),
        classes,
        trap=NONE,
    ),
    case(
        "RadiusNeighborsClassifier-precomputed",
        lambda: RadiusNeighborsClassifier(metric="precomputed", radius=2.5, outlier_label=0),
        lambda: (euclidean_distances(numbers()[:25]), classes()[1][:25]),
    ),
    case(
        "KNeighborsClassifier-graph",
        lambda: make_pipeline(
            KNeighborsTransformer(n_neighbors=20), KNeighborsClassifier(metric="precomputed")
        ),
        classes,
        refused="sparse graph",
    ),
    case(
        "NeighborhoodComponentsAnalysis",
        lambda: NeighborhoodComponentsAnalysis(2, max_iter=5, random_state=0),
        classes,
    ),
    case("LocalOutlierFactor", lambda: LocalOutlierFactor(novelty=True), classes),
    case(
        "LocalOutlierFactor-share",
        lambda: LocalOutlierFactor(5, novelty=True, contamination=0.1, metric="manhattan"),
        classes,
    ),
    case(
        "LocalOutlierFactor-scaled",
        lambda: make_pipeline(StandardScaler(), LocalOutlierFactor(novelty=True)),
        far,
    ),
    case("KNNImputer", KNNImputer, holes),
    case("KNNImputer-distance", lambda: KNNImputer(weights="distance"), holes, trap=DISTANCE),
    case("KNNImputer-k1", lambda: KNNImputer(n_neighbors=1), holes),
    case("KNNImputer-indicator", lambda: KNNImputer(add_indicator=True), holes),
    case("KNNImputer-sentinel", lambda: KNNImputer(missing_values=-99.0), sentinel),
    case("KNNImputer-empty", KNNImputer, empty_column),
    case("KNNImputer-kept", lambda: KNNImputer(keep_empty_features=True), empty_column),
    case("KNNImputer-many", lambda: KNNImputer(n_neighbors=200), sparse_rows),
    case(
        "KNNImputer-function",
        lambda: KNNImputer(weights=own_weights),
        holes,
        refused="weights=own_weights",
    ),
    case(
        "KNeighborsRegressor-missing",
        lambda: KNeighborsRegressor(metric="nan_euclidean", algorithm="brute"),
        with_missing,
    ),
    case(
        "KNeighborsClassifier-missing",
        lambda: KNeighborsClassifier(metric="nan_euclidean", weights="distance"),
        lambda: (with_missing()[0], classes()[1]),
        trap=DISTANCE,
    ),
]
