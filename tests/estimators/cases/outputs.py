"""Several outputs, chains, dummies and isotonic regression."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR, LinearSVC

from tests.estimators.data import (
    binary,
    classes,
    labelled,
    multilabel,
    numbers,
    regression,
    targets,
)
from tests.estimators.fitting import boolean, fitted, leaf, tree
from tests.estimators.harness import Case, case

NONE = "no converter; a later skl2onnx may have one"


def text_outputs() -> tuple[np.ndarray, np.ndarray]:
    X, y = multilabel(2)
    return X, np.array(["no", "ja"], dtype=object)[y]


def class_outputs() -> tuple[np.ndarray, np.ndarray]:
    X, y = classes(3)
    return X, np.column_stack([y, y[::-1] % 2])


def line(count: int = 1, descending: bool = False) -> tuple[np.ndarray, np.ndarray]:
    X, y = numbers(columns=count), regression()[1]
    curve = np.tanh(X[:, 0]) + 0.1 * y
    return X, -curve if descending else curve


def one_dimension(**settings: Any) -> tuple[Any, Any, Any]:
    X, y = line()
    return fitted(IsotonicRegression(**settings), (X[:, 0], y))


def many_knots() -> tuple[Any, Any, Any]:
    x = np.random.default_rng(0).normal(size=1500)
    y = x + 1e-3 * np.random.default_rng(1).normal(size=1500)
    return fitted(IsotonicRegression(out_of_bounds="clip"), (x, y))


def single(**settings: Any) -> tuple[Any, Any, Any]:
    x = np.linspace(0, 1, 20)
    return fitted(IsotonicRegression(**settings), (x, np.full(20, 2.5)))


def frame() -> tuple[pd.DataFrame, np.ndarray]:
    X, y = labelled(("a", "b"))
    return pd.DataFrame({"text": np.where(X[:, 0] > 0, "x", "ÿ"), "n": X[:, 1]}), y


SEVERAL = [
    case("MultiOutputRegressor", MultiOutputRegressor(Ridge()), partial(targets, 3)),
    case("MultiOutputRegressor-SVR", MultiOutputRegressor(SVR(C=0.5)), targets),
    case("MultiOutputRegressor-tree", MultiOutputRegressor(leaf()), targets),
    case("MultiOutputClassifier", MultiOutputClassifier(LogisticRegression()), multilabel),
    case("MultiOutputClassifier-tree", MultiOutputClassifier(tree()), partial(multilabel, 2)),
    case("MultiOutputClassifier-text", MultiOutputClassifier(tree()), text_outputs),
    case("MultiOutputClassifier-multi", MultiOutputClassifier(LogisticRegression()), class_outputs),
    case("MultiOutputClassifier-labels-only", MultiOutputClassifier(LinearSVC()), multilabel),
    case(
        "MultiOutputClassifier-scaled",
        make_pipeline(StandardScaler(), MultiOutputClassifier(LogisticRegression())),
        multilabel,
    ),
    case("ClassifierChain", ClassifierChain(LogisticRegression()), multilabel, trap=NONE),
    case(
        "ClassifierChain-order", ClassifierChain(LogisticRegression(), order=[2, 0, 1]), multilabel
    ),
    case(
        "ClassifierChain-random-order",
        ClassifierChain(tree(), order="random", random_state=3),
        partial(multilabel, 4),
    ),
    case(
        "ClassifierChain-probabilities",
        ClassifierChain(LogisticRegression(), chain_method="predict_proba"),
        multilabel,
    ),
    case(
        "ClassifierChain-log",
        ClassifierChain(LogisticRegression(), chain_method="predict_log_proba"),
        multilabel,
    ),
    case(
        "ClassifierChain-decision",
        ClassifierChain(LinearSVC(), chain_method="decision_function"),
        multilabel,
    ),
    case("ClassifierChain-cv", ClassifierChain(LogisticRegression(), cv=2), multilabel),
    case(
        "ClassifierChain-scaled",
        make_pipeline(
            StandardScaler(), ClassifierChain(SGDClassifier(loss="log_loss", random_state=0))
        ),
        multilabel,
    ),
    case("RegressorChain", RegressorChain(Ridge()), partial(targets, 3), trap=NONE),
    case("RegressorChain-order", RegressorChain(leaf(), order=[1, 2, 0]), partial(targets, 3)),
    case("RegressorChain-cv", RegressorChain(Ridge(), cv=2), targets),
]

DUMMIES = [
    case("DummyClassifier", DummyClassifier(), classes, trap=NONE),
    case(
        "DummyClassifier-most-frequent",
        DummyClassifier(strategy="most_frequent"),
        partial(labelled, ("b", "a")),
    ),
    case(
        "DummyClassifier-constant",
        DummyClassifier(strategy="constant", constant="ü"),
        partial(labelled, ("ü", "a", "z")),
    ),
    case("DummyClassifier-bool", DummyClassifier(), boolean),
    case("DummyClassifier-frame", DummyClassifier(), frame),
    case("DummyClassifier-multilabel", DummyClassifier(), multilabel),
    case(
        "DummyClassifier-multi-constant",
        DummyClassifier(strategy="constant", constant=[1, 0, 1]),
        multilabel,
    ),
    case(
        "DummyClassifier-stratified",
        DummyClassifier(strategy="stratified"),
        binary,
        refused="draws labels at random",
    ),
    case(
        "DummyClassifier-uniform",
        DummyClassifier(strategy="uniform"),
        binary,
        refused="draws labels at random",
    ),
    case("DummyRegressor", DummyRegressor(), regression, trap=NONE),
    case("DummyRegressor-median", DummyRegressor(strategy="median"), partial(targets, 3)),
    case("DummyRegressor-quantile", DummyRegressor(strategy="quantile", quantile=0.9), regression),
    case("DummyRegressor-constant", DummyRegressor(strategy="constant", constant=1e-3), regression),
    case("DummyRegressor-frame", DummyRegressor(), lambda: (frame()[0], regression()[1])),
]

ISOTONIC = [
    case("IsotonicRegression", IsotonicRegression(), line, trap=NONE),
    case("IsotonicRegression-clip", IsotonicRegression(out_of_bounds="clip"), line),
    case("IsotonicRegression-raise", IsotonicRegression(out_of_bounds="raise"), line),
    Case("IsotonicRegression-one-dimension", lambda: one_dimension()),
    Case("IsotonicRegression-one-dimension-clip", lambda: one_dimension(out_of_bounds="clip")),
    Case(
        "IsotonicRegression-limits",
        lambda: one_dimension(out_of_bounds="clip", y_min=-0.5, y_max=0.5),
    ),
    case(
        "IsotonicRegression-descending",
        IsotonicRegression(increasing=False),
        partial(line, descending=True),
    ),
    case(
        "IsotonicRegression-auto",
        IsotonicRegression(increasing="auto", out_of_bounds="clip"),
        partial(line, descending=True),
    ),
    Case("IsotonicRegression-many-knots", many_knots),
    Case("IsotonicRegression-one-value", lambda: single(out_of_bounds="clip")),
    case(
        "IsotonicRegression-float32",
        IsotonicRegression(out_of_bounds="clip"),
        lambda: (line()[0].astype(np.float32), line()[1].astype(np.float32)),
    ),
]

CASES = SEVERAL + DUMMIES + ISOTONIC
