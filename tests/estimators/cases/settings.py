"""Fitted on float32, two classes, infinities, short periods, steps that keep no column."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.decomposition import NMF
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import RandomForestRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.feature_selection import SelectKBest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, ExpSineSquared, Matern
from sklearn.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union
from sklearn.preprocessing import (
    LabelBinarizer,
    MinMaxScaler,
    PolynomialFeatures,
    SplineTransformer,
    StandardScaler,
)

from tests.estimators.data import numbers, positive, regression, with_missing
from tests.estimators.harness import Case, case

SPLINE = {"n_knots": 4, "handle_missing": "zeros"}
NO_TERMS = {"degree": (3, 3), "include_bias": False, "interaction_only": True}


def alone(rows: Any) -> Any:
    return lambda: (rows(), None)


def narrow() -> tuple[np.ndarray, np.ndarray]:
    return positive().astype(np.float32), regression()[1].astype(np.float32)


def two_columns() -> np.ndarray:
    return numbers()[:, :2]


def holes() -> np.ndarray:
    return with_missing()[0]


def empty_rows() -> np.ndarray:
    X = holes()
    X[::5] = np.nan
    return X


def wave() -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(3).uniform(0, 3, (120, 1))
    return x, np.sin(2 * np.pi * x[:, 0] / 0.02) + x[:, 0]


def process(kernel: Any) -> Any:
    return lambda: GaussianProcessRegressor(kernel, alpha=1e-3, optimizer=None)


def factors(**how: Any) -> NMF:
    return NMF(2, random_state=0, max_iter=400, **how)


KERNELS = {
    "ExpSineSquared-short": ExpSineSquared(1.0, 0.02),
    "ExpSineSquared-sum": ConstantKernel(2.0) * ExpSineSquared(1.0, 0.003) + RBF(0.5),
    "ExpSineSquared-product": RBF(0.5) * ExpSineSquared(0.3, 0.01),
    "Matern-tiny": Matern(0.003, nu=1.5),
}
BINARIZED: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "two-whole": ([3, 5, 5], {}),
    "two-texts": (["b", "a", "b"], {"neg_label": -2, "pos_label": 3}),
    "two-signed": ([-7, 7], {"neg_label": -1, "pos_label": 0}),
    "two-sparse": (["x", "y"], {"sparse_output": True}),
    "one": ([4], {}),
}
IMPUTERS = {
    "IterativeImputer": [{}, {"initial_strategy": "median", "add_indicator": True},
                         {"initial_strategy": "most_frequent"}, {"max_iter": 0},
                         {"keep_empty_features": True}],
    "KNNImputer": [{"n_neighbors": 3}, {"add_indicator": True, "keep_empty_features": True}],
}  # fmt: skip
CASES = [
    case("NMF-float32", lambda: factors(tol=1e-7), lambda: (narrow()[0], None)),
    case("NMF-float32-scaled", lambda: make_pipeline(MinMaxScaler(), factors(), Ridge()),
                narrow),
    *(
        Case(f"LabelBinarizer-{name}",
             lambda v=values, h=how: (LabelBinarizer(**h).fit(v * 12), np.array(v * 12), None))
        for name, (values, how) in BINARIZED.items()
    ),
    Case("LabelBinarizer-two-held-out",
         lambda: (LabelBinarizer().fit(["a", "b"]), np.array(["a", "b", "c", "d"] * 9), None)),
    *(
        case(f"SplineTransformer-zeros-{how}-{degree}",
                    lambda h=how, d=degree: SplineTransformer(degree=d, extrapolation=h, **SPLINE),
                    alone(holes))
        for how in ("constant", "linear", "continue", "periodic", "error")
        for degree in (1, 2, 3)
    ),
    case("SplineTransformer-zeros-step",
                lambda: SplineTransformer(degree=0, extrapolation="continue", **SPLINE),
                alone(holes)),
    *(
        case(f"{name}-empty-rows-{k}",
                    lambda n=name, h=how: {"KNNImputer": KNNImputer,
                                           "IterativeImputer": IterativeImputer}[n](**h),
                    alone(empty_rows))
        for name, settings in IMPUTERS.items()
        for k, how in enumerate(settings)
    ),
    *(
        case(f"GaussianProcessRegressor-{name}", process(kernel), wave)
        for name, kernel in KERNELS.items()
    ),
    case("GaussianProcessRegressor-ExpSineSquared-far", process(ExpSineSquared(1.0, 0.02)),
                lambda: (wave()[0] + 1000.0, wave()[1])),
    case("QuadraticDiscriminantAnalysis-grid",
                lambda: QuadraticDiscriminantAnalysis(reg_param=0.1),
                lambda: (np.round(two_columns()), regression()[1] > 0)),
    case("PolynomialFeatures-no-terms", lambda: PolynomialFeatures(**NO_TERMS),
                alone(two_columns), refused="no column"),
    case("FeatureUnion-drop", lambda: FeatureUnion([("a", "drop")]), alone(numbers),
                refused="no column"),
    case("ColumnTransformer-drop", lambda: make_column_transformer(("drop", [0])),
                alone(numbers), refused="no column"),
    case("ColumnTransformer-beside-nothing",
                lambda: make_pipeline(
                    make_column_transformer((PolynomialFeatures(**NO_TERMS), [0, 1]),
                                            (SelectKBest(k=0), [1, 2]),
                                            (StandardScaler(), [2, 3])),
                    RandomForestRegressor(3, random_state=0)),
                regression),
    case("FeatureUnion-beside-nothing",
                lambda: make_pipeline(make_union(SelectKBest(k=0), MissingIndicator(),
                                                 SimpleImputer()), Ridge()),
                regression),
]  # fmt: skip
