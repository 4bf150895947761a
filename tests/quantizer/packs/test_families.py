"""Every family of models that has parameters is really coded: how small, and how far off.

Small fits on digits and on California Housing. `smaller`: how many times smaller than model.onnx
the pack is at least; `nmse`: the normalised MSE on rows that were held out, `agreement` of labels,
against model.onnx itself. Limits are about twice what was measured, on the safe side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.cross_decomposition import PLSRegression
from sklearn.datasets import load_digits
from sklearn.decomposition import NMF, PCA, FastICA, TruncatedSVD
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestCentroid,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection
from sklearn.svm import SVC, SVR, LinearSVC, NuSVR, OneClassSVM

from toolkit.bundle import Bundle
from toolkit.exporter import export
from toolkit.metrics import losses
from toolkit.quantizer import quantize
from toolkit.runtime import load, pack
from toolkit.trainer.datasets import california

DIGITS = load_digits()


@dataclass(frozen=True)
class Family:
    """An estimator, its rows (see `rows_of`), and what its uint8-pack must keep."""

    estimator: Any
    rows: str
    smaller: float
    nmse: float
    agreement: float = 1.0


def scaled(estimator):
    return make_pipeline(StandardScaler(), estimator)


def scaled_features(features):
    return make_pipeline(StandardScaler(), features, Ridge())


FAMILIES = {
    "linear": Family(Ridge(), "houses", 1.5, 1e-5),
    "logistic": Family(LogisticRegression(max_iter=300), "digits", 2.5, 5e-5, 0.995),
    "linear-svc": Family(scaled(LinearSVC()), "digits", 2.0, 5e-5, 0.99),
    "mlp": Family(
        scaled(MLPRegressor(hidden_layer_sizes=(48, 48), max_iter=20, random_state=0)),
        "houses",
        2.5,
        1e-5,
    ),
    "mlp-classifier": Family(
        scaled(MLPClassifier(hidden_layer_sizes=(40,), max_iter=40, random_state=0)),
        "digits",
        3.0,
        5e-5,
        0.99,
    ),
    "pca": Family(PCA(20), "digits", 3.0, 5e-5),
    # Of the worst component, beside its own variance: up to 4 · 4**-8 a matrix keeps its 8 bits.
    "svd": Family(TruncatedSVD(20), "digits", 3.0, 6e-5),
    "pls": Family(PLSRegression(5), "digits", 1.5, 1e-6),
    "ica": Family(FastICA(10, random_state=0), "digits", 2.5, 5e-5),
    "nmf": Family(NMF(8, max_iter=60, random_state=0), "digits", 2.5, 5e-5),
    "gaussian-projection": Family(
        GaussianRandomProjection(20, random_state=0), "digits", 3.0, 5e-5
    ),
    # Three values: two bits each, exactly.
    "sparse-projection": Family(SparseRandomProjection(20, random_state=0), "digits", 12.0, 1e-12),
    "gaussian-bayes": Family(make_pipeline(PCA(20), GaussianNB()), "digits", 2.5, 1e-4, 0.99),
    "multinomial-bayes": Family(MultinomialNB(), "digits", 3.0, 1e-3, 0.99),
    "bernoulli-bayes": Family(BernoulliNB(binarize=4), "digits", 3.0, 2e-4, 0.99),
    "lda": Family(LinearDiscriminantAnalysis(), "digits", 3.0, 1e-4, 0.99),
    "qda": Family(
        make_pipeline(PCA(12), QuadraticDiscriminantAnalysis()), "digits", 3.0, 5e-4, 0.99
    ),
    "svr": Family(scaled(SVR()), "houses", 2.5, 5e-5),
    "nu-svr": Family(scaled(NuSVR()), "houses", 2.5, 5e-5),
    # One vote more or less moves a score of one against one by a whole.
    "svc": Family(make_pipeline(PCA(12), SVC()), "some-digits", 5.0, 2e-3, 0.99),
    "one-class-svm": Family(scaled(OneClassSVM(nu=0.2)), "houses", 3.0, 1e-5, 0.99),
    "kernel-ridge": Family(scaled(KernelRidge(kernel="rbf", gamma=0.1)), "houses", 2.5, 5e-5),
    "nystroem": Family(
        scaled_features(Nystroem(gamma=0.05, n_components=60, random_state=0)), "houses", 3.0, 5e-5
    ),
    "rbf-sampler": Family(
        scaled_features(RBFSampler(n_components=60, random_state=0)), "houses", 1.5, 1e-4
    ),
    "gaussian-process": Family(
        scaled(GaussianProcessRegressor(RBF(2) + WhiteKernel(0.1), optimizer=None)),
        "houses",
        2.5,
        1e-4,
    ),
    "gaussian-process-classifier": Family(
        make_pipeline(PCA(10), GaussianProcessClassifier(RBF(20), optimizer=None)),
        "few-digits",
        4.0,
        1e-3,
        0.99,
    ),
    # Another neighbour among those at nearly the same distance is another prediction.
    "neighbours": Family(scaled(KNeighborsRegressor()), "houses", 4.0, 1e-2),
    "neighbours-classifier": Family(KNeighborsClassifier(), "digits", 6.0, 1e-12),
    "scaled-neighbours-classifier": Family(
        scaled(KNeighborsClassifier()), "digits", 6.0, 5e-3, 0.99
    ),
    "centroid": Family(scaled(NearestCentroid()), "digits", 3.0, 1e-3, 0.99),
    "k-means": Family(KMeans(20, n_init=1, random_state=0), "digits", 3.0, 1e-4, 0.99),
    "mixture": Family(
        make_pipeline(PCA(8), GaussianMixture(4, random_state=0)), "digits", 3.0, 1e-3, 0.99
    ),
}


def rows_of(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """X and y to fit on, and the same held out."""
    if name == "houses":
        X, y = california.features_and_target()
        order = np.random.default_rng(0).permutation(len(X))
        X, y, count = X[order], y[order], 1200
    else:
        X, y = DIGITS.data, DIGITS.target
        count = {"few-digits": 60, "some-digits": 400}.get(name, 1300)
    return X[:count], y[:count], X[count : count + 500], y[count : count + 500]


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Each family's bundle with its uint8-pack, made when it is first asked for."""

    def make(name: str) -> Bundle:
        family, (X, y, held, _) = FAMILIES[name], rows_of(FAMILIES[name].rows)
        target = y.astype(float) if name == "pls" else y
        fitted = family.estimator.fit(X, target)
        out = tmp_path_factory.mktemp("families") / name
        bundle = export(fitted, X, target, name=name, out=out, X_test=held)
        return bundle

    return make


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_family_is_coded(name, packed):
    family, bundle = FAMILIES[name], packed(name)
    (variant,) = quantize(bundle, ["uint8-pack"])
    assert variant.status == "ok", variant.reason
    assert variant.file is not None
    content = (bundle.path / variant.file).read_bytes()
    tensors = pack.read(content, name).tensors
    largest = max(tensors, key=lambda t: t.values.size)
    assert largest.encoding in ("affine", "companded", "mantissa", "float16")
    before = (bundle.path / "model.onnx").stat().st_size
    held = rows_of(family.rows)[2]
    expected, got = (load(bundle.path / f).run(held) for f in ("model.onnx", variant.file))
    found = {n: v.astype(np.float64) for n, v in expected.items() if v.dtype.kind == "f"}
    measured = (before / len(content), losses(found, got)[0], losses(expected, got)[1])
    assert measured[0] >= family.smaller
    assert measured[1] <= family.nmse
    assert measured[2] >= family.agreement
