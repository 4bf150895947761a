"""Linear regressors and classifiers."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from sklearn import linear_model, svm
from sklearn.datasets import make_classification, make_regression

from tests.exporter.parity import check
from toolkit.exporter.converters.linear import CONVERTERS, regressor

# Some of them do not converge here, or are deprecated.
pytestmark = pytest.mark.filterwarnings("ignore")
REGRESSORS = sorted(k for k, v in CONVERTERS.items() if v is regressor)
MULTI_TASK = {k for k in REGRESSORS if "MultiTask" in k}
SEEDED = {"LinearSVR", "SGDRegressor", "TheilSenRegressor", "PassiveAggressiveRegressor"}


def made(key, **options):
    """An unfitted estimator of a converter's key."""
    name = key.partition(".")[2]
    home = svm if name.startswith("LinearSV") else linear_model
    seed = {"random_state": 0} if name in SEEDED else {}
    return getattr(home, name)(**seed, **options)


@pytest.mark.parametrize("key", REGRESSORS)
def test_regressor(key):
    targets = 2 if key in MULTI_TASK else 1
    X, y = make_regression(80, 4, n_targets=targets, noise=3.0, random_state=0)
    content = check(made(key).fit(X, y / 50), X, y / 50)
    operators = [n.op_type for n in onnx.load_model_from_string(content).graph.node]
    assert operators == ["Gemm"]


@pytest.mark.parametrize("targets", [1, 3])
def test_several_targets(targets):
    X, y = make_regression(60, 5, n_targets=targets, random_state=1)
    y = y.reshape(-1, targets) / 100
    check(linear_model.LinearRegression().fit(X, y), X, y)


def test_without_intercept():
    X, y = make_regression(60, 5, random_state=1)
    check(linear_model.Ridge(fit_intercept=False).fit(X, y), X, y)


CLASSIFIERS = {
    "logistic": lambda: linear_model.LogisticRegression(),
    "logistic-no-intercept": lambda: linear_model.LogisticRegression(fit_intercept=False),
    "logistic-cv": lambda: linear_model.LogisticRegressionCV(Cs=2, cv=2),
    "linear-svc": lambda: svm.LinearSVC(),
    "perceptron": lambda: linear_model.Perceptron(),
    "passive-aggressive": lambda: linear_model.PassiveAggressiveClassifier(random_state=0),
}
LABELS = {
    "0-1-2": np.array([0, 1, 2]),
    "negative": np.array([-5, 3, 70]),
    "text": np.array(["nein", "ja", "vielleicht ünd"]),
    "objects": np.array(["b", "a", "c"], dtype=object),
}


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifier(name, classes, labels):
    X, y = make_classification(
        90, 5, n_informative=4, n_redundant=0, n_classes=classes, random_state=2
    )
    y = LABELS[labels][y]
    check(CLASSIFIERS[name]().fit(X, y), X, y)


@pytest.mark.parametrize(
    "labels", [np.array([False, True]), np.array([0.5, 1.5])], ids=["bool", "float"]
)
def test_classifier_labels_of_other_types(labels):
    X, y = make_classification(60, 4, random_state=3)
    y = labels[y]
    if labels.dtype.kind == "f":  # scikit-learn takes 0.5 for a regression target
        y = y * 2
    check(linear_model.LogisticRegression().fit(X, y), X, y)


def test_a_row_on_the_boundary_is_the_first_class():
    model = linear_model.LogisticRegression().fit([[-1.0], [1.0]], ["no", "yes"])
    model.coef_[:], model.intercept_[:] = 1.0, 0.0
    X = np.array([[0.0], [np.nextafter(np.float32(0), np.float32(1))], [-0.0]] * 4)
    assert model.predict(X[:3]).tolist() == ["no", "yes", "no"]
    check(model, X, ["no", "yes", "no"] * 4)


def test_the_table_names_real_estimators():
    for key in CONVERTERS:
        assert made(key) is not None
