"""Nearest neighbours, their transformers, outlier factors and the imputer."""

from __future__ import annotations

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
    binary,
    classes,
    labelled,
    multilabel,
    numbers,
)
from tests.estimators.harness import case
from tests.estimators.neighbours_data import (
    BOOLEAN,
    DISTANCE,
    METRICS,
    NONE,
    RADIUS,
    far,
    flags,
    frame,
    grid,
    mixed,
    nonnegative,
    own_weights,
    places,
)

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


CASES = [*CLASSIFIERS, *GLOBE, *SEVERAL]
