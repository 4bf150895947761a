"""Several outputs, chains, transformed targets, dummies and isotonic regression."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVR, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tests.estimators.data import binary, classes, labelled, multilabel, numbers, regression, targets
from tests.estimators.harness import Case

NONE = "no converter; a later skl2onnx may have one"


def fitted(estimator: Any, data: tuple) -> tuple[Any, Any, Any]:
    X, y = data
    return estimator.fit(X, y), X, y


def tree(depth: int = 3) -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=depth, random_state=0)


def leaf(depth: int = 3) -> DecisionTreeRegressor:
    return DecisionTreeRegressor(max_depth=depth, random_state=0)


def positive() -> tuple[np.ndarray, np.ndarray]:
    X, y = regression()
    return X, np.exp(0.4 * y) + 0.1


def shares() -> tuple[np.ndarray, np.ndarray]:
    X, y = regression()
    return X, expit(0.5 * y)


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


def through(transformer: Any = None, regressor: Any = None, **functions: Any) -> Any:
    return TransformedTargetRegressor(
        regressor or Ridge(), transformer=transformer, check_inverse=False, **functions
    )


def pair(func: Any, inverse_func: Any) -> Any:
    return through(func=func, inverse_func=inverse_func)


def quantiles(output: str = "uniform") -> QuantileTransformer:
    return QuantileTransformer(n_quantiles=40, output_distribution=output, random_state=0)


def doubled(y: np.ndarray) -> np.ndarray:
    return 2 * y


SEVERAL = [
    Case("MultiOutputRegressor", lambda: fitted(MultiOutputRegressor(Ridge()), targets(3))),
    Case("MultiOutputRegressor-SVR", lambda: fitted(MultiOutputRegressor(SVR(C=0.5)), targets())),
    Case("MultiOutputRegressor-tree", lambda: fitted(MultiOutputRegressor(leaf()), targets())),
    Case("MultiOutputClassifier", lambda: fitted(MultiOutputClassifier(LogisticRegression()), multilabel())),
    Case("MultiOutputClassifier-tree", lambda: fitted(MultiOutputClassifier(tree()), multilabel(2))),
    Case("MultiOutputClassifier-text", lambda: fitted(MultiOutputClassifier(tree()), text_outputs())),
    Case("MultiOutputClassifier-multi", lambda: fitted(MultiOutputClassifier(LogisticRegression()), class_outputs())),
    Case("MultiOutputClassifier-labels-only", lambda: fitted(MultiOutputClassifier(LinearSVC()), multilabel())),
    Case("MultiOutputClassifier-scaled", lambda: fitted(make_pipeline(StandardScaler(), MultiOutputClassifier(LogisticRegression())), multilabel())),
    Case("ClassifierChain", lambda: fitted(ClassifierChain(LogisticRegression()), multilabel()), trap=NONE),
    Case("ClassifierChain-order", lambda: fitted(ClassifierChain(LogisticRegression(), order=[2, 0, 1]), multilabel())),
    Case("ClassifierChain-random-order", lambda: fitted(ClassifierChain(tree(), order="random", random_state=3), multilabel(4))),
    Case("ClassifierChain-probabilities", lambda: fitted(ClassifierChain(LogisticRegression(), chain_method="predict_proba"), multilabel())),
    Case("ClassifierChain-log", lambda: fitted(ClassifierChain(LogisticRegression(), chain_method="predict_log_proba"), multilabel())),
    Case("ClassifierChain-decision", lambda: fitted(ClassifierChain(LinearSVC(), chain_method="decision_function"), multilabel())),
    Case("ClassifierChain-cv", lambda: fitted(ClassifierChain(LogisticRegression(), cv=2), multilabel())),
    Case("ClassifierChain-scaled", lambda: fitted(make_pipeline(StandardScaler(), ClassifierChain(SGDClassifier(loss="log_loss", random_state=0))), multilabel())),
    Case("RegressorChain", lambda: fitted(RegressorChain(Ridge()), targets(3)), trap=NONE),
    Case("RegressorChain-order", lambda: fitted(RegressorChain(leaf(), order=[1, 2, 0]), targets(3))),
    Case("RegressorChain-cv", lambda: fitted(RegressorChain(Ridge(), cv=2), targets())),
]

TARGETS = [
    Case("TransformedTargetRegressor", lambda: fitted(through(), regression()), trap=NONE),
    Case("TransformedTargetRegressor-log1p", lambda: fitted(pair(np.log1p, np.expm1), positive()), trap=NONE),
    Case("TransformedTargetRegressor-log", lambda: fitted(pair(np.log, np.exp), positive()), trap=NONE),
    Case("TransformedTargetRegressor-sqrt", lambda: fitted(pair(np.sqrt, np.square), positive())),
    Case("TransformedTargetRegressor-square", lambda: fitted(pair(np.square, np.sqrt), positive())),
    Case("TransformedTargetRegressor-exp", lambda: fitted(pair(np.exp, np.log), shares())),
    Case("TransformedTargetRegressor-expm1", lambda: fitted(pair(np.expm1, np.log1p), shares())),
    Case("TransformedTargetRegressor-log2", lambda: fitted(pair(np.log2, np.exp2), positive())),
    Case("TransformedTargetRegressor-exp2", lambda: fitted(pair(np.exp2, np.log2), shares())),
    Case("TransformedTargetRegressor-cbrt", lambda: fitted(pair(np.square, np.cbrt), regression())),
    Case("TransformedTargetRegressor-arcsinh", lambda: fitted(pair(np.arcsinh, np.sinh), regression())),
    Case("TransformedTargetRegressor-sinh", lambda: fitted(pair(np.sinh, np.arcsinh), regression())),
    Case("TransformedTargetRegressor-negative", lambda: fitted(pair(np.negative, np.negative), regression())),
    Case("TransformedTargetRegressor-reciprocal", lambda: fitted(pair(np.reciprocal, np.reciprocal), positive())),
    Case("TransformedTargetRegressor-logit", lambda: fitted(pair(logit, expit), shares())),
    Case("TransformedTargetRegressor-expit", lambda: fitted(pair(expit, logit), shares())),
    Case("TransformedTargetRegressor-tanh", lambda: fitted(pair(np.arctanh, np.tanh), shares())),
    Case("TransformedTargetRegressor-log10", lambda: fitted(pair(np.exp2, np.log10), shares())),
    Case("TransformedTargetRegressor-own-function", lambda: fitted(pair(doubled, doubled), regression()), refused="the function 'doubled'"),
    *(
        Case(f"TransformedTargetRegressor-{type(t).__name__}-{k}", lambda t=t, d=data: fitted(through(t), d()))
        for k, (t, data) in enumerate(
            [
                (StandardScaler(), regression),
                (StandardScaler(with_mean=False), targets),
                (MinMaxScaler((-2, 3)), regression),
                (MaxAbsScaler(), regression),
                (RobustScaler(), targets),
                (RobustScaler(with_centering=False, with_scaling=False), regression),
                (PowerTransformer(), regression),
                (PowerTransformer("box-cox"), positive),
                (PowerTransformer(standardize=False), targets),
                (quantiles(), regression),
                (quantiles("normal"), regression),
                (FunctionTransformer(np.log1p, np.expm1), positive),
                (make_pipeline(FunctionTransformer(np.log, np.exp), "passthrough", StandardScaler()), positive),
            ]
        )
    ),
    Case("TransformedTargetRegressor-tree", lambda: fitted(through(quantiles("normal"), leaf()), positive())),
    Case("TransformedTargetRegressor-pipeline", lambda: fitted(through(StandardScaler(), make_pipeline(StandardScaler(), SVR())), regression())),
    Case("TransformedTargetRegressor-multi", lambda: fitted(through(regressor=LinearRegression(), func=np.log1p, inverse_func=np.expm1), (positive()[0], np.abs(targets()[1])))),
    Case("TransformedTargetRegressor-no-inverse", lambda: fitted(through(PCA(1)), targets()), refused="the inverse transform of PCA"),
    Case("TransformedTargetRegressor-arguments", lambda: fitted(through(FunctionTransformer(np.log1p, np.expm1, inv_kw_args={"dtype": float})), positive()), refused="inv_kw_args"),
]

DUMMIES = [
    Case("DummyClassifier", lambda: fitted(DummyClassifier(), classes()), trap=NONE),
    Case("DummyClassifier-most-frequent", lambda: fitted(DummyClassifier(strategy="most_frequent"), labelled(("b", "a")))),
    Case("DummyClassifier-constant", lambda: fitted(DummyClassifier(strategy="constant", constant="ü"), labelled(("ü", "a", "z")))),
    Case("DummyClassifier-bool", lambda: fitted(DummyClassifier(), labelled((False, True)))),
    Case("DummyClassifier-frame", lambda: fitted(DummyClassifier(), frame())),
    Case("DummyClassifier-multilabel", lambda: fitted(DummyClassifier(), multilabel())),
    Case("DummyClassifier-multi-constant", lambda: fitted(DummyClassifier(strategy="constant", constant=[1, 0, 1]), multilabel())),
    Case("DummyClassifier-stratified", lambda: fitted(DummyClassifier(strategy="stratified"), binary()), refused="draws labels at random"),
    Case("DummyClassifier-uniform", lambda: fitted(DummyClassifier(strategy="uniform"), binary()), refused="draws labels at random"),
    Case("DummyRegressor", lambda: fitted(DummyRegressor(), regression()), trap=NONE),
    Case("DummyRegressor-median", lambda: fitted(DummyRegressor(strategy="median"), targets(3))),
    Case("DummyRegressor-quantile", lambda: fitted(DummyRegressor(strategy="quantile", quantile=0.9), regression())),
    Case("DummyRegressor-constant", lambda: fitted(DummyRegressor(strategy="constant", constant=1e-3), regression())),
    Case("DummyRegressor-frame", lambda: fitted(DummyRegressor(), (frame()[0], regression()[1]))),
]

ISOTONIC = [
    Case("IsotonicRegression", lambda: fitted(IsotonicRegression(), line()), trap=NONE),
    Case("IsotonicRegression-clip", lambda: fitted(IsotonicRegression(out_of_bounds="clip"), line())),
    Case("IsotonicRegression-raise", lambda: fitted(IsotonicRegression(out_of_bounds="raise"), line())),
    Case("IsotonicRegression-one-dimension", lambda: one_dimension()),
    Case("IsotonicRegression-one-dimension-clip", lambda: one_dimension(out_of_bounds="clip")),
    Case("IsotonicRegression-limits", lambda: one_dimension(out_of_bounds="clip", y_min=-0.5, y_max=0.5)),
    Case("IsotonicRegression-descending", lambda: fitted(IsotonicRegression(increasing=False), line(descending=True))),
    Case("IsotonicRegression-auto", lambda: fitted(IsotonicRegression(increasing="auto", out_of_bounds="clip"), line(descending=True))),
    Case("IsotonicRegression-many-knots", many_knots),
    Case("IsotonicRegression-one-value", lambda: single(out_of_bounds="clip")),
    Case("IsotonicRegression-float32", lambda: fitted(IsotonicRegression(out_of_bounds="clip"), (line()[0].astype(np.float32), line()[1].astype(np.float32)))),
]

CASES = SEVERAL + TARGETS + DUMMIES + ISOTONIC
