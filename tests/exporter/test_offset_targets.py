"""Answers to a·y + b are right where those to y are: far from zero, tiny, large, by column."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from onnx import TensorProto
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingRegressor,
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.isotonic import IsotonicRegression
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    BayesianRidge,
    GammaRegressor,
    HuberRegressor,
    LassoCV,
    LinearRegression,
    PoissonRegressor,
    RANSACRegressor,
    Ridge,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.neighbors import KNeighborsRegressor, RadiusNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

from toolkit import metrics, precision
from toolkit.exporter.formulas.answers import is_far
from toolkit.exporter.model import Exported, build
from toolkit.exporter.schema import arrays, frame, infer
from toolkit.exporter.tasks import reference_outputs
from toolkit.runtime.predictor import Predictor

RNG = np.random.default_rng(0)
X, FRESH = (RNG.normal(size=(n, 4)).astype(np.float32).astype(np.float64) for n in (250, 100))
Y = X @ [3.0, -2.0, 1.0, 0.0] + np.sin(2 * X[:, 0]) + 0.1 * RNG.normal(size=len(X))
Y = (Y - Y.mean()) / Y.std()
FACTORS, OFFSETS = (1e-9, 1e-4, 1.0, 1e4, 1e9), (0.0, 1e3, 1e6, 1e9)
KERNEL = RBF() + WhiteKernel(0.1)


def network(**settings: Any) -> MLPRegressor:
    return MLPRegressor(hidden_layer_sizes=(8,), max_iter=50, random_state=0, **settings)


def scaled(inner: Any, transformer: Any = None) -> TransformedTargetRegressor:
    return TransformedTargetRegressor(inner, transformer=transformer or StandardScaler())


FEW = {
    "ridge": make_pipeline(StandardScaler(), Ridge()),
    "forest": RandomForestRegressor(10, random_state=0),
    "histogram": HistGradientBoostingRegressor(max_iter=10),
    "svr": SVR(epsilon=0.01),
    "neighbours": KNeighborsRegressor(4),
    "network-scaled": scaled(network()),
}
TREE = DecisionTreeRegressor(max_depth=4, random_state=0)
MANY = {
    "linear": LinearRegression(),
    "polynomial": make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()),
    "lasso-searched": LassoCV(),
    "bayes": BayesianRidge(),
    "huber": HuberRegressor(),
    "ransac": RANSACRegressor(random_state=0),
    "searched": GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=3),
    "poisson": PoissonRegressor(alpha=0),
    "gamma": GammaRegressor(),
    "tree": TREE,
    "extra": ExtraTreesRegressor(10, random_state=0),
    "boosting": GradientBoostingRegressor(n_estimators=20),
    "boosting-on-linear": GradientBoostingRegressor(n_estimators=10, init=LinearRegression()),
    "histogram-poisson": HistGradientBoostingRegressor(max_iter=10, loss="poisson"),
    "svr-scaled": scaled(SVR(epsilon=0.01)),
    "svr-polynomial": SVR(kernel="poly"),
    "neighbours-weighted": KNeighborsRegressor(4, weights="distance"),
    "radius": RadiusNeighborsRegressor(2.0),
    "process": GaussianProcessRegressor(KERNEL, optimizer=None),
    "process-normalised": GaussianProcessRegressor(KERNEL, optimizer=None, normalize_y=True),
    "kernel-ridge": KernelRidge(kernel="rbf"),
    "network": network(),
    "logarithm": TransformedTargetRegressor(LinearRegression(), func=np.log, inverse_func=np.exp),
    "least-and-most": scaled(RandomForestRegressor(10, random_state=0), MinMaxScaler()),
    "quantiles": scaled(LinearRegression(), QuantileTransformer(n_quantiles=50)),
    "pls": PLSRegression(2),
    "voting": VotingRegressor([("a", Ridge()), ("b", TREE), ("c", SVR())], weights=[1, 2, 1]),
    "stacking": StackingRegressor([("a", Ridge()), ("b", TREE)], Ridge(), passthrough=True, cv=3),
    "bagging": BaggingRegressor(Ridge(), 5, random_state=0),
    "bagging-trees": BaggingRegressor(n_estimators=5, random_state=0),
    "adaboost": AdaBoostRegressor(n_estimators=5, random_state=0),
}
POSITIVE = {"poisson", "gamma", "histogram-poisson", "logarithm"}
SEVERAL = {
    "linear": LinearRegression(),
    "forest": RandomForestRegressor(10, random_state=0),
    "neighbours": KNeighborsRegressor(3),
    "one-each": MultiOutputRegressor(HistGradientBoostingRegressor(max_iter=5)),
    "chain": RegressorChain(Ridge(), order=[2, 0, 1]),
    "pls": PLSRegression(2),
    "network": scaled(network()),
}


def fitted(model: Any, y: np.ndarray, rows: Any = X) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return clone(model).fit(rows, y)


def exported(est: Any, rows: Any = FRESH, floats: str = "float32", **more: Any) -> Exported:
    """Return the graph as an export makes it, with the scale of the answers to these rows."""
    schema = infer(rows)
    kept = arrays(rows, schema)
    scale = metrics.scale_of(reference_outputs(est, frame(kept, schema), "regressor")["variable"])
    more = {"scale": scale, **more}
    wide = schema.with_floats(floats)
    return build(est, wide, 21, "regressor", "finite", "latency", kept, **more)


def deviation(est: Any, made: Exported, rows: Any = FRESH) -> float:
    schema = infer(rows)
    expected = reference_outputs(est, frame(arrays(rows, schema), schema), "regressor")
    got = Predictor(made.content, "the graph").run(rows)
    return metrics.deviation(expected, got, metrics.scales_of(expected))[0]


def target(name: str, factor: float, offset: float) -> np.ndarray:
    return factor * ((np.exp(Y / 2) if name in POSITIVE else Y) + offset)


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("factor", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("name", FEW)
def test_right_where_the_target_itself_is(name: str, factor: float, offset: float) -> None:
    est = fitted(FEW[name], target(name, factor, offset))
    assert deviation(est, exported(est)) <= precision.TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("name", FEW | MANY)
def test_right_at_every_scale(name: str) -> None:
    found = {}
    for factor in FACTORS:
        for offset in OFFSETS:
            est = fitted((FEW | MANY)[name], target(name, factor, offset))
            found[factor, offset] = deviation(est, exported(est))
    assert {k: d for k, d in found.items() if d > precision.TOLERANCE} == {}


@pytest.mark.parametrize("name", MANY)
def test_right_far_from_zero(name: str) -> None:
    est = fitted(MANY[name], target(name, 1.0, 1e6))
    assert deviation(est, exported(est)) <= precision.TOLERANCE


def booster(library: str, **settings: Any) -> Any:
    module = pytest.importorskip(library)
    if library == "lightgbm":
        return module.LGBMRegressor(n_estimators=10, verbose=-1, **settings)
    if library == "xgboost":
        return module.XGBRegressor(n_estimators=10, **settings)
    return module.CatBoostRegressor(iterations=10, verbose=0, allow_writing_files=False, **settings)


@pytest.mark.parametrize("library", ["lightgbm", "xgboost", "catboost"])
@pytest.mark.parametrize(("factor", "offset"), [(1e-9, 0.0), (1.0, 1e3), (1.0, 1e6), (1e9, 0.0)])
def test_boosting_libraries(library: str, factor: float, offset: float) -> None:
    est = booster(library).fit(X, target(library, factor, offset))
    assert deviation(est, exported(est)) <= precision.TOLERANCE


@pytest.mark.parametrize(
    "settings",
    [
        {"booster": "gblinear", "updater": "coord_descent"},
        {"multi_strategy": "multi_output_tree", "tree_method": "hist"},
    ],
    ids=lambda s: next(iter(s.values())),
)
def test_float32_sums_of_xgboost_are_added_in_its_order(settings: dict[str, str]) -> None:
    y = np.column_stack([Y + 1e6, 3.0 * Y - 1e6])
    est = booster("xgboost", **settings).fit(X, y if "multi_strategy" in settings else y[:, 0])
    assert deviation(est, exported(est)) == 0.0


@pytest.mark.parametrize("name", SEVERAL)
def test_columns_of_several_offsets(name: str) -> None:
    y = np.column_stack([Y, 1e-3 * (X[:, 1] + 1e9), 1e5 * (1e4 - Y)])
    est = fitted(SEVERAL[name], y)
    assert deviation(est, exported(est)) <= precision.TOLERANCE


def test_one_column() -> None:
    rows, fresh = X[:, 0], FRESH[:, 0]
    est = fitted(IsotonicRegression(out_of_bounds="clip"), target("", 1.0, 1e6), rows)
    assert deviation(est, exported(est, fresh), fresh) <= precision.TOLERANCE


@pytest.mark.parametrize("opset", [15, 18])
@pytest.mark.parametrize("name", ["forest", "histogram", "ridge"])
def test_older_operators(name: str, opset: int) -> None:
    """Ensembles of ai.onnx.ml 3 give float32 whatever they add in."""
    est, schema = fitted(FEW[name], target(name, 1.0, 1e6)), infer(X)
    scale = metrics.scale_of(est.predict(FRESH))
    made = build(est, schema, opset, "regressor", "finite", scale=scale)
    assert deviation(est, made) <= precision.TOLERANCE


@pytest.mark.parametrize("name", FEW)
def test_float32_cannot_hold_them(name: str) -> None:
    """Without the scale, or with a wrong centre's float32, the same rows are wrong."""
    est = fitted(FEW[name], target(name, 1.0, 1e6))
    assert deviation(est, exported(est, scale=None)) > 10 * precision.TOLERANCE


@pytest.mark.parametrize("name", FEW)
def test_near_zero_nothing_changes(name: str) -> None:
    est = fitted(FEW[name], target(name, 10.0, 5.0))
    made = exported(est)
    assert made.content == exported(est, scale=None).content
    assert made.model.graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT
    far = fitted(FEW[name], target(name, 10.0, 500.0))
    (output,) = exported(far).model.graph.output
    assert output.type.tensor_type.elem_type == TensorProto.DOUBLE


def test_what_is_far() -> None:
    def scale(center: float, spread: float) -> metrics.Scale:
        return metrics.Scale(*(np.array([v]) for v in (center, spread, 2.0**-52 * abs(center))))

    assert is_far(scale(1.7e9, 100.0))
    assert is_far(scale(-1.0, 1e-4))
    assert not is_far(scale(100.0, 1.0))
    assert not is_far(scale(0.0, 1e-30))
    assert not is_far(scale(1.7e9, 0.0)), "a constant is judged relative to its value"
    assert not is_far(None)


@pytest.mark.parametrize("name", FEW)
def test_a_wide_graph_computes_in_float64(name: str) -> None:
    est = fitted(FEW[name], target(name, 1.0, 3.0))
    made = exported(est, compute="float64", scale=None)
    assert made.model.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT
    assert deviation(est, made) < 1e-12


@pytest.mark.parametrize(
    "model", [LinearRegression(), KNeighborsRegressor(1), HistGradientBoostingRegressor()], ids=str
)
def test_whole_numbers_beside_text_keep_their_digits(model: Any) -> None:
    number = 2**24 + np.arange(80, dtype=np.int64)
    rows = pd.DataFrame({"number": number, "text": np.array(["a", "b"])[number % 2]})
    columns = make_column_transformer(
        (OneHotEncoder(), ["text"]), ("passthrough", ["number"]), sparse_threshold=0
    )
    est = fitted(make_pipeline(columns, model), 3.0 * (number - 2**24) + number % 2, rows)
    assert deviation(est, exported(est, rows, compute="float64"), rows) <= precision.TOLERANCE
    assert deviation(est, exported(est, rows), rows) > precision.TOLERANCE
