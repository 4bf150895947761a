"""Linear classifiers, generalised linear models and their label types."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import (
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    MultiTaskLasso,
    PassiveAggressiveClassifier,
    PassiveAggressiveRegressor,
    Perceptron,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
    SGDRegressor,
    TheilSenRegressor,
    TweedieRegressor,
)
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from tests.estimators.data import (
    binary,
    classes,
    labelled,
    multilabel,
    numbers,
    regression,
    targets,
)
from tests.estimators.harness import Case

TEXT2, TEXT3 = ("yes", "no"), ("low", "mid", "Größe")
HUBER = "SGDClassifier modified_huber: 16 % of labels wrong; a later skl2onnx may mend it"


def fitted(estimator: Any, data: tuple) -> tuple[Any, Any, Any]:
    X, y = data
    return estimator.fit(X, y), X, y


def counts() -> tuple[np.ndarray, np.ndarray]:
    X, y = regression()
    return X, np.exp(0.3 * y) + 0.05


def offset(mean: float = 1e5) -> tuple[np.ndarray, np.ndarray]:
    X, y = binary()
    return X + mean, y


def framed() -> tuple[pd.DataFrame, np.ndarray]:
    X, y = labelled(TEXT3)
    return pd.DataFrame(X, columns=["b", "a", "weight kg", "δ", "e"]), y


def column_target() -> tuple[np.ndarray, np.ndarray]:
    X, y = regression()
    return X, y.reshape(-1, 1)


def sgd(**settings: Any) -> SGDClassifier:
    return SGDClassifier(max_iter=60, tol=None, random_state=0, **settings)


CASES = [
    Case("LogisticRegression", lambda: fitted(LogisticRegression(), binary())),
    Case("LogisticRegression-multinomial", lambda: fitted(LogisticRegression(), classes(4))),
    Case("LogisticRegression-text-binary", lambda: fitted(LogisticRegression(), labelled(TEXT2))),
    Case("LogisticRegression-text", lambda: fitted(LogisticRegression(), labelled(TEXT3))),
    Case("LogisticRegression-int", lambda: fitted(LogisticRegression(), labelled((-7, 2, 90)))),
    Case("LogisticRegression-bool", lambda: fitted(LogisticRegression(), labelled((False, True)))),
    Case("LogisticRegression-float", lambda: fitted(LogisticRegression(), labelled((-1.0, 2.0)))),
    Case(
        "LogisticRegression-uint8",
        lambda: fitted(LogisticRegression(), labelled((np.uint8(3), np.uint8(9)))),
    ),
    Case(
        "LogisticRegression-liblinear",
        lambda: fitted(LogisticRegression(solver="liblinear"), binary()),
    ),
    Case(
        "LogisticRegression-l1",
        lambda: fitted(LogisticRegression(l1_ratio=1.0, solver="saga", C=0.2), classes()),
    ),
    Case(
        "LogisticRegression-balanced",
        lambda: fitted(LogisticRegression(class_weight="balanced"), classes()),
    ),
    Case(
        "LogisticRegression-no-intercept",
        lambda: fitted(LogisticRegression(fit_intercept=False), binary()),
    ),
    Case("LogisticRegression-no-penalty", lambda: fitted(LogisticRegression(C=np.inf), classes())),
    Case("LogisticRegression-frame", lambda: fitted(LogisticRegression(), framed())),
    Case(
        "LogisticRegression-large-mean",
        lambda: fitted(make_pipeline(StandardScaler(), LogisticRegression()), offset()),
        trap="StandardScaler with mean 1e5 in float32: every row off",
        covers=("LogisticRegression", "StandardScaler"),
    ),
    Case("LogisticRegressionCV", lambda: fitted(LogisticRegressionCV(Cs=3, cv=3), binary())),
    Case(
        "LogisticRegressionCV-text",
        lambda: fitted(LogisticRegressionCV(Cs=3, cv=3), labelled(TEXT3)),
    ),
    Case("LinearSVC", lambda: fitted(LinearSVC(), binary())),
    Case("LinearSVC-text", lambda: fitted(LinearSVC(), labelled(TEXT3))),
    Case("LinearSVC-crammer", lambda: fitted(LinearSVC(multi_class="crammer_singer"), classes())),
    Case("LinearSVC-no-intercept", lambda: fitted(LinearSVC(fit_intercept=False), classes())),
    Case("Perceptron", lambda: fitted(Perceptron(), binary())),
    Case("Perceptron-text", lambda: fitted(Perceptron(penalty="l2"), labelled(TEXT3))),
    Case(
        "PassiveAggressiveClassifier",
        lambda: fitted(PassiveAggressiveClassifier(), labelled(TEXT2)),
    ),
    Case(
        "PassiveAggressiveClassifier-multi",
        lambda: fitted(PassiveAggressiveClassifier(), classes()),
    ),
    Case("PassiveAggressiveRegressor", lambda: fitted(PassiveAggressiveRegressor(), regression())),
    Case("RidgeClassifier", lambda: fitted(RidgeClassifier(), binary())),
    Case("RidgeClassifier-text", lambda: fitted(RidgeClassifier(), labelled(TEXT3))),
    Case("RidgeClassifier-bool", lambda: fitted(RidgeClassifier(), labelled((True, False)))),
    Case("RidgeClassifier-multilabel", lambda: fitted(RidgeClassifier(), multilabel())),
    Case("RidgeClassifier-multilabel-two", lambda: fitted(RidgeClassifier(), multilabel(2))),
    Case(
        "RidgeClassifier-balanced",
        lambda: fitted(RidgeClassifier(class_weight="balanced"), classes()),
    ),
    Case("RidgeClassifierCV", lambda: fitted(RidgeClassifierCV(), labelled(TEXT2))),
    Case("RidgeClassifierCV-multi", lambda: fitted(RidgeClassifierCV(), classes())),
    Case("RidgeClassifierCV-multilabel", lambda: fitted(RidgeClassifierCV(), multilabel())),
    *(
        Case(
            f"SGDClassifier-{loss}-{kind}",
            lambda loss=loss, data=data: fitted(sgd(loss=loss), data()),
        )
        for loss in ("hinge", "log_loss", "squared_hinge", "perceptron", "huber", "squared_error")
        for kind, data in (("binary", binary), ("multi", classes))
    ),
    Case(
        "SGDClassifier-modified-huber",
        lambda: fitted(sgd(loss="modified_huber"), binary()),
        trap=HUBER,
    ),
    Case(
        "SGDClassifier-modified-huber-multi",
        lambda: fitted(sgd(loss="modified_huber"), classes(4)),
        trap=HUBER,
    ),
    Case(
        "SGDClassifier-modified-huber-text",
        lambda: fitted(sgd(loss="modified_huber"), labelled(TEXT3)),
        trap=HUBER,
    ),
    Case(
        "SGDClassifier-scaled",
        lambda: fitted(make_pipeline(StandardScaler(), sgd(loss="log_loss")), classes()),
    ),
    Case(
        "SGDClassifier-average",
        lambda: fitted(sgd(average=True, penalty="elasticnet"), labelled(TEXT2)),
    ),
    Case("SGDRegressor", lambda: fitted(SGDRegressor(random_state=0), regression())),
    Case(
        "MLPClassifier-multilabel",
        lambda: fitted(MLPClassifier((6,), max_iter=30, random_state=0), multilabel()),
    ),
    Case("PoissonRegressor", lambda: fitted(PoissonRegressor(), counts())),
    Case(
        "PoissonRegressor-no-intercept",
        lambda: fitted(PoissonRegressor(fit_intercept=False), counts()),
    ),
    Case("GammaRegressor", lambda: fitted(GammaRegressor(), counts())),
    Case("TweedieRegressor-power-0", lambda: fitted(TweedieRegressor(power=0), regression())),
    Case("TweedieRegressor-power-1.5", lambda: fitted(TweedieRegressor(power=1.5), counts())),
    Case("TweedieRegressor-power-3", lambda: fitted(TweedieRegressor(power=3), counts())),
    Case("TweedieRegressor-log", lambda: fitted(TweedieRegressor(power=0, link="log"), counts())),
    Case(
        "TweedieRegressor-identity",
        lambda: fitted(TweedieRegressor(power=0, link="identity"), counts()),
    ),
    Case(
        "QuantileRegressor",
        lambda: fitted(QuantileRegressor(quantile=0.8, alpha=0.01), regression()),
    ),
    Case(
        "TheilSenRegressor",
        lambda: fitted(TheilSenRegressor(max_subpopulation=100, random_state=0), regression()),
    ),
    Case("HuberRegressor", lambda: fitted(HuberRegressor(), regression())),
    Case("LinearRegression-multi-output", lambda: fitted(LinearRegression(), targets(3))),
    Case("LinearRegression-column-target", lambda: fitted(LinearRegression(), column_target())),
    Case(
        "LinearRegression-no-intercept",
        lambda: fitted(LinearRegression(fit_intercept=False), targets()),
    ),
    Case(
        "LinearRegression-one-feature",
        lambda: fitted(LinearRegression(), (numbers(columns=1), regression()[1])),
    ),
    Case("Ridge-multi-alpha", lambda: fitted(Ridge(alpha=[0.1, 3.0]), targets())),
    Case("Lasso-positive", lambda: fitted(Lasso(alpha=0.01, positive=True), regression())),
    Case("MultiTaskLasso", lambda: fitted(MultiTaskLasso(alpha=0.01), targets(3))),
]
