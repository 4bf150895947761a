"""Meta-estimators of one output: several classes, calibration, thresholds, votes, stacks, search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    Perceptron,
    RANSACRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC, SVR, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tests.estimators.data import binary, classes, labelled, multilabel, regression, targets
from tests.estimators.harness import Case

TEXT2, TEXT3 = ("yes", "no"), ("low", "mid", "Größe")
OVR = "OneVsRestClassifier: no label of OneVsRest(SVC) is right; a later skl2onnx may mend it"
OVO = "OneVsOneClassifier: an invalid graph with text labels; a later skl2onnx may mend it"
ISOTONIC = "CalibratedClassifierCV isotonic: off by up to 0.12; a later skl2onnx may mend it"
TUNED = "TunedThresholdClassifierCV: the threshold is ignored; a later skl2onnx may mend it"
FLATTEN = "VotingClassifier needs flatten_transform=False; a later skl2onnx may mend it"
NONE = "no converter; a later skl2onnx may have one"


def fitted(estimator: Any, data: tuple) -> tuple[Any, Any, Any]:
    X, y = data
    return estimator.fit(X, y), X, y


def tree(depth: int = 3, **settings: Any) -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=depth, random_state=0, **settings)


def leaf(depth: int = 3) -> DecisionTreeRegressor:
    return DecisionTreeRegressor(max_depth=depth, random_state=0)


def forest() -> RandomForestClassifier:
    return RandomForestClassifier(5, max_depth=3, random_state=0)


def mlp() -> MLPClassifier:
    return MLPClassifier((5,), max_iter=40, random_state=0)


def huber() -> SGDClassifier:
    return SGDClassifier(loss="modified_huber", random_state=0)


def mixed() -> tuple[pd.DataFrame, np.ndarray]:
    X, y = labelled(TEXT3)
    kinds = np.array(["α", "b", "c"])[np.digitize(X[:, 4], [-0.5, 0.5])]
    return pd.DataFrame({"size": X[:, 0], "weight kg": X[:, 1], "kind": kinds}), y


def several() -> MultiOutputClassifier:
    return MultiOutputClassifier(LogisticRegression())


def columns(inner: Any) -> Any:
    """Return a pipeline over a column transformer with a pipeline inside, then a pipeline."""
    numeric = make_pipeline("passthrough", make_pipeline(StandardScaler()))
    parts = make_column_transformer(
        (numeric, ["weight kg", "size"]), (OneHotEncoder(handle_unknown="ignore"), ["kind"])
    )
    return make_pipeline(parts, make_pipeline("passthrough", inner))


def unlabelled() -> tuple[np.ndarray, np.ndarray]:
    X, y = classes()
    y[np.random.default_rng(0).random(len(y)) < 0.4] = -1
    return X, y


def prefit(estimator: Any, data: tuple) -> FrozenEstimator:
    return FrozenEstimator(estimator.fit(*data))


def voters() -> list:
    return [("a", LogisticRegression()), ("b", tree()), ("c", mlp())]


def models() -> list:
    return [("a", Ridge()), ("b", leaf()), ("c", SVR(C=0.5))]


def calibrated(base: Any, method: str, **settings: Any) -> CalibratedClassifierCV:
    return CalibratedClassifierCV(base, method=method, cv=2, **settings)


GRID = {"C": [0.1, 1.0]}
QUICK: dict[str, Any] = {"cv": 2, "thresholds": 12}

ONE_VS = [
    Case("OneVsRestClassifier", lambda: fitted(OneVsRestClassifier(LogisticRegression()), classes())),
    Case("OneVsRestClassifier-SVC", lambda: fitted(OneVsRestClassifier(SVC()), classes()), trap=OVR),
    Case("OneVsRestClassifier-SVC-binary", lambda: fitted(OneVsRestClassifier(SVC()), binary()), trap=OVR),
    Case("OneVsRestClassifier-LinearSVC", lambda: fitted(OneVsRestClassifier(LinearSVC()), classes()), trap=OVR),
    Case("OneVsRestClassifier-LinearSVC-binary", lambda: fitted(OneVsRestClassifier(LinearSVC()), binary()), trap=OVR),
    Case("OneVsRestClassifier-ridge", lambda: fitted(OneVsRestClassifier(RidgeClassifier()), labelled(TEXT3)), trap=OVR),
    Case("OneVsRestClassifier-ridge-binary", lambda: fitted(OneVsRestClassifier(RidgeClassifier()), labelled(TEXT2)), trap=OVR),
    Case("OneVsRestClassifier-binary", lambda: fitted(OneVsRestClassifier(LogisticRegression()), labelled(TEXT2))),
    Case("OneVsRestClassifier-tree", lambda: fitted(OneVsRestClassifier(tree(2)), classes(4))),
    Case("OneVsRestClassifier-tree-binary", lambda: fitted(OneVsRestClassifier(tree()), labelled((-1.0, 2.0)))),
    Case("OneVsRestClassifier-regressor", lambda: fitted(OneVsRestClassifier(Ridge()), classes())),
    Case("OneVsRestClassifier-regressor-binary", lambda: fitted(OneVsRestClassifier(leaf()), binary())),
    Case("OneVsRestClassifier-multilabel", lambda: fitted(OneVsRestClassifier(LogisticRegression()), multilabel())),
    Case("OneVsRestClassifier-multilabel-tree", lambda: fitted(OneVsRestClassifier(tree()), multilabel())),
    Case("OneVsRestClassifier-constant-label", lambda: fitted(OneVsRestClassifier(tree()), constant_label())),
    Case("OneVsRestClassifier-scaled", lambda: fitted(make_pipeline(StandardScaler(), OneVsRestClassifier(mlp())), labelled(TEXT3))),
    Case("OneVsRestClassifier-bool", lambda: fitted(OneVsRestClassifier(huber()), labelled((False, True)))),
    Case("OneVsOneClassifier", lambda: fitted(OneVsOneClassifier(LogisticRegression()), classes(4))),
    Case("OneVsOneClassifier-text", lambda: fitted(OneVsOneClassifier(LinearSVC()), labelled(TEXT3)), trap=OVO),
    Case("OneVsOneClassifier-binary", lambda: fitted(OneVsOneClassifier(LinearSVC()), labelled(TEXT2)), trap=OVO),
    Case("OneVsOneClassifier-tree", lambda: fitted(OneVsOneClassifier(tree(1)), classes(5))),
    Case("OneVsOneClassifier-tree-binary", lambda: fitted(OneVsOneClassifier(tree()), binary())),
    Case("OneVsOneClassifier-ridge", lambda: fitted(OneVsOneClassifier(RidgeClassifier()), classes())),
    Case("OneVsOneClassifier-regressor", lambda: fitted(OneVsOneClassifier(leaf()), classes())),
    Case("OneVsOneClassifier-SVC", lambda: fitted(OneVsOneClassifier(SVC()), labelled((5, -3, 8)))),
    Case("OutputCodeClassifier", lambda: fitted(OutputCodeClassifier(LogisticRegression(), random_state=0), classes()), trap=NONE),
    Case("OutputCodeClassifier-text", lambda: fitted(OutputCodeClassifier(LinearSVC(), code_size=3, random_state=0), labelled(TEXT3)), trap=NONE),
    Case("OutputCodeClassifier-tree", lambda: fitted(OutputCodeClassifier(tree(), random_state=1), classes(5))),
    Case("OutputCodeClassifier-ridge", lambda: fitted(OutputCodeClassifier(RidgeClassifier(), random_state=0), classes())),
    Case("OutputCodeClassifier-SVC", lambda: fitted(OutputCodeClassifier(SVC(), random_state=0), classes())),
]


def constant_label() -> tuple[np.ndarray, np.ndarray]:
    X, y = multilabel()
    y[:, 1] = 1
    return X, np.column_stack([y, np.zeros(len(y), int)])


CALIBRATION = [
    Case(
        f"CalibratedClassifierCV-{method}-{base}-{kind}-{'ensemble' if ensemble else 'single'}",
        lambda m=method, b=make, d=data, e=ensemble: fitted(calibrated(b(), m, ensemble=e), d()),
        trap=ISOTONIC if method == "isotonic" else "",
    )
    for method in ("sigmoid", "isotonic", "temperature")
    for base, make in (("logistic", LogisticRegression), ("tree", tree), ("mlp", mlp))
    for kind, data, ensemble in (("binary", binary, True), ("multi", classes, False))
] + [
    Case("CalibratedClassifierCV-sigmoid-LinearSVC", lambda: fitted(calibrated(LinearSVC(), "sigmoid"), labelled(TEXT2))),
    Case("CalibratedClassifierCV-isotonic-LinearSVC", lambda: fitted(calibrated(LinearSVC(), "isotonic"), labelled(TEXT3)), trap=ISOTONIC),
    Case("CalibratedClassifierCV-isotonic-forest", lambda: fitted(calibrated(forest(), "isotonic"), labelled(TEXT2)), trap=ISOTONIC),
    Case("CalibratedClassifierCV-temperature-ridge", lambda: fitted(calibrated(RidgeClassifier(), "temperature"), binary()), trap="temperature calibration is refused"),
    Case("CalibratedClassifierCV-frozen", lambda: fitted(CalibratedClassifierCV(prefit(tree(), binary()), method="isotonic"), binary()), trap=ISOTONIC),
    Case("CalibratedClassifierCV-scaled-inside", lambda: fitted(calibrated(make_pipeline(StandardScaler(), Perceptron()), "sigmoid"), classes(4))),
    Case("CalibratedClassifierCV-mixed-frame", lambda: fitted(calibrated(columns(LogisticRegression()), "isotonic"), mixed()), trap=ISOTONIC),
]

THRESHOLDS = [
    Case("TunedThresholdClassifierCV", lambda: fitted(TunedThresholdClassifierCV(LogisticRegression(), **QUICK), binary()), trap=TUNED),
    Case("TunedThresholdClassifierCV-text", lambda: fitted(TunedThresholdClassifierCV(LogisticRegression(), **QUICK), labelled(TEXT2)), trap=TUNED),
    Case(
        "TunedThresholdClassifierCV-pos-label",
        lambda: fitted(TunedThresholdClassifierCV(LogisticRegression(), **QUICK, scoring=make_scorer(f1_score, pos_label="no")), labelled(TEXT2)),
        trap=TUNED,
    ),
    Case("TunedThresholdClassifierCV-forest", lambda: fitted(TunedThresholdClassifierCV(forest(), scoring="f1", **QUICK), binary()), trap=TUNED),
    Case(
        "TunedThresholdClassifierCV-decision",
        lambda: fitted(TunedThresholdClassifierCV(LogisticRegression(), **QUICK, response_method="decision_function"), binary()),
        trap=TUNED,
    ),
    Case("FixedThresholdClassifier", lambda: fitted(FixedThresholdClassifier(LogisticRegression()), binary()), trap=NONE),
    Case("FixedThresholdClassifier-0.7", lambda: fitted(FixedThresholdClassifier(LogisticRegression(), threshold=0.7), labelled(TEXT2)), trap=NONE),
    Case("FixedThresholdClassifier-tie", lambda: fitted(FixedThresholdClassifier(tree(2), threshold=0.5, pos_label=0), halves())),
    Case("FixedThresholdClassifier-pos-label", lambda: fitted(FixedThresholdClassifier(LogisticRegression(), threshold=0.3, pos_label="no"), labelled(TEXT2))),
    Case("FixedThresholdClassifier-LinearSVC", lambda: fitted(FixedThresholdClassifier(LinearSVC(), threshold=-0.4, pos_label="no"), labelled(TEXT2))),
    Case("FixedThresholdClassifier-LinearSVC-auto", lambda: fitted(FixedThresholdClassifier(LinearSVC()), binary())),
    Case("FixedThresholdClassifier-prefit", lambda: fitted(FixedThresholdClassifier(prefit(tree(), binary()), threshold=0.2), binary())),
]


def halves() -> tuple[np.ndarray, np.ndarray]:
    """Return rows whose leaves hold as many of one class as of the other."""
    X = np.repeat([[0.0], [1.0], [2.0], [3.0]], 6, axis=0)
    return X, np.array([0, 1] * 9 + [1] * 6)


VOTING = [
    Case("VotingClassifier", lambda: fitted(VotingClassifier(voters()), classes()), trap=FLATTEN),
    Case("VotingClassifier-hard-text", lambda: fitted(VotingClassifier(voters()), labelled(TEXT3)), trap=FLATTEN),
    Case("VotingClassifier-hard-weights", lambda: fitted(VotingClassifier(voters(), weights=[0.1, 0.2, 0.3]), classes(4))),
    Case("VotingClassifier-hard-even", lambda: fitted(VotingClassifier(voters()[:2]), classes(4))),
    Case("VotingClassifier-soft", lambda: fitted(VotingClassifier(voters(), voting="soft"), classes()), trap=FLATTEN),
    Case("VotingClassifier-soft-weights", lambda: fitted(VotingClassifier(voters(), voting="soft", weights=[1, 2, 0.5]), labelled(TEXT2)), trap=FLATTEN),
    Case("VotingClassifier-soft-ties", lambda: fitted(VotingClassifier([("a", tree(9)), ("b", tree(9, splitter="random"))], voting="soft"), classes(4))),
    Case("VotingClassifier-unflattened", lambda: fitted(VotingClassifier(voters(), voting="soft", flatten_transform=False), binary())),
    Case("VotingClassifier-drop", lambda: fitted(VotingClassifier([*voters(), ("d", "drop")], weights=[1, 2, 3, 4]), binary())),
    Case("VotingClassifier-step", lambda: fitted(make_pipeline(VotingClassifier(voters(), voting="soft"), LogisticRegression()), classes())),
    Case("VotingClassifier-hard-step", lambda: fitted(make_pipeline(VotingClassifier(voters()), LogisticRegression()), classes())),
    Case("VotingClassifier-mixed-frame", lambda: fitted(VotingClassifier([("a", columns(tree())), ("b", columns(mlp()))], voting="soft"), mixed())),
    Case("VotingRegressor", lambda: fitted(VotingRegressor(models()), regression())),
    Case("VotingRegressor-weights", lambda: fitted(VotingRegressor([*models(), ("d", "drop")], weights=[1, 2, 3, 9]), regression())),
    Case("VotingRegressor-step", lambda: fitted(make_pipeline(VotingRegressor(models()), Ridge()), regression())),
    Case("StackingRegressor", lambda: fitted(StackingRegressor(models(), cv=2), regression())),
    Case("StackingRegressor-passthrough", lambda: fitted(StackingRegressor(models(), leaf(), cv=2, passthrough=True), regression())),
    Case("StackingRegressor-drop", lambda: fitted(StackingRegressor([*models(), ("d", "drop")], Ridge(), cv=2), regression())),
    Case("StackingRegressor-prefit", lambda: fitted(StackingRegressor([("a", Ridge().fit(*regression()))], cv="prefit"), regression())),
    Case("StackingRegressor-step", lambda: fitted(make_pipeline(StackingRegressor(models(), cv=2), Ridge()), regression())),
    Case("StackingClassifier", lambda: fitted(StackingClassifier(voters(), cv=2), classes())),
    Case("StackingClassifier-binary-text", lambda: fitted(StackingClassifier(voters(), cv=2), labelled(TEXT2))),
    Case("StackingClassifier-text", lambda: fitted(StackingClassifier(voters(), tree(), cv=2), labelled(TEXT3))),
    Case("StackingClassifier-passthrough", lambda: fitted(StackingClassifier(voters(), LinearSVC(), cv=2, passthrough=True), classes())),
    Case("StackingClassifier-decision", lambda: fitted(StackingClassifier([("a", LinearSVC()), ("b", LogisticRegression())], stack_method="decision_function", cv=2), binary())),
    Case("StackingClassifier-predict", lambda: fitted(StackingClassifier(voters(), stack_method="predict", cv=2), labelled(TEXT3))),
    Case("StackingClassifier-drop", lambda: fitted(StackingClassifier([*voters(), ("d", "drop")], cv=2), binary())),
    Case("StackingClassifier-multilabel", lambda: fitted(StackingClassifier([("a", several()), ("b", several())], several(), cv=2), multilabel())),
]

HELD = [
    Case("GridSearchCV", lambda: fitted(GridSearchCV(LogisticRegression(), GRID, cv=2), labelled(TEXT3))),
    Case("GridSearchCV-pipeline", lambda: fitted(GridSearchCV(make_pipeline(StandardScaler(), tree()), {"decisiontreeclassifier__max_depth": [2, 3]}, cv=2), binary())),
    Case("GridSearchCV-regressor", lambda: fitted(GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2), regression())),
    Case("GridSearchCV-transformer", lambda: fitted(GridSearchCV(PCA(2), {"n_components": [1, 2]}, cv=2), regression())),
    Case("GridSearchCV-scores", lambda: fitted(GridSearchCV(LinearSVC(), GRID, cv=2), classes())),
    Case("GridSearchCV-no-refit", lambda: fitted(GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2, refit=False), regression()), refused="neither predict nor transform"),
    Case("RandomizedSearchCV", lambda: fitted(RandomizedSearchCV(LogisticRegression(), GRID, n_iter=2, cv=2), classes()), trap=NONE),
    Case("HalvingGridSearchCV", lambda: fitted(HalvingGridSearchCV(LogisticRegression(), GRID, cv=2, random_state=0), binary()), trap=NONE),
    Case("HalvingRandomSearchCV", lambda: fitted(HalvingRandomSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, n_candidates=2, cv=2, random_state=0), regression())),
    Case("SelfTrainingClassifier", lambda: fitted(SelfTrainingClassifier(LogisticRegression()), unlabelled()), trap=NONE),
    Case("SelfTrainingClassifier-tree", lambda: fitted(SelfTrainingClassifier(tree(), criterion="k_best"), unlabelled())),
    Case("FrozenEstimator", lambda: (prefit(tree(), labelled(TEXT3)), *labelled(TEXT3)), trap=NONE),
    Case("FrozenEstimator-regressor", lambda: (prefit(Ridge(), regression()), *regression())),
    Case("FrozenEstimator-transformer", lambda: (prefit(StandardScaler(), regression()), *regression())),
    Case("FrozenEstimator-step", lambda: fitted(make_pipeline(prefit(StandardScaler(), regression()), Ridge()), regression())),
    Case("RANSACRegressor", lambda: fitted(RANSACRegressor(random_state=0), regression())),
    Case("RANSACRegressor-tree", lambda: fitted(RANSACRegressor(leaf(), min_samples=0.5, random_state=0), regression())),
    Case("RANSACRegressor-multi-output", lambda: fitted(RANSACRegressor(LinearRegression(), random_state=0), targets())),
    Case("Pipeline-nested", lambda: fitted(make_pipeline(make_pipeline("passthrough", StandardScaler()), None, make_pipeline(LogisticRegression())), labelled(TEXT3))),
    Case("Pipeline-mixed-frame", lambda: fitted(columns(tree()), mixed())),
    Case("Pipeline-last-passthrough", lambda: fitted(make_pipeline(StandardScaler(), "passthrough"), regression())),
    Case("Pipeline-nothing", lambda: fitted(make_pipeline("passthrough"), regression())),
    Case("Pipeline-boosting", lambda: fitted(make_pipeline(HistGradientBoostingClassifier(max_iter=5)), labelled(TEXT3))),
    Case("Pipeline-memory", lambda: fitted(make_pipeline(StandardScaler(), Ridge(), memory=None), regression())),
    Case("Pipeline-reduced", lambda: fitted(make_pipeline(PCA(2), LogisticRegression()), classes())),
]

CASES = ONE_VS + CALIBRATION + THRESHOLDS + VOTING + HELD
