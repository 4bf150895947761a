"""Several classes from binary estimators: linear ones are one product, others stay apart."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier, SGDClassifier
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from toolkit.exporter.flow import convert_and_prove

X, CLASSES = make_classification(
    150, 6, n_informative=5, n_redundant=0, n_classes=4, random_state=0
)
CODED = 4  # with which no code is the same for every class
NAMES = np.array(["a", "b", "c", "d"])[CLASSES]


def products(model, y):
    proven = convert_and_prove(model.fit(X, y), X, y)
    assert proven.chosen.proof.passed
    weights = {t.name: tuple(t.dims) for t in proven.chosen.exported.model.graph.initializer}
    gemms = [n for n in proven.chosen.exported.model.graph.node if n.op_type == "Gemm"]
    return [weights[n.input[1]] for n in gemms]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "inner",
    [LogisticRegression(), LinearSVC(), Perceptron(), RidgeClassifier(), SGDClassifier()],
    ids=lambda e: type(e).__name__,
)
def test_linear_ones_are_one_product(inner):
    assert products(OneVsRestClassifier(inner), NAMES) == [(6, 4)]
    assert products(OneVsOneClassifier(inner), NAMES)[0] == (6, 6)


def test_several_labels_and_two_classes():
    flags = np.column_stack([CLASSES > 0, CLASSES > 1, CLASSES % 2]).astype(int)
    assert products(OneVsRestClassifier(LogisticRegression()), flags) == [(6, 3)]
    assert products(OneVsRestClassifier(LogisticRegression()), NAMES == "a") == [(6, 1)]


def test_code_words():
    model = OutputCodeClassifier(LinearSVC(), code_size=2, random_state=CODED)
    assert products(model, NAMES) == [(6, 8), (8, 4)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "inner", [SGDClassifier(loss="modified_huber", random_state=0), DecisionTreeClassifier()]
)
def test_others_stay_apart(inner):
    assert (6, 4) not in products(OneVsRestClassifier(inner), NAMES)


def test_a_column_that_never_varies_stays_apart():
    flags = np.column_stack([CLASSES > 0, np.ones(len(X))]).astype(int)
    assert (6, 2) not in products(OneVsRestClassifier(LogisticRegression()), flags)
