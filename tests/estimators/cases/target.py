"""Regression on a transformed target."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit, logit
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, Ridge
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
from sklearn.svm import SVR

from tests.estimators.data import regression, targets
from tests.estimators.fitting import fitted, leaf, positive
from tests.estimators.harness import Case, case

NONE = "no converter; a later skl2onnx may have one"


def shares() -> tuple[np.ndarray, np.ndarray]:
    X, y = regression()
    return X, expit(0.5 * y)


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


CASES = [
    case("TransformedTargetRegressor", through(), regression, trap=NONE),
    case("TransformedTargetRegressor-log1p", pair(np.log1p, np.expm1), positive, trap=NONE),
    case("TransformedTargetRegressor-log", pair(np.log, np.exp), positive, trap=NONE),
    case("TransformedTargetRegressor-sqrt", pair(np.sqrt, np.square), positive),
    case("TransformedTargetRegressor-square", pair(np.square, np.sqrt), positive),
    case("TransformedTargetRegressor-exp", pair(np.exp, np.log), shares),
    case("TransformedTargetRegressor-expm1", pair(np.expm1, np.log1p), shares),
    case("TransformedTargetRegressor-log2", pair(np.log2, np.exp2), positive),
    case("TransformedTargetRegressor-exp2", pair(np.exp2, np.log2), shares),
    case("TransformedTargetRegressor-cbrt", pair(np.square, np.cbrt), regression),
    case("TransformedTargetRegressor-arcsinh", pair(np.arcsinh, np.sinh), regression),
    case("TransformedTargetRegressor-sinh", pair(np.sinh, np.arcsinh), regression),
    case("TransformedTargetRegressor-negative", pair(np.negative, np.negative), regression),
    case("TransformedTargetRegressor-reciprocal", pair(np.reciprocal, np.reciprocal), positive),
    case("TransformedTargetRegressor-logit", pair(logit, expit), shares),
    case("TransformedTargetRegressor-expit", pair(expit, logit), shares),
    case("TransformedTargetRegressor-tanh", pair(np.arctanh, np.tanh), shares),
    case("TransformedTargetRegressor-log10", pair(np.exp2, np.log10), shares),
    case(
        "TransformedTargetRegressor-own-function",
        pair(doubled, doubled),
        regression,
        refused="the function 'doubled'",
    ),
    *(
        Case(
            f"TransformedTargetRegressor-{type(t).__name__}-{k}",
            lambda t=t, d=data: fitted(through(t), d()),
        )
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
                (
                    make_pipeline(
                        FunctionTransformer(np.log, np.exp), "passthrough", StandardScaler()
                    ),
                    positive,
                ),
            ]
        )
    ),
    case("TransformedTargetRegressor-tree", through(quantiles("normal"), leaf()), positive),
    case(
        "TransformedTargetRegressor-pipeline",
        through(StandardScaler(), make_pipeline(StandardScaler(), SVR())),
        regression,
    ),
    case(
        "TransformedTargetRegressor-multi",
        through(regressor=LinearRegression(), func=np.log1p, inverse_func=np.expm1),
        lambda: (positive()[0], np.abs(targets()[1])),
    ),
    case(
        "TransformedTargetRegressor-no-inverse",
        through(PCA(1)),
        targets,
        refused="the inverse transform of PCA",
    ),
    case(
        "TransformedTargetRegressor-arguments",
        through(FunctionTransformer(np.log1p, np.expm1, inv_kw_args={"dtype": float})),
        positive,
        refused="inv_kw_args",
    ),
]
