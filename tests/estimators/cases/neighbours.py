"""Nearest neighbours, their transformers, outlier factors and the imputer."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestCentroid,
    RadiusNeighborsClassifier,
    RadiusNeighborsRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.estimators.data import (
    ROWS,
    binary,
    classes,
    labelled,
    multilabel,
    numbers,
    positive,
    regression,
    targets,
)
from tests.estimators.harness import case


def grid() -> tuple[np.ndarray, np.ndarray]:
    """Return distinct points of a grid with labels: distances of 0, and no near-ties."""
    rng = np.random.default_rng(8)
    X = np.unique(rng.integers(0, 40, size=(200, 3)), axis=0).astype(float)
    return X, rng.integers(0, 3, size=len(X))


def mixed() -> tuple[np.ndarray, np.ndarray]:
    """Return rows with two outputs, of three classes and of two."""
    X, y = classes()
    return X, np.column_stack([y, y > 1])


def places() -> tuple[np.ndarray, np.ndarray]:
    """Return places on the globe in radians, and heights."""
    rng = np.random.default_rng(11)
    X = np.column_stack([np.arcsin(rng.uniform(-1, 1, ROWS)), rng.uniform(-np.pi, np.pi, ROWS)])
    return X, np.sin(X[:, 0]) + np.cos(X[:, 1])


def flags() -> tuple[np.ndarray, np.ndarray]:
    """Return rows of 0 and 1, and labels."""
    rng = np.random.default_rng(9)
    return (numbers(3, 12) > 0).astype(float), rng.integers(0, 3, size=ROWS)


def far() -> tuple[np.ndarray, np.ndarray]:
    """Return rows with a mean of 1e4."""
    X, y = classes()
    return X + 1e4, y


def frame() -> tuple[Any, np.ndarray]:
    """Return rows as a data frame with real names."""
    import pandas as pd

    X, y = classes()
    return pd.DataFrame(X, columns=[f"köl {k}" for k in range(X.shape[1])]), y


def nonnegative() -> tuple[np.ndarray, np.ndarray]:
    return positive(), classes()[1]


def own_weights(distances: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + distances)


DISTANCE = "KNN weights='distance' came out as uniform; a skl2onnx after 1.20 may mend it"
RADIUS = "RadiusNeighbors* of skl2onnx 1.20 fail at run; a later one may mend it"
NONE = "skl2onnx 1.20 has no converter for it; a later one may"
METRICS = [
    "manhattan", "chebyshev", "cosine", "canberra", "sqeuclidean",
]  # fmt: skip
BOOLEAN = ["hamming", "jaccard", "dice", "rogerstanimoto", "russellrao", "sokalsneath"]

CLASSIFIERS = [
    case("KNeighborsClassifier", KNeighborsClassifier, classes),
    case("KNeighborsClassifier-binary", KNeighborsClassifier, binary),
    case("KNeighborsClassifier-k1", lambda: KNeighborsClassifier(1), classes),
    case(
        "KNeighborsClassifier-distance",
        lambda: KNeighborsClassifier(weights="distance"),
        classes,
        trap=DISTANCE,
    ),
    case(
        "KNeighborsClassifier-distance-exact",
        lambda: KNeighborsClassifier(4, weights="distance"),
        grid,
        trap=DISTANCE,
    ),
    case("KNeighborsClassifier-exact", lambda: KNeighborsClassifier(1), grid),
    case("KNeighborsClassifier-brute", lambda: KNeighborsClassifier(algorithm="brute"), classes),
    case(
        "KNeighborsClassifier-ball",
        lambda: KNeighborsClassifier(algorithm="ball_tree", weights="distance"),
        classes,
    ),
    case("KNeighborsClassifier-text", KNeighborsClassifier, lambda: labelled(("ä", "b", "c"))),
    case("KNeighborsClassifier-bool", KNeighborsClassifier, lambda: labelled((False, True))),
    case("KNeighborsClassifier-float", KNeighborsClassifier, lambda: labelled((1.0, 2.0, 9.0))),
    case("KNeighborsClassifier-gaps", KNeighborsClassifier, lambda: labelled((-3, 7, 20))),
    case("KNeighborsClassifier-far", KNeighborsClassifier, far),
    case("KNeighborsClassifier-frame", KNeighborsClassifier, frame),
    case(
        "KNeighborsClassifier-scaled",
        lambda: make_pipeline(StandardScaler(), KNeighborsClassifier(weights="distance")),
        far,
        trap=DISTANCE,
    ),
    case(
        "KNeighborsClassifier-function",
        lambda: KNeighborsClassifier(weights=own_weights),
        classes,
        refused="weights=own_weights",
    ),
    case(
        "KNeighborsClassifier-metric-function",
        lambda: KNeighborsClassifier(metric=lambda a, b: np.abs(a - b).sum()),
        classes,
        refused="metric=<lambda>",
    ),
    case("KNeighborsClassifier-p3", lambda: KNeighborsClassifier(p=3), classes),
    case("KNeighborsClassifier-p1", lambda: KNeighborsClassifier(p=1), classes),
    case(
        "KNeighborsClassifier-weighted-p",
        lambda: KNeighborsClassifier(
            metric="minkowski", p=1.5, metric_params={"w": np.array([1.0, 2, 0.5, 1, 3])}
        ),
        classes,
    ),
    case(
        "KNeighborsClassifier-seuclidean",
        lambda: KNeighborsClassifier(
            metric="seuclidean", metric_params={"V": np.array([1.0, 4, 0.5, 2, 1])}
        ),
        classes,
    ),
    case(
        "KNeighborsClassifier-mahalanobis",
        lambda: KNeighborsClassifier(
            metric="mahalanobis",
            algorithm="brute",
            metric_params={"VI": np.linalg.inv(np.cov(numbers().T))},
        ),
        classes,
    ),
    *(
        case(
            f"KNeighborsClassifier-{m}",
            lambda m=m: KNeighborsClassifier(metric=m, weights="distance", algorithm="brute"),
            nonnegative,
        )
        for m in METRICS
    ),
    # The distance of a row to itself is of either sign, or many rows are equally far from 0.
    *(
        case(
            f"RadiusNeighborsClassifier-{m}",
            lambda m=m: RadiusNeighborsClassifier(
                0.3, metric=m, algorithm="brute", outlier_label=0
            ),
            nonnegative,
        )
        for m in ("correlation", "braycurtis")
    ),
    *(
        case(
            f"RadiusNeighborsClassifier-{m}",
            lambda m=m: RadiusNeighborsClassifier(
                0.51 if m != "russellrao" else 0.71, metric=m, algorithm="brute", outlier_label=9
            ),
            flags,
        )
        for m in BOOLEAN
    ),
    case(
        "RadiusNeighborsClassifier",
        lambda: RadiusNeighborsClassifier(1.5, outlier_label="most_frequent"),
        classes,
        trap=RADIUS,
    ),
    case(
        "RadiusNeighborsClassifier-inside", lambda: RadiusNeighborsClassifier(50.0), classes,
        trap=RADIUS,
    ),
    case(
        "RadiusNeighborsClassifier-outlier",
        lambda: RadiusNeighborsClassifier(0.8, outlier_label="z", weights="distance"),
        lambda: labelled(("a", "b", "c")),
        trap=RADIUS,
    ),
    case(
        "RadiusNeighborsClassifier-boundary",
        lambda: RadiusNeighborsClassifier(5.0, outlier_label=-1),
        grid,
        trap=RADIUS,
    ),
    *(
        case(
            f"RadiusNeighborsClassifier-fast-{label}",
            lambda label=label: RadiusNeighborsClassifier(
                1.5, outlier_label=label, algorithm="brute", metric="manhattan"
            ),
            lambda: labelled((-3, 7, 20)),
            trap="an outlier label that scikit-learn takes for a class's number",
        )
        for label in (7, 2, "most_frequent")
    ),
    case(
        "RadiusNeighborsClassifier-brute",
        lambda: RadiusNeighborsClassifier(1.0, outlier_label=2, algorithm="brute", p=1),
        classes,
        trap=RADIUS,
    ),
    case("NearestCentroid", NearestCentroid, classes, trap=NONE),
    case("NearestCentroid-binary", NearestCentroid, lambda: labelled(("no", "yes")), trap=NONE),
    case("NearestCentroid-shrunk", lambda: NearestCentroid(shrink_threshold=0.5), classes),
    case("NearestCentroid-manhattan", lambda: NearestCentroid(metric="manhattan"), classes),
    case("NearestCentroid-priors", lambda: NearestCentroid(priors="empirical"), binary),
    case("NearestCentroid-own", lambda: NearestCentroid(priors=[0.1, 0.3, 0.6]), classes),
    case("NearestCentroid-far", NearestCentroid, far),
]  # fmt: skip

GLOBE = [
    case("KNeighborsRegressor-haversine", lambda: KNeighborsRegressor(metric="haversine"), places),
    case(
        "KNeighborsRegressor-haversine-distance",
        lambda: KNeighborsRegressor(metric="haversine", weights="distance", algorithm="brute"),
        places,
        trap=DISTANCE,
    ),
    case(
        "RadiusNeighborsRegressor-haversine",
        lambda: RadiusNeighborsRegressor(2.5, metric="haversine"),
        places,
        trap=RADIUS,
    ),
]

SEVERAL = [
    case("KNeighborsClassifier-labels", KNeighborsClassifier, multilabel),
    case("KNeighborsClassifier-outputs", lambda: KNeighborsClassifier(weights="distance"), mixed),
    case(
        "RadiusNeighborsClassifier-outputs",
        lambda: RadiusNeighborsClassifier(1.2, outlier_label=[2, 7]),
        mixed,
        trap=RADIUS,
    ),
    case(
        "RadiusNeighborsClassifier-labels",
        lambda: RadiusNeighborsClassifier(1.2, outlier_label=0, weights="distance"),
        multilabel,
        trap=RADIUS,
    ),
]

REGRESSORS = [
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

CASES = [*CLASSIFIERS, *GLOBE, *SEVERAL, *REGRESSORS]
