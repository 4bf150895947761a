"""Support vector regression."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, NuSVR

from tests.exporter.parity import assert_answers, check, export_proven
from toolkit.errors import UnsupportedEstimator
from toolkit.exporter.flow import convert_and_prove
from toolkit.runtime.predictor import Predictor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
Y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + RNG.normal(size=120) / 10


@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly", "sigmoid"])
@pytest.mark.parametrize("kind", [SVR, NuSVR], ids=["svr", "nu-svr"])
def test_kernel(kind, kernel):
    check(kind(kernel=kernel, coef0=0.5).fit(X, Y), X, Y)


@pytest.mark.parametrize("gamma", ["scale", "auto", 0.7], ids=str)
def test_gamma(gamma):
    check(SVR(gamma=gamma).fit(X, Y), X, Y)


def test_even_degree_of_negative_products():
    check(SVR(kernel="poly", degree=2, coef0=-0.3).fit(X, Y), X, Y)


def test_a_vector_itself_has_the_kernel_one():
    """Cancellation in ‖x − s‖² must not lift the kernel above 1."""
    model = SVR(gamma=0.5, C=1000.0).fit(X, Y)
    content = check(model, X, Y)
    vectors = model.support_vectors_
    assert_answers(content, model, vectors)


def test_rows_far_from_zero():
    """There the cancellation is worst: 1e5 in the squares, 1 in their difference."""
    far = X + 300.0
    check(SVR(gamma=0.5).fit(far, Y), far, Y)
    check(make_pipeline(StandardScaler(), SVR(gamma=0.5)).fit(far, Y), far, Y)


def test_own_kernels_are_refused():
    model = SVR(kernel=lambda a, b: a @ b.T).fit(X, Y)
    with pytest.raises(UnsupportedEstimator, match="SVR: kernel"):
        export_proven(model, X, Y)


def test_coupled_probabilities_are_those_of_float64():
    """libsvm ends the coupling long before it converges; where, the last digits decide."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4)).astype(np.float32)
    y = np.digitize(X[:, 0] + np.sin(X[:, 1]) + rng.normal(size=300) / 2, [-0.5, 0.7])
    fitted = SVC(probability=True, random_state=0).fit(X, y)
    graph = convert_and_prove(fitted, X, y).chosen.content
    rows = rng.normal(size=(2000, 4)).astype(np.float32)
    got = Predictor(graph, "the graph").predict_proba(rows)
    np.testing.assert_allclose(got, fitted.predict_proba(rows), rtol=0, atol=1e-6)
