"""Sums of kernels are named in the metadata, and a quantizer can compute their kernels."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.svm import SVR

from toolkit.exporter.model import build
from toolkit.exporter.schema import infer
from toolkit.onnx_graph.kernel_sums import KEY
from toolkit.quantizer.ablation import Ablation
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.parameters import (
    Product,
    Stored,
    find_kernel_sums,
    find_parameters,
    plain_products,
)

RNG = np.random.default_rng(0)
X = RNG.normal([0.0, 50.0, -7.0], 1.0, size=(300, 3))
Y = np.sin(X).sum(axis=1)
ESTIMATORS = {
    "svr": SVR(C=3.0),
    "scales": GaussianProcessRegressor(RBF([1.0, 2.0, 4.0]), alpha=0.1, optimizer=None),
    "mixed": GaussianProcessRegressor(RBF(2.0), alpha=1e-5, optimizer=None),
    "double": GaussianProcessRegressor(RBF(2.0), alpha=1e-9, optimizer=None),
}


def exported(name: str) -> onnx.ModelProto:
    estimator = ESTIMATORS[name].fit(X, Y)
    return onnx.load_from_string(build(estimator, infer(X), 21, "regressor", "finite").content)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_duals_are_a_product_of_kernels(name: str) -> None:
    model = exported(name)
    (found,) = find_kernel_sums(model)
    parameters = {p.name: p for p in find_parameters(model)}
    dual = parameters[found.dual]
    assert isinstance(dual, Product)
    assert dual.name not in {
        p.name for p in plain_products(model)
    }  # its source is no tensor of the graph
    assert isinstance(parameters[found.points], Stored)
    rows = {"X": X[:50].astype(np.float32)}
    probe = Ablation(model, Calibration(rows, rows), list(parameters), [dual.source, dual.output])
    values = probe.run([dual.source, dual.output], {})
    offset = next(t for t in model.graph.initializer if t.name == found.offset)
    sums = values[dual.source] @ dual.values + onnx.numpy_helper.to_array(offset)
    np.testing.assert_allclose(values[dual.output], sums, atol=1e-4)
    # Other points give other kernels, and the graph other sums.
    moved = {found.points: parameters[found.points].values * 1.25}
    changed = probe.run([dual.source, dual.output], moved)
    again = changed[dual.source] @ dual.values + onnx.numpy_helper.to_array(offset)
    assert np.abs(again - sums).max() > 1e-2
    np.testing.assert_allclose(changed[dual.output], again, rtol=1e-4, atol=1e-3)


def test_sums_whose_tensors_are_gone_are_not_found() -> None:
    model = exported("svr")
    next(t for t in model.graph.initializer if t.name == "dual").name = "other"
    assert find_kernel_sums(model) == []
    del model.metadata_props[[p.key for p in model.metadata_props].index(KEY)]
    assert find_kernel_sums(model) == []
