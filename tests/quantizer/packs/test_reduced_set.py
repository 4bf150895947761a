"""Sums of kernels over fewer points: how few, how far off, and where there is none."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from sklearn.ensemble import VotingRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

from tests.quantizer.sample_graphs import calibration, network
from toolkit.exporter import export
from toolkit.metrics import nmse
from toolkit.quantizer import quantize
from toolkit.quantizer.methods import reduced_set_pack
from toolkit.quantizer.packs.reduced_set import pivots
from toolkit.quantizer.refusals import NotApplicable
from toolkit.runtime import load
from toolkit.trainer.datasets import california

MODELS = {
    "svr": SVR(),
    "beside-trees": VotingRegressor([("k", SVR()), ("t", DecisionTreeRegressor(max_depth=4))]),
    "process": GaussianProcessRegressor(RBF(2) + WhiteKernel(0.1), optimizer=None),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_third_of_the_points_is_enough(name, tmp_path):
    X, y = california.features_and_target()
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order], y[order]
    fitted = make_pipeline(StandardScaler(), MODELS[name]).fit(X[:1500], y[:1500])
    bundle = export(fitted, X[:1500], y[:1500], name=name, out=tmp_path / name)
    (variant,) = quantize(bundle, ["reduced-set-pack"])
    assert variant.status == "ok", variant.reason
    assert variant.bytes is not None
    assert variant.bytes * 5 < bundle.model_path.stat().st_size
    held = X[2000:3000]
    exact, got = (load(bundle.path / f).run(held) for f in ("model.onnx", variant.file))
    # Rows apart from all others are where a point that was left out is missed.
    error = nmse({n: v.astype(np.float64) for n, v in exact.items()}, got)
    assert error <= 0.01


def test_points_in_float64(tmp_path):
    """The graph holds them so where its sums need it; a few of them are float32 all the same."""
    X = np.random.default_rng(0).normal(size=(400, 2))
    process = GaussianProcessRegressor(RBF(2) + WhiteKernel(1e-4), optimizer=None)
    bundle = export(process.fit(X, X[:, 0] ** 2), X, name="m", out=tmp_path / "m")
    tensors = onnx.load(bundle.model_path).graph.initializer
    assert onnx.TensorProto.DOUBLE in {t.data_type for t in tensors if list(t.dims) == [400, 2]}
    (variant,) = quantize(bundle, ["reduced-set-pack"])
    assert variant.status == "ok", variant.reason


def test_a_graph_without_kernels_has_nothing_to_reduce():
    with pytest.raises(NotApplicable, match="no sums of Gaussian kernels"):
        reduced_set_pack.apply(network(), calibration())


def test_pivots_are_those_of_the_cholesky_decomposition():
    """Each pivot is the point that those before it represent worst: by definition, slowly."""
    points = np.random.default_rng(0).normal(size=(30, 2))
    kernel = np.exp(-0.5 * np.square(points[:, None] - points[None]).sum(axis=2))
    order = list(pivots(points, 0.5, 8))
    assert len(order) == 8
    for k in range(1, 8):
        before = order[:k]
        explained = kernel[:, before] @ np.linalg.solve(
            kernel[np.ix_(before, before)], kernel[before]
        )
        left = np.diag(kernel) - np.diag(explained)
        assert left[order[k]] == pytest.approx(left.max(), abs=1e-9)
