"""PolynomialFeatures."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from tests.exporter.parity import answers, check, graph_of

X = np.random.default_rng(0).normal(size=(50, 3))


@pytest.mark.parametrize("bias", [False, True], ids=["no-bias", "bias"])
@pytest.mark.parametrize("products", [False, True], ids=["all", "interactions"])
@pytest.mark.parametrize("degree", [1, 2, 3, (2, 3), (0, 2)], ids=str)
def test_polynomial(degree, products, bias):
    check(PolynomialFeatures(degree, interaction_only=products, include_bias=bias).fit(X), X)


def test_one_column():
    check(PolynomialFeatures(3).fit(X[:, :1]), X[:, :1])


def test_only_the_constant():
    est = PolynomialFeatures(0).fit(X)
    assert answers(graph_of(est, X), X)["variable"].tolist() == [[1.0]] * 50


def test_products_are_rounded_once():
    """Degree 2 is one float32 product: exactly the rounded product of the float32 values."""
    narrow = X.astype(np.float32)
    got = answers(graph_of(PolynomialFeatures(2, include_bias=False).fit(X), X), X)["variable"]
    np.testing.assert_array_equal(got[:, 3], narrow[:, 0] * narrow[:, 0])
    np.testing.assert_array_equal(got[:, 4], narrow[:, 0] * narrow[:, 1])


def test_in_a_pipeline():
    y = X[:, 0] ** 2 - X[:, 1] * X[:, 2] + np.random.default_rng(1).normal(size=50) / 10
    model = make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()).fit(X, y)
    check(model, X, y)
