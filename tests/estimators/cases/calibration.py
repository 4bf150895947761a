"""Calibrated probabilities and moved thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from tests.estimators.data import binary, classes
from tests.estimators.fitting import columns, fitted, four, mixed, text2, text3, tree
from tests.estimators.harness import Case, case

ISOTONIC = "CalibratedClassifierCV isotonic: off by up to 0.12; a later skl2onnx may mend it"
TUNED = "TunedThresholdClassifierCV: the threshold is ignored; a later skl2onnx may mend it"
NONE = "no converter; a later skl2onnx may have one"
QUICK: dict[str, Any] = {"cv": 2, "thresholds": 12}


def forest() -> RandomForestClassifier:
    return RandomForestClassifier(5, max_depth=3, random_state=0)


def mlp() -> MLPClassifier:
    return MLPClassifier((5,), max_iter=40, random_state=0)


def prefit(estimator: Any, data: tuple) -> FrozenEstimator:
    return FrozenEstimator(estimator.fit(*data))


def calibrated(base: Any, method: str, **settings: Any) -> CalibratedClassifierCV:
    return CalibratedClassifierCV(base, method=method, cv=2, **settings)


def halves() -> tuple[np.ndarray, np.ndarray]:
    """Return rows whose leaves hold as many of one class as of the other."""
    X = np.repeat([[0.0], [1.0], [2.0], [3.0]], 6, axis=0)
    return X, np.array([0, 1] * 9 + [1] * 6)


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
    case("CalibratedClassifierCV-sigmoid-LinearSVC", calibrated(LinearSVC(), "sigmoid"), text2),
    case(
        "CalibratedClassifierCV-isotonic-LinearSVC",
        calibrated(LinearSVC(), "isotonic"),
        text3,
        trap=ISOTONIC,
    ),
    case(
        "CalibratedClassifierCV-isotonic-forest",
        calibrated(forest(), "isotonic"),
        text2,
        trap=ISOTONIC,
    ),
    case(
        "CalibratedClassifierCV-temperature-ridge",
        calibrated(RidgeClassifier(), "temperature"),
        binary,
        trap="temperature calibration is refused",
    ),
    Case(
        "CalibratedClassifierCV-frozen",
        lambda: fitted(
            CalibratedClassifierCV(prefit(tree(), binary()), method="isotonic"), binary()
        ),
        trap=ISOTONIC,
    ),
    case(
        "CalibratedClassifierCV-scaled-inside",
        calibrated(make_pipeline(StandardScaler(), Perceptron()), "sigmoid"),
        four,
    ),
    case(
        "CalibratedClassifierCV-mixed-frame",
        calibrated(columns(LogisticRegression()), "isotonic"),
        mixed,
        trap=ISOTONIC,
    ),
]

THRESHOLDS = [
    case(
        "TunedThresholdClassifierCV",
        TunedThresholdClassifierCV(LogisticRegression(), **QUICK),
        binary,
        trap=TUNED,
    ),
    case(
        "TunedThresholdClassifierCV-text",
        TunedThresholdClassifierCV(LogisticRegression(), **QUICK),
        text2,
        trap=TUNED,
    ),
    case(
        "TunedThresholdClassifierCV-pos-label",
        TunedThresholdClassifierCV(
            LogisticRegression(), **QUICK, scoring=make_scorer(f1_score, pos_label="no")
        ),
        text2,
        trap=TUNED,
    ),
    case(
        "TunedThresholdClassifierCV-forest",
        TunedThresholdClassifierCV(forest(), scoring="f1", **QUICK),
        binary,
        trap=TUNED,
    ),
    case(
        "TunedThresholdClassifierCV-decision",
        TunedThresholdClassifierCV(
            LogisticRegression(), **QUICK, response_method="decision_function"
        ),
        binary,
        trap=TUNED,
    ),
    case(
        "FixedThresholdClassifier",
        FixedThresholdClassifier(LogisticRegression()),
        binary,
        trap=NONE,
    ),
    case(
        "FixedThresholdClassifier-0.7",
        FixedThresholdClassifier(LogisticRegression(), threshold=0.7),
        text2,
        trap=NONE,
    ),
    case(
        "FixedThresholdClassifier-tie",
        FixedThresholdClassifier(tree(2), threshold=0.5, pos_label=0),
        halves,
    ),
    case(
        "FixedThresholdClassifier-pos-label",
        FixedThresholdClassifier(LogisticRegression(), threshold=0.3, pos_label="no"),
        text2,
    ),
    case(
        "FixedThresholdClassifier-LinearSVC",
        FixedThresholdClassifier(LinearSVC(), threshold=-0.4, pos_label="no"),
        text2,
    ),
    case("FixedThresholdClassifier-LinearSVC-auto", FixedThresholdClassifier(LinearSVC()), binary),
    Case(
        "FixedThresholdClassifier-prefit",
        lambda: fitted(FixedThresholdClassifier(prefit(tree(), binary()), threshold=0.2), binary()),
    ),
]

CASES = CALIBRATION + THRESHOLDS
