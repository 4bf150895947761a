"""Several classes from binary estimators."""

from __future__ import annotations

from functools import partial

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from tests.estimators.data import binary, classes, labelled, multilabel
from tests.estimators.fitting import boolean, five, four, leaf, text2, text3, tree
from tests.estimators.harness import case

OVR = "OneVsRestClassifier: no label of OneVsRest(SVC) is right; a later skl2onnx may mend it"
OVO = "OneVsOneClassifier: an invalid graph with text labels; a later skl2onnx may mend it"
NONE = "no converter; a later skl2onnx may have one"


def mlp() -> MLPClassifier:
    return MLPClassifier((5,), max_iter=40, random_state=0)


def huber() -> SGDClassifier:
    return SGDClassifier(loss="modified_huber", random_state=0)


def constant_label() -> tuple[np.ndarray, np.ndarray]:
    X, y = multilabel()
    y[:, 1] = 1
    return X, np.column_stack([y, np.zeros(len(y), int)])


CASES = [
    case("OneVsRestClassifier", OneVsRestClassifier(LogisticRegression()), classes),
    case("OneVsRestClassifier-LinearSVC", OneVsRestClassifier(LinearSVC()), classes, trap=OVR),
    case(
        "OneVsRestClassifier-LinearSVC-binary", OneVsRestClassifier(LinearSVC()), binary, trap=OVR
    ),
    case("OneVsRestClassifier-ridge", OneVsRestClassifier(RidgeClassifier()), text3, trap=OVR),
    case(
        "OneVsRestClassifier-ridge-binary", OneVsRestClassifier(RidgeClassifier()), text2, trap=OVR
    ),
    case("OneVsRestClassifier-binary", OneVsRestClassifier(LogisticRegression()), text2),
    case("OneVsRestClassifier-tree", OneVsRestClassifier(tree(2)), four),
    case(
        "OneVsRestClassifier-tree-binary",
        OneVsRestClassifier(tree()),
        partial(labelled, (-1.0, 2.0)),
    ),
    case("OneVsRestClassifier-regressor", OneVsRestClassifier(Ridge()), classes),
    case("OneVsRestClassifier-regressor-binary", OneVsRestClassifier(leaf()), binary),
    case("OneVsRestClassifier-multilabel", OneVsRestClassifier(LogisticRegression()), multilabel),
    case("OneVsRestClassifier-multilabel-tree", OneVsRestClassifier(tree()), multilabel),
    case("OneVsRestClassifier-constant-label", OneVsRestClassifier(tree()), constant_label),
    case(
        "OneVsRestClassifier-scaled",
        make_pipeline(StandardScaler(), OneVsRestClassifier(mlp())),
        text3,
    ),
    case("OneVsRestClassifier-bool", OneVsRestClassifier(huber()), boolean),
    case("OneVsOneClassifier", OneVsOneClassifier(LogisticRegression()), four),
    case("OneVsOneClassifier-text", OneVsOneClassifier(LinearSVC()), text3, trap=OVO),
    case("OneVsOneClassifier-binary", OneVsOneClassifier(LinearSVC()), text2, trap=OVO),
    case("OneVsOneClassifier-tree", OneVsOneClassifier(tree(1)), five),
    case("OneVsOneClassifier-tree-binary", OneVsOneClassifier(tree()), binary),
    case("OneVsOneClassifier-ridge", OneVsOneClassifier(RidgeClassifier()), classes),
    case("OneVsOneClassifier-regressor", OneVsOneClassifier(leaf()), classes),
    case(
        "OutputCodeClassifier",
        OutputCodeClassifier(LogisticRegression(), random_state=0),
        classes,
        trap=NONE,
    ),
    case(
        "OutputCodeClassifier-text",
        OutputCodeClassifier(LinearSVC(), code_size=3, random_state=0),
        text3,
        trap=NONE,
    ),
    case("OutputCodeClassifier-tree", OutputCodeClassifier(tree(), random_state=1), five),
    case(
        "OutputCodeClassifier-ridge",
        OutputCodeClassifier(RidgeClassifier(), random_state=0),
        classes,
    ),
]
