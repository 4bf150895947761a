"""AdaBoost and Bagging, over trees and over other estimators."""

from __future__ import annotations

from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    HistGradientBoostingClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.tree import (
    DecisionTreeClassifier,
)

from tests.estimators.data import (
    classes,
    regression,
    targets,
    with_missing,
)
from tests.estimators.tree_data import (
    NAN,
    TIES,
    case,
    missing_classes,
    of,
    tied,
)

CASES = [
    case("AdaBoostClassifier", AdaBoostClassifier(n_estimators=15), classes),
    case("AdaBoostClassifier-binary", AdaBoostClassifier(n_estimators=15), of(("no", "yes"))),
    case(
        "AdaBoostClassifier-ties",
        AdaBoostClassifier(DecisionTreeClassifier(max_depth=1), n_estimators=6),
        tied,
        trap=TIES,
    ),
    case(
        "AdaBoostClassifier-deep",
        AdaBoostClassifier(DecisionTreeClassifier(max_depth=3), n_estimators=10, learning_rate=0.5),
        classes,
    ),
    case(
        "AdaBoostClassifier-linear",
        AdaBoostClassifier(LogisticRegression(), n_estimators=4),
        of(("a", "b", "ü")),
    ),
    case(
        "AdaBoostClassifier-linear-bool",
        AdaBoostClassifier(LogisticRegression(), n_estimators=4),
        of((False, True)),
    ),
    *(
        case(f"AdaBoostRegressor-{loss}", AdaBoostRegressor(n_estimators=15, loss=loss), regression)
        for loss in ("linear", "square", "exponential")
    ),
    case("AdaBoostRegressor-ridge", AdaBoostRegressor(Ridge(), n_estimators=6), regression),
    case("BaggingRegressor", BaggingRegressor(n_estimators=8), regression),
    case(
        "BaggingRegressor-columns",
        BaggingRegressor(n_estimators=8, max_features=0.6, bootstrap_features=True),
        regression,
    ),
    case("BaggingRegressor-nan", BaggingRegressor(n_estimators=8), with_missing, trap=NAN),
    case("BaggingRegressor-outputs", BaggingRegressor(n_estimators=4), targets),
    case(
        "BaggingRegressor-ridge",
        BaggingRegressor(Ridge(), n_estimators=5, max_features=0.6),
        regression,
    ),
    case("BaggingClassifier", BaggingClassifier(n_estimators=8), classes),
    case("BaggingClassifier-nan", BaggingClassifier(n_estimators=8), missing_classes(), trap=NAN),
    case(
        "BaggingClassifier-columns",
        BaggingClassifier(DecisionTreeClassifier(max_depth=3), 8, max_features=0.6),
        of(("x", "y", "z")),
    ),
    case(
        "BaggingClassifier-absent-class",
        BaggingClassifier(n_estimators=8, max_samples=0.05),
        lambda: classes(5),
    ),
    case("BaggingClassifier-logistic", BaggingClassifier(LogisticRegression(), 5), classes),
    case("BaggingClassifier-votes", BaggingClassifier(RidgeClassifier(), 5), classes),
    case(
        "BaggingClassifier-histogram",
        BaggingClassifier(HistGradientBoostingClassifier(max_iter=3), 3, max_features=0.7),
        classes,
    ),
]
