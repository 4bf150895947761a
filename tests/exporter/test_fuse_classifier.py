"""Classifiers in one node: which are, how many nodes are left, and how the weights are written."""

from __future__ import annotations

import warnings

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.exporter.classifier_graphs import random_classifier
from toolkit.exporter.flow import convert_and_prove
from toolkit.exporter.passes import fuse_classifier
from toolkit.onnx_graph import kernel_sums
from toolkit.runtime.session import open_session

NAMES = np.array(["low", "middle", "high ü"])


def copied(model):
    return onnx.ModelProto.FromString(model.SerializeToString())


def fused_whole():
    """The first random graph of which nothing is left of the product."""
    for seed in range(40):
        model = random_classifier(seed)
        fused = copied(model)
        if fuse_classifier.apply(fused) and "Gemm" not in {n.op_type for n in fused.graph.node}:
            return model
    raise AssertionError("no graph is fused")


def exported(estimator, classes, features=5):
    X, y = make_classification(
        120, features, n_informative=4, n_redundant=0, n_classes=classes, random_state=3
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(X, NAMES[y])
    return convert_and_prove(estimator, X, NAMES[y])


def operators(proven):
    return [n.op_type for n in proven.chosen.exported.model.graph.node]


@pytest.mark.parametrize(
    ("estimator", "classes", "expected"),
    [
        (LogisticRegression(), 2, ["LinearClassifier"]),
        (LogisticRegression(), 3, ["LinearClassifier", "Softmax"]),
        (make_pipeline(StandardScaler(), LogisticRegression()), 2, ["LinearClassifier"]),
        (RidgeClassifier(), 2, ["Gemm", "LinearClassifier"]),
        (RidgeClassifier(), 3, ["LinearClassifier"]),
        (MLPClassifier((4,), max_iter=20), 2, ["Gemm", "Relu", "LinearClassifier"]),
        (MLPClassifier((4,), max_iter=20), 3, ["Gemm", "Relu", "LinearClassifier", "Softmax"]),
    ],
)
def test_nodes_that_are_left(estimator, classes, expected):
    proven = exported(estimator, classes)
    assert proven.chosen.proof.passed
    assert operators(proven) == expected


def test_many_weights_stay_a_product():
    proven = exported(LogisticRegression(), 2, features=fuse_classifier.MOST_WEIGHTS // 2 + 1)
    assert operators(proven) == ["Gemm", "Gemm", "ArgMax", "Sigmoid", "Gather"]


def test_weights_are_packed():
    """Four bytes a number, and the same ones; onnx's own messages take five."""
    proven = exported(LogisticRegression(), 3, features=40)
    content, model = proven.chosen.exported.content, proven.chosen.exported.model
    assert len(content) < len(model.SerializeToString()) - 110
    (coefficients,) = [a for a in model.graph.node[0].attribute if a.name == "coefficients"]
    assert len(coefficients.floats) == 3 * 40


def test_duals_that_the_metadata_names_stay_where_they_are():
    model = fused_whole()
    told = kernel_sums.KernelSum("p", "w", "b", "X", "t", 1.0, [0.0], [1.0])
    helper.set_model_props(model, {kernel_sums.KEY: kernel_sums.written([told])})
    assert not fuse_classifier.apply(model)


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_weights_that_are_not_finite_stay(value):
    model = fused_whole()
    held = next(t for t in model.graph.initializer if t.name == "w")
    weights = numpy_helper.to_array(held).copy()
    weights[0, 0] = value
    held.CopyFrom(numpy_helper.from_array(weights, "w"))
    assert not fuse_classifier.apply(model)


def test_ties_and_zero_scores_are_labelled_as_argmax_does():
    rows = np.zeros((1, 3), np.float32)
    for seed in range(40):
        model = random_classifier(seed)
        names = [o.name for o in model.graph.output]
        for tensor in model.graph.initializer:
            if tensor.name in ("w", "b"):  # every class alike, every score 0
                values = np.zeros_like(numpy_helper.to_array(tensor))
                tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
        before = open_session(model.SerializeToString(), "here").run(names, {"X": rows})
        fuse_classifier.apply(model)
        after = open_session(model.SerializeToString(), "here").run(names, {"X": rows})
        for one, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(other, one)
