"""Multilayer perceptrons."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.neural_network import MLPClassifier, MLPRegressor

from tests.exporter.parity import check

pytestmark = pytest.mark.filterwarnings("ignore")  # none of them is fitted to the end
ACTIVATIONS = ["relu", "tanh", "logistic", "identity"]
SMALL = {"max_iter": 15, "random_state": 0}


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_regressor(activation, targets):
    X, y = make_regression(80, 4, n_targets=targets, random_state=0)
    check(
        MLPRegressor(hidden_layer_sizes=(7, 5), activation=activation, **SMALL).fit(X, y / 50),
        X,
        y / 50,
    )


def test_no_hidden_layer():
    X, y = make_regression(80, 4, random_state=0)
    check(MLPRegressor(hidden_layer_sizes=(), **SMALL).fit(X, y / 50), X, y / 50)


def test_poisson_loss_has_its_link():
    X, y = make_regression(80, 4, random_state=0)
    y = np.exp(y / 100)
    model = MLPRegressor(hidden_layer_sizes=(6,), loss="poisson", **SMALL).fit(X, y)
    assert model.out_activation_ == "exp"
    check(model, X, y)


@pytest.mark.parametrize("labels", [("0", "1", "2"), (0, 1, 2), (4, -1, 9)], ids=str)
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_classifier(activation, classes, labels):
    X, y = make_classification(
        90, 5, n_informative=4, n_redundant=0, n_classes=classes, random_state=2
    )
    y = np.array(labels)[y]
    check(MLPClassifier((8,), activation=activation, **SMALL).fit(X, y), X, y)


def test_several_labels_a_row():
    X, _ = make_classification(60, 4, random_state=0)
    y = (X[:, :2] > 0).astype(int)
    check(MLPClassifier((4,), **SMALL).fit(X, y), X, y)
