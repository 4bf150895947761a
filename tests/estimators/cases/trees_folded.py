"""Monotone steps before trees: folded into the thresholds."""

from __future__ import annotations

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    BaggingRegressor,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import (
    DecisionTreeRegressor,
)

from tests.estimators.data import (
    binary,
    classes,
    regression,
    with_missing,
)
from tests.estimators.tree_data import (
    SCALER,
    alone,
    case,
    large_mean,
    missing_classes,
    number_frame,
    text_frame,
)

CASES = [
    case(
        "Pipeline-standard-tree",
        make_pipeline(StandardScaler(), DecisionTreeRegressor()),
        regression,
        trap=SCALER,
    ),
    case(
        "Pipeline-standard-forest",
        make_pipeline(StandardScaler(), RandomForestClassifier(8)),
        classes,
        trap=SCALER,
    ),
    case(
        "Pipeline-large-mean-forest",
        make_pipeline(StandardScaler(), RandomForestRegressor(8)),
        large_mean,
        trap=SCALER,
    ),
    case(
        "Pipeline-minmax-clip-forest",
        make_pipeline(MinMaxScaler(clip=True), RandomForestRegressor(8)),
        regression,
        trap=SCALER,
    ),
    case(
        "Pipeline-maxabs-extra",
        make_pipeline(MaxAbsScaler(), ExtraTreesClassifier(8)),
        classes,
        trap=SCALER,
    ),
    case(
        "Pipeline-robust-boosting",
        make_pipeline(RobustScaler(), GradientBoostingClassifier(n_estimators=8)),
        binary,
        trap=SCALER,
    ),
    case(
        "Pipeline-two-scalers-forest",
        make_pipeline(MinMaxScaler(), RobustScaler(), RandomForestClassifier(8)),
        classes,
        trap=SCALER,
    ),
    case(
        "Pipeline-standard-histogram",
        make_pipeline(StandardScaler(), HistGradientBoostingRegressor(max_iter=8)),
        regression,
        trap=SCALER,
    ),
    case(
        "Pipeline-standard-isolation",
        make_pipeline(StandardScaler(), IsolationForest(n_estimators=10)),
        alone,
        trap=SCALER,
    ),
    case(
        "Pipeline-imputer-forest",
        make_pipeline(SimpleImputer(), RandomForestRegressor(8)),
        with_missing,
    ),
    case(
        "Pipeline-imputer-scaler-forest",
        make_pipeline(
            SimpleImputer(strategy="median"), StandardScaler(), RandomForestClassifier(8)
        ),
        missing_classes(),
    ),
    case(
        "Pipeline-scaler-nan-histogram",
        make_pipeline(StandardScaler(), HistGradientBoostingRegressor(max_iter=8)),
        with_missing,
    ),
    case(
        "Pipeline-binarizer-forest",
        make_pipeline(Binarizer(threshold=0.1), RandomForestRegressor(8)),
        regression,
    ),
    case(
        "Pipeline-mixed-integers-forest",
        make_pipeline(StandardScaler(), RandomForestRegressor(8)),
        number_frame,
        trap="StandardScaler before a forest with mixed float32/int64 inputs",
    ),
    case(
        "Pipeline-columns-forest",
        make_pipeline(
            ColumnTransformer(
                [
                    ("n", StandardScaler(), ["a", "b", "c"]),
                    ("t", OneHotEncoder(), ["town", "answer"]),
                ]
            ),
            RandomForestRegressor(8),
        ),
        text_frame,
        trap=SCALER,
    ),
    case(
        "BaggingRegressor-pipelines",
        BaggingRegressor(
            make_pipeline(StandardScaler(), DecisionTreeRegressor(max_depth=4)), 5, max_features=0.6
        ),
        regression,
        trap=SCALER,
    ),
    case(
        "Pipeline-ordinal-bins-forest",
        make_pipeline(KBinsDiscretizer(8, encode="ordinal"), RandomForestRegressor(8)),
        regression,
    ),
]
