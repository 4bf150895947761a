"""Variants of a model whose answers lie far from zero lose no more than those of one near it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from toolkit import metrics
from toolkit.bundle import Rows
from toolkit.exporter.model import build
from toolkit.exporter.schema import infer
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.graphs.standardised import standardised
from toolkit.quantizer.methods import load_method
from toolkit.quantizer.parameters import find_doubles
from toolkit.quantizer.refusals import NotApplicable
from toolkit.runtime.loading import to_onnx
from toolkit.runtime.predictor import Predictor

RNG = np.random.default_rng(0)
X, FRESH = (RNG.normal(size=(n, 20)).astype(np.float32) for n in (400, 200))
Y = X[:, :5].astype(np.float64) @ [3.0, -2.0, 1.0, 0.5, 0.1] + np.sin(2.0 * X[:, 0])
OFFSET = 1e6
MODELS = {
    "linear": make_pipeline(StandardScaler(), Ridge()),
    "forest": RandomForestRegressor(10, random_state=0),
    "boosting": GradientBoostingRegressor(n_estimators=20, random_state=0),
    "support": SVR(epsilon=0.01),
    "neighbours": KNeighborsRegressor(4),
    "network": TransformedTargetRegressor(
        MLPRegressor(hidden_layer_sizes=(32,), max_iter=40, random_state=0),
        transformer=StandardScaler(),
    ),
}
PACKS = ("float32-pack", "uint16-pack", "uint8-pack", "uint4-pack")
GRAPHS = ("dynamic-uint8", "static-int8", "float16", "float16-compute", "weight-uint8")
FACTOR = 4.0  # codes fall here or there: no variant is better than another by more
NOTHING = 1e-11  # what float32 loses anyway


def graph_of(model: Any, y: np.ndarray) -> tuple[Any, onnx.ModelProto]:
    est = clone(model).fit(X, y)
    scale = metrics.scale_of(est.predict(FRESH))
    made = build(est, infer(X), 21, "regressor", "finite", scale=scale)
    return est, onnx.load_from_string(made.content)


def error(name: str, method: str, y: np.ndarray) -> float | None:
    """Return a variant's normalised MSE on fresh rows, None where the method does not apply."""
    est, model = graph_of(MODELS[name], y)
    rows = {"X": X.astype(np.float64)}
    calibration = Calibration({"X": X}, Rows(rows, {"variable": est.predict(X)}, None))
    chosen = load_method(method)
    given = model if chosen.SUFFIX == ".pack" else standardised(model, calibration)
    try:
        content = chosen.apply(given, calibration)
    except NotApplicable:
        return None
    options = getattr(chosen, "SESSION", None)
    got = Predictor(to_onnx(content, method), method, options=options).run(FRESH)
    assert (got["variable"].dtype == np.float64) == (abs(y.mean()) > 1e3)
    return metrics.nmse({"variable": est.predict(FRESH.astype(np.float64))}, got)


@pytest.mark.parametrize("method", PACKS)
@pytest.mark.parametrize("name", MODELS)
def test_packs(name: str, method: str) -> None:
    near, far = error(name, method, Y), error(name, method, Y + OFFSET)
    assert near is not None
    assert far is not None
    assert far <= FACTOR * near + NOTHING


@pytest.mark.parametrize("method", [*GRAPHS, "reduced-set-pack"])
@pytest.mark.parametrize("name", ["network", "support"])
def test_other_methods(name: str, method: str) -> None:
    near, far = error(name, method, Y), error(name, method, Y + OFFSET)
    assert (near is None) == (far is None)
    assert near is None or far is None or far <= FACTOR * near + NOTHING


def test_the_centre_of_many_columns_is_no_double_to_shorten() -> None:
    y = X[:, :9] + OFFSET * np.arange(1, 10)
    _, model = graph_of(LinearRegression(), y)
    (center,) = (t for t in model.graph.initializer if t.data_type == onnx.TensorProto.DOUBLE)
    assert list(center.dims) == [9]
    assert find_doubles(model) == []
