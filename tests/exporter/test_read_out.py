"""Linear models on polynomial features, as squares and by Horner's scheme."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, StandardScaler

from tests.exporter.parity import assert_answers, check, graph_of
from toolkit.exporter.formulas.polynomials import quadratic_form

RNG = np.random.default_rng(5)
X = RNG.normal(size=(600, 5)) * [1, 10, 0.1, 3, 1] + [0, 5, 1, -2, 0]
Z = (X - X.mean(axis=0)) / X.std(axis=0)
Y = 1 + Z[:, 0] * Z[:, 1] - Z[:, 2] ** 2 + Z[:, 3] + RNG.normal(size=600) / 10


def operators(content):
    return [n.op_type for n in onnx.load_from_string(content).graph.node]


@pytest.mark.parametrize("bias", [False, True], ids=["no-bias", "bias"])
@pytest.mark.parametrize("products", [False, True], ids=["all", "interactions"])
@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(), None], ids=str)
def test_degree_2_is_a_sum_of_squares(scaler, products, bias):
    features = PolynomialFeatures(2, interaction_only=products, include_bias=bias)
    # Without the scaler the columns' products differ in size, which is ill-conditioned for Ridge.
    model = make_pipeline(scaler or "passthrough", features, LinearRegression()).fit(X, Y)
    assert operators(check(model, X, Y)) == ["Gemm", "Mul", "Gemm"]


@pytest.mark.parametrize("degree", [1, 2, 3, 4, (2, 2), (3, 3), (0, 1)], ids=str)
def test_every_degree(degree):
    model = make_pipeline(StandardScaler(), PolynomialFeatures(degree), Ridge()).fit(X, Y)
    found = operators(check(model, X, Y))
    top = degree[1] if isinstance(degree, tuple) else degree
    assert found.count("Gemm") == {1: 1, 2: 2, 3: 4, 4: 5}[top]


@pytest.mark.parametrize("steps", [(PCA(3),), (StandardScaler(), PCA(3)), (PCA(3, whiten=True),)])
def test_features_of_projections(steps):
    check(make_pipeline(*steps, PolynomialFeatures(2), Ridge()).fit(X, Y), X, Y)


def test_features_that_are_scaled_again():
    model = make_pipeline(StandardScaler(), PolynomialFeatures(2), StandardScaler(), Ridge())
    assert operators(check(model.fit(X, Y), X, Y)) == ["Gemm", "Mul", "Gemm"]


def test_two_classes_have_one_score():
    model = make_pipeline(StandardScaler(), PolynomialFeatures(2), LogisticRegression())
    found = operators(check(model.fit(X, Y > 1), X, Y > 1))
    assert found[:3] == ["Gemm", "Mul", "LinearClassifier"]


def test_several_targets_keep_the_features():
    both = np.column_stack([Y, -Y + X[:, 0]])
    model = make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()).fit(X, both)
    check(model, X, both)


def test_only_the_constant_and_a_model_of_zeros():
    check(make_pipeline(PolynomialFeatures(2), Ridge(alpha=1e30)).fit(X, Y), X, Y)
    check(make_pipeline(PolynomialFeatures(2), Ridge()).fit(X[:, :1], Y), X[:, :1], Y)


def test_a_row_far_out_is_no_reason_for_wrong_squares():
    far = X.copy()
    far[::100, 2] *= 1000.0  # hundreds of the other rows' deviations
    model = make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()).fit(far, Y)
    check(model, far, Y)


def test_without_sample_rows_no_squares():
    model = make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()).fit(X, Y)
    content = graph_of(model, X)
    assert operators(content)[-3:] == ["Gemm", "Mul", "Gemm"]
    assert "Sub" in operators(content)
    assert_answers(content, model, X)


@pytest.mark.parametrize("seed", range(10))
def test_the_quadratic_form_is_the_polynomial(seed):
    rng = np.random.default_rng(seed)
    features = PolynomialFeatures(2, interaction_only=bool(seed % 2)).fit(X[:, :3])
    weights = rng.normal(size=features.n_output_features_)
    form = quadratic_form(features.powers_, weights, 0.25)
    np.testing.assert_array_equal(form, form.T)
    wide = np.column_stack([X[:, :3], np.ones(len(X))])
    expected = features.transform(X[:, :3]) @ weights + 0.25
    np.testing.assert_allclose(((wide @ form) * wide).sum(axis=1), expected, rtol=1e-9, atol=1e-9)
