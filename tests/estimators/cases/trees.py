"""Tree ensembles: routing, ties, missing values, categories, links, initial estimators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    RandomTreesEmbedding,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from tests.estimators.data import (
    ROWS,
    binary,
    classes,
    labelled,
    multilabel,
    numbers,
    regression,
    targets,
    with_missing,
)
from tests.estimators.harness import Case

Data = Callable[[], tuple[Any, Any]]
NAN = "trees with NaN: the converter writes 0 for the missing-value direction"
TIES = "binary forest at exact ties: float32 shares flip the label"
SCALER = "a scaler in float32 before trees: rows near thresholds flip"
CATEGORICAL = "HistGradientBoosting with categorical_features"
LINK = "HistGradientBoosting poisson, gamma: the exp link is missing"
PROTOBUF = "protobuf 7: HistGradientBoosting fails (a later skl2onnx may mend its attribute lists)"
ML3 = "IsolationForest needs 'ai.onnx.ml': 3 in target_opset"


def case(name: str, estimator: Any, data: Data, **more: Any) -> Case:
    """Return a case that fits a copy of the estimator, seeded, on the data."""

    def fit() -> tuple[Any, Any, Any]:
        X, y = data()
        fitted = clone(estimator)
        seeds = {k: 0 for k in fitted.get_params() if k.endswith("random_state")}
        return fitted.set_params(**seeds).fit(X, y), X, y

    return Case(name, fit, **more)


def alone() -> tuple[np.ndarray, None]:
    return numbers(), None


def tied() -> tuple[np.ndarray, np.ndarray]:
    """Coarse features and noise: many rows share a leaf, many votes are equal."""
    rng = np.random.default_rng(11)
    X = rng.integers(0, 3, size=(ROWS, 4)).astype(float)
    return X, rng.integers(0, 2, size=ROWS)


def tied_three() -> tuple[np.ndarray, np.ndarray]:
    X, _ = tied()
    return X, np.random.default_rng(12).integers(0, 3, size=ROWS)


def missing_classes(count: int = 2) -> Data:
    def data() -> tuple[np.ndarray, np.ndarray]:
        X, y = with_missing()
        return X, np.digitize(y, np.quantile(y, np.linspace(0, 1, count + 1)[1:-1]))

    return data


def counts() -> tuple[np.ndarray, np.ndarray]:
    X, y = regression()
    return X, np.floor(np.exp(np.clip(y, -2, 3)) + 0.5)


def strictly_positive() -> tuple[np.ndarray, np.ndarray]:
    X, y = regression()
    return X, np.exp(y / 3)


def large_mean() -> tuple[np.ndarray, np.ndarray]:
    X, y = regression()
    return X + 1e5, y


def large_target() -> tuple[np.ndarray, np.ndarray]:
    X, y = regression()
    return X, y * 1e6


def codes() -> tuple[np.ndarray, np.ndarray]:
    """Columns 1 and 3 hold categories as numbers, with gaps and missing values."""
    X, y = regression()
    rng = np.random.default_rng(13)
    X[:, 1] = rng.choice([1, 2, 5, 7, 11, 40], size=ROWS)
    X[:, 3] = rng.choice([0, 10, 20, 30, np.nan], size=ROWS)
    return X, y + 2 * np.isin(X[:, 1], [2, 7]) - 3 * np.isin(X[:, 3], [0, 30])


def code_classes() -> tuple[np.ndarray, np.ndarray]:
    X, y = codes()
    return X, np.digitize(y, np.quantile(y, [0.33, 0.66]))


def text_frame() -> tuple[pd.DataFrame, np.ndarray]:
    """A frame with two text columns and numbers between them."""
    X, y = regression(3)
    rng = np.random.default_rng(14)
    town = rng.choice(["Zürich", "東京", "Łódź", "x"], size=ROWS)
    answer = rng.choice(["yes", "no"], size=ROWS)
    frame = pd.DataFrame({"a": X[:, 0], "town": town, "b": X[:, 1], "answer": answer, "c": X[:, 2]})
    return frame, y + 2 * (town == "x") + (answer == "yes") * (town == "東京")


def category_frame() -> tuple[pd.DataFrame, np.ndarray]:
    frame, y = text_frame()
    return frame.astype({"town": "category", "answer": "category"}), y


def number_frame() -> tuple[pd.DataFrame, np.ndarray]:
    X, y = regression(4)
    frame = pd.DataFrame(X, columns=["a", "b b", "ü", "d"])
    return frame.assign(k=np.arange(ROWS) % 7), y


def of(names: tuple) -> Data:
    return lambda: labelled(names)


STUMP = DecisionTreeClassifier(max_depth=1)
TREES = [
    case("DecisionTreeRegressor", DecisionTreeRegressor(), regression),
    case("DecisionTreeRegressor-outputs", DecisionTreeRegressor(max_depth=5), targets),
    case("DecisionTreeRegressor-absolute", DecisionTreeRegressor(criterion="absolute_error", max_depth=4), regression),
    case("DecisionTreeRegressor-one-node", DecisionTreeRegressor(max_leaf_nodes=None, min_samples_split=ROWS + 1), regression, trap="single-node trees: root and leaf indices are mixed up"),
    case("DecisionTreeRegressor-nan", DecisionTreeRegressor(), with_missing, trap=NAN),
    case("DecisionTreeRegressor-frame", DecisionTreeRegressor(), number_frame),
    case("DecisionTreeRegressor-monotonic", DecisionTreeRegressor(monotonic_cst=[1, 0, 0, -1, 0]), regression),
    case("DecisionTreeClassifier", DecisionTreeClassifier(), classes),
    case("DecisionTreeClassifier-binary", DecisionTreeClassifier(max_depth=4), binary),
    case("DecisionTreeClassifier-text", DecisionTreeClassifier(max_depth=3), of(("a", "ß", "東"))),
    case("DecisionTreeClassifier-bool", DecisionTreeClassifier(max_depth=3), of((False, True))),
    case("DecisionTreeClassifier-float", DecisionTreeClassifier(max_depth=3), of((1.0, 3.0, 4.0))),
    case("DecisionTreeClassifier-int", DecisionTreeClassifier(max_depth=3), of((-5, 7, 100))),
    case("DecisionTreeClassifier-balanced", DecisionTreeClassifier(max_depth=4, class_weight="balanced"), classes),
    case("DecisionTreeClassifier-one-class", DecisionTreeClassifier(), lambda: (numbers(), np.ones(ROWS, dtype=int))),
    case("DecisionTreeClassifier-nan", DecisionTreeClassifier(), missing_classes(), trap=NAN),
    case("DecisionTreeClassifier-ties", DecisionTreeClassifier(max_depth=2), tied_three, trap=TIES),
    case("DecisionTreeClassifier-outputs", DecisionTreeClassifier(max_depth=3), multilabel, refused="several outputs a row"),
    case("ExtraTreeRegressor", ExtraTreeRegressor(), regression),
    case("ExtraTreeClassifier", ExtraTreeClassifier(), classes),
    case("RandomForestRegressor", RandomForestRegressor(10), regression),
    case("RandomForestRegressor-nan", RandomForestRegressor(10), with_missing, trap=NAN),
    case("RandomForestRegressor-outputs", RandomForestRegressor(8, max_depth=6), lambda: targets(3)),
    case("RandomForestRegressor-poisson", RandomForestRegressor(5, criterion="poisson", max_depth=4), counts),
    case("RandomForestRegressor-large-target", RandomForestRegressor(10, max_depth=5), large_target),
    case("RandomForestClassifier", RandomForestClassifier(10), classes),
    case("RandomForestClassifier-binary", RandomForestClassifier(10), binary, trap=TIES),
    case("RandomForestClassifier-ties", RandomForestClassifier(10), tied, trap=TIES),
    case("RandomForestClassifier-ties-shallow", RandomForestClassifier(6, max_depth=2), tied, trap=TIES),
    case("RandomForestClassifier-ties-three", RandomForestClassifier(6, max_depth=2, bootstrap=False, max_features=1), tied_three, trap=TIES),
    case("RandomForestClassifier-nan", RandomForestClassifier(10), missing_classes(3), trap=NAN),
    case("RandomForestClassifier-text", RandomForestClassifier(8, max_depth=4), of(("no", "yes"))),
    case("RandomForestClassifier-many", RandomForestClassifier(200, max_depth=3), lambda: classes(6)),
    case("RandomForestClassifier-weights", RandomForestClassifier(8, class_weight="balanced_subsample"), classes),
    case("ExtraTreesRegressor", ExtraTreesRegressor(10), regression),
    case("ExtraTreesRegressor-nan", ExtraTreesRegressor(10), with_missing, trap=NAN),
    case("ExtraTreesClassifier", ExtraTreesClassifier(10), classes),
    case("ExtraTreesClassifier-nan", ExtraTreesClassifier(10), missing_classes(), trap=NAN),
    case("RandomTreesEmbedding", RandomTreesEmbedding(6, max_depth=3), alone),
    case("RandomTreesEmbedding-dense", RandomTreesEmbedding(3, max_leaf_nodes=5, sparse_output=False), alone),
    case("IsolationForest", IsolationForest(n_estimators=20), alone, trap=ML3),
    case("IsolationForest-contamination", IsolationForest(n_estimators=20, contamination=0.1), alone),
    case("IsolationForest-columns", IsolationForest(n_estimators=15, max_features=0.6, max_samples=64), alone),
    case("IsolationForest-nan", IsolationForest(n_estimators=15), lambda: (with_missing()[0], None)),
]  # fmt: skip
FOLDED = [
    case("Pipeline-standard-tree", make_pipeline(StandardScaler(), DecisionTreeRegressor()), regression, trap=SCALER),
    case("Pipeline-standard-forest", make_pipeline(StandardScaler(), RandomForestClassifier(8)), classes, trap=SCALER),
    case("Pipeline-large-mean-forest", make_pipeline(StandardScaler(), RandomForestRegressor(8)), large_mean, trap=SCALER),
    case("Pipeline-minmax-clip-forest", make_pipeline(MinMaxScaler(clip=True), RandomForestRegressor(8)), regression, trap=SCALER),
    case("Pipeline-maxabs-extra", make_pipeline(MaxAbsScaler(), ExtraTreesClassifier(8)), classes, trap=SCALER),
    case("Pipeline-robust-boosting", make_pipeline(RobustScaler(), GradientBoostingClassifier(n_estimators=8)), binary, trap=SCALER),
    case("Pipeline-two-scalers-forest", make_pipeline(MinMaxScaler(), RobustScaler(), RandomForestClassifier(8)), classes, trap=SCALER),
    case("Pipeline-standard-histogram", make_pipeline(StandardScaler(), HistGradientBoostingRegressor(max_iter=8)), regression, trap=SCALER),
    case("Pipeline-standard-isolation", make_pipeline(StandardScaler(), IsolationForest(n_estimators=10)), alone, trap=SCALER),
    case("Pipeline-imputer-forest", make_pipeline(SimpleImputer(), RandomForestRegressor(8)), with_missing),
    case("Pipeline-imputer-scaler-forest", make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), RandomForestClassifier(8)), missing_classes()),
    case("Pipeline-scaler-nan-histogram", make_pipeline(StandardScaler(), HistGradientBoostingRegressor(max_iter=8)), with_missing),
    case("Pipeline-binarizer-forest", make_pipeline(Binarizer(threshold=0.1), RandomForestRegressor(8)), regression),
    case("Pipeline-mixed-integers-forest", make_pipeline(StandardScaler(), RandomForestRegressor(8)), number_frame, trap="StandardScaler before a forest with mixed float32/int64 inputs"),
    case("Pipeline-columns-forest", make_pipeline(ColumnTransformer([("n", StandardScaler(), ["a", "b", "c"]), ("t", OneHotEncoder(), ["town", "answer"])]), RandomForestRegressor(8)), text_frame, trap=SCALER),
    case("BaggingRegressor-pipelines", BaggingRegressor(make_pipeline(StandardScaler(), DecisionTreeRegressor(max_depth=4)), 5, max_features=0.6), regression, trap=SCALER),
]  # fmt: skip
BOOSTED = [
    *(
        case(f"GradientBoostingRegressor-{loss}", GradientBoostingRegressor(loss=loss, n_estimators=15), regression)
        for loss in ("squared_error", "absolute_error", "huber", "quantile")
    ),
    case("GradientBoostingRegressor-zero", GradientBoostingRegressor(init="zero", n_estimators=15), regression),
    case("GradientBoostingRegressor-init", GradientBoostingRegressor(init=LinearRegression(), n_estimators=15), regression),
    case("GradientBoostingRegressor-early", GradientBoostingRegressor(n_iter_no_change=2, n_estimators=60, subsample=0.7), regression),
    case("GradientBoostingRegressor-rate", GradientBoostingRegressor(learning_rate=1.7, n_estimators=12), regression),
    case("GradientBoostingClassifier", GradientBoostingClassifier(n_estimators=10), classes),
    case("GradientBoostingClassifier-binary", GradientBoostingClassifier(n_estimators=15), binary),
    case("GradientBoostingClassifier-exponential", GradientBoostingClassifier(n_estimators=15, loss="exponential"), of(("no", "yes"))),
    case("GradientBoostingClassifier-zero", GradientBoostingClassifier(n_estimators=8, init="zero"), classes),
    case("GradientBoostingClassifier-init", GradientBoostingClassifier(n_estimators=10, init=LogisticRegression()), binary),
    case("GradientBoostingClassifier-init-three", GradientBoostingClassifier(n_estimators=8, init=LogisticRegression()), classes),
    case("GradientBoostingClassifier-init-exponential", GradientBoostingClassifier(n_estimators=8, init=LogisticRegression(), loss="exponential"), binary),
    case("GradientBoostingClassifier-init-forest", GradientBoostingClassifier(n_estimators=8, init=RandomForestClassifier(5)), classes),
    case("GradientBoostingClassifier-init-dummy", GradientBoostingClassifier(n_estimators=8, init=DummyClassifier(strategy="most_frequent")), classes),
    case("GradientBoostingClassifier-ties", GradientBoostingClassifier(n_estimators=2, max_depth=1, init="zero"), tied, trap=TIES),
    *(
        case(f"HistGradientBoostingRegressor-{loss}", HistGradientBoostingRegressor(loss=loss, max_iter=12, quantile=0.7 if loss == "quantile" else None), data, trap=LINK if loss in ("poisson", "gamma") else PROTOBUF)
        for loss, data in (("squared_error", regression), ("absolute_error", regression), ("quantile", regression), ("poisson", counts), ("gamma", strictly_positive))
    ),
    case("HistGradientBoostingRegressor-nan", HistGradientBoostingRegressor(max_iter=12), with_missing),
    case("HistGradientBoostingRegressor-early", HistGradientBoostingRegressor(max_iter=40, early_stopping=True, n_iter_no_change=2), regression),
    case("HistGradientBoostingRegressor-constant", HistGradientBoostingRegressor(max_iter=3), lambda: (numbers(), np.full(ROWS, 3.5))),
    case("HistGradientBoostingRegressor-categorical", HistGradientBoostingRegressor(max_iter=12, categorical_features=[1, 3], min_samples_leaf=5), codes, trap=CATEGORICAL),
    case("HistGradientBoostingRegressor-categorical-mask", HistGradientBoostingRegressor(max_iter=8, categorical_features=[False, True, False, False, False]), codes, trap=CATEGORICAL),
    case("HistGradientBoostingRegressor-categorical-text", HistGradientBoostingRegressor(max_iter=8, categorical_features=["town", "answer"]), category_frame, trap=CATEGORICAL),
    case("HistGradientBoostingRegressor-categorical-dtype", HistGradientBoostingRegressor(max_iter=8, categorical_features="from_dtype"), category_frame, trap=CATEGORICAL),
    case("HistGradientBoostingRegressor-thresholds", HistGradientBoostingRegressor(max_iter=12), lambda: (np.round(numbers(), 1), regression()[1]), trap="HistGradientBoosting thresholds cast to float32"),
    case("HistGradientBoostingClassifier", HistGradientBoostingClassifier(max_iter=6), classes, trap=PROTOBUF),
    case("HistGradientBoostingClassifier-binary", HistGradientBoostingClassifier(max_iter=10), of(("no", "yes")), trap=PROTOBUF),
    case("HistGradientBoostingClassifier-balanced", HistGradientBoostingClassifier(max_iter=6, class_weight="balanced"), classes),
    case("HistGradientBoostingClassifier-categorical", HistGradientBoostingClassifier(max_iter=8, categorical_features=[1, 3]), code_classes, trap=CATEGORICAL),
    case("HistGradientBoostingClassifier-nan", HistGradientBoostingClassifier(max_iter=8), missing_classes(3)),
]  # fmt: skip
COMMITTEES = [
    case("AdaBoostClassifier", AdaBoostClassifier(n_estimators=15), classes),
    case("AdaBoostClassifier-binary", AdaBoostClassifier(n_estimators=15), of(("no", "yes"))),
    case("AdaBoostClassifier-ties", AdaBoostClassifier(STUMP, n_estimators=6), tied, trap=TIES),
    case("AdaBoostClassifier-deep", AdaBoostClassifier(DecisionTreeClassifier(max_depth=3), n_estimators=10, learning_rate=0.5), classes),
    case("AdaBoostClassifier-linear", AdaBoostClassifier(LogisticRegression(), n_estimators=4), of(("a", "b", "ü"))),
    case("AdaBoostClassifier-linear-bool", AdaBoostClassifier(LogisticRegression(), n_estimators=4), of((False, True))),
    *(
        case(f"AdaBoostRegressor-{loss}", AdaBoostRegressor(n_estimators=15, loss=loss), regression)
        for loss in ("linear", "square", "exponential")
    ),
    case("AdaBoostRegressor-ridge", AdaBoostRegressor(Ridge(), n_estimators=6), regression),
    case("BaggingRegressor", BaggingRegressor(n_estimators=8), regression),
    case("BaggingRegressor-columns", BaggingRegressor(n_estimators=8, max_features=0.6, bootstrap_features=True), regression),
    case("BaggingRegressor-nan", BaggingRegressor(n_estimators=8), with_missing, trap=NAN),
    case("BaggingRegressor-outputs", BaggingRegressor(n_estimators=4), targets),
    case("BaggingRegressor-ridge", BaggingRegressor(Ridge(), n_estimators=5, max_features=0.6), regression),
    case("BaggingClassifier", BaggingClassifier(n_estimators=8), classes),
    case("BaggingClassifier-nan", BaggingClassifier(n_estimators=8), missing_classes(), trap=NAN),
    case("BaggingClassifier-columns", BaggingClassifier(DecisionTreeClassifier(max_depth=3), 8, max_features=0.6), of(("x", "y", "z"))),
    case("BaggingClassifier-absent-class", BaggingClassifier(n_estimators=8, max_samples=0.05), lambda: classes(5)),
    case("BaggingClassifier-logistic", BaggingClassifier(LogisticRegression(), 5), classes),
    case("BaggingClassifier-votes", BaggingClassifier(RidgeClassifier(), 5), classes),
    case("BaggingClassifier-histogram", BaggingClassifier(HistGradientBoostingClassifier(max_iter=3), 3, max_features=0.7), classes),
]  # fmt: skip

CASES = [*TREES, *FOLDED, *BOOSTED, *COMMITTEES]
