"""Gradient boosting: losses and links, initial estimators, categories."""

from __future__ import annotations

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression

from tests.estimators.data import (
    ROWS,
    binary,
    classes,
    numbers,
    regression,
    with_missing,
)
from tests.estimators.tree_data import (
    CATEGORICAL,
    LINK,
    PROTOBUF,
    TIES,
    case,
    category_frame,
    code_classes,
    codes,
    counts,
    missing_classes,
    of,
    strictly_positive,
    tied,
)

CASES = [
    *(
        case(
            f"GradientBoostingRegressor-{loss}",
            GradientBoostingRegressor(loss=loss, n_estimators=15),
            regression,
        )
        for loss in ("squared_error", "absolute_error", "huber", "quantile")
    ),
    case(
        "GradientBoostingRegressor-zero",
        GradientBoostingRegressor(init="zero", n_estimators=15),
        regression,
    ),
    case(
        "GradientBoostingRegressor-init",
        GradientBoostingRegressor(init=LinearRegression(), n_estimators=15),
        regression,
    ),
    case(
        "GradientBoostingRegressor-early",
        GradientBoostingRegressor(n_iter_no_change=2, n_estimators=60, subsample=0.7),
        regression,
    ),
    case(
        "GradientBoostingRegressor-rate",
        GradientBoostingRegressor(learning_rate=1.7, n_estimators=12),
        regression,
    ),
    case("GradientBoostingClassifier", GradientBoostingClassifier(n_estimators=10), classes),
    case("GradientBoostingClassifier-binary", GradientBoostingClassifier(n_estimators=15), binary),
    case(
        "GradientBoostingClassifier-exponential",
        GradientBoostingClassifier(n_estimators=15, loss="exponential"),
        of(("no", "yes")),
    ),
    case(
        "GradientBoostingClassifier-zero",
        GradientBoostingClassifier(n_estimators=8, init="zero"),
        classes,
    ),
    case(
        "GradientBoostingClassifier-init",
        GradientBoostingClassifier(n_estimators=10, init=LogisticRegression()),
        binary,
    ),
    case(
        "GradientBoostingClassifier-init-three",
        GradientBoostingClassifier(n_estimators=8, init=LogisticRegression()),
        classes,
    ),
    case(
        "GradientBoostingClassifier-init-exponential",
        GradientBoostingClassifier(n_estimators=8, init=LogisticRegression(), loss="exponential"),
        binary,
    ),
    case(
        "GradientBoostingClassifier-init-forest",
        GradientBoostingClassifier(n_estimators=8, init=RandomForestClassifier(5)),
        classes,
    ),
    case(
        "GradientBoostingClassifier-init-dummy",
        GradientBoostingClassifier(n_estimators=8, init=DummyClassifier(strategy="most_frequent")),
        classes,
    ),
    case(
        "GradientBoostingClassifier-ties",
        GradientBoostingClassifier(n_estimators=2, max_depth=1, init="zero"),
        tied,
        trap=TIES,
    ),
    *(
        case(
            f"HistGradientBoostingRegressor-{loss}",
            HistGradientBoostingRegressor(
                loss=loss, max_iter=12, quantile=0.7 if loss == "quantile" else None
            ),
            data,
            trap=LINK if loss in ("poisson", "gamma") else PROTOBUF,
        )
        for loss, data in (
            ("squared_error", regression),
            ("absolute_error", regression),
            ("quantile", regression),
            ("poisson", counts),
            ("gamma", strictly_positive),
        )
    ),
    case(
        "HistGradientBoostingRegressor-nan",
        HistGradientBoostingRegressor(max_iter=12),
        with_missing,
    ),
    case(
        "HistGradientBoostingRegressor-early",
        HistGradientBoostingRegressor(max_iter=40, early_stopping=True, n_iter_no_change=2),
        regression,
    ),
    case(
        "HistGradientBoostingRegressor-constant",
        HistGradientBoostingRegressor(max_iter=3),
        lambda: (numbers(), np.full(ROWS, 3.5)),
    ),
    case(
        "HistGradientBoostingRegressor-categorical",
        HistGradientBoostingRegressor(max_iter=12, categorical_features=[1, 3], min_samples_leaf=5),
        codes,
        trap=CATEGORICAL,
    ),
    case(
        "HistGradientBoostingRegressor-categorical-mask",
        HistGradientBoostingRegressor(
            max_iter=8, categorical_features=[False, True, False, False, False]
        ),
        codes,
        trap=CATEGORICAL,
    ),
    case(
        "HistGradientBoostingRegressor-categorical-text",
        HistGradientBoostingRegressor(max_iter=8, categorical_features=["town", "answer"]),
        category_frame,
        trap=CATEGORICAL,
    ),
    case(
        "HistGradientBoostingRegressor-categorical-dtype",
        HistGradientBoostingRegressor(max_iter=8, categorical_features="from_dtype"),
        category_frame,
        trap=CATEGORICAL,
    ),
    case(
        "HistGradientBoostingRegressor-thresholds",
        HistGradientBoostingRegressor(max_iter=12),
        lambda: (np.round(numbers(), 1), regression()[1]),
        trap="HistGradientBoosting thresholds cast to float32",
    ),
    case(
        "HistGradientBoostingClassifier",
        HistGradientBoostingClassifier(max_iter=6),
        classes,
        trap=PROTOBUF,
    ),
    case(
        "HistGradientBoostingClassifier-binary",
        HistGradientBoostingClassifier(max_iter=10),
        of(("no", "yes")),
        trap=PROTOBUF,
    ),
    case(
        "HistGradientBoostingClassifier-balanced",
        HistGradientBoostingClassifier(max_iter=6, class_weight="balanced"),
        classes,
    ),
    case(
        "HistGradientBoostingClassifier-categorical",
        HistGradientBoostingClassifier(max_iter=8, categorical_features=[1, 3]),
        code_classes,
        trap=CATEGORICAL,
    ),
    case(
        "HistGradientBoostingClassifier-nan",
        HistGradientBoostingClassifier(max_iter=8),
        missing_classes(3),
    ),
]
