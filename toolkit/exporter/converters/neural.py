"""Multilayer perceptrons: a Gemm and an activation a layer."""

from __future__ import annotations

from typing import Any

from toolkit.exporter.formulas.chain import product
from toolkit.exporter.formulas.sides import two_sided
from toolkit.exporter.graph import Graph, Matrix, Outputs, Unconvertible, Value

ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid", "identity": None}


def regressor(est: Any, x: Value, g: Graph) -> Outputs:
    """MLPRegressor; its output activation is the identity, or exp for the poisson loss."""
    raw = _forward(est, x, g)
    if est.out_activation_ == "exp":
        return {"predict": g.unary("Exp", raw)}
    if est.out_activation_ != "identity":
        raise Unconvertible(f"output activation {est.out_activation_!r}")
    return {"predict": raw}


def classifier(est: Any, x: Value, g: Graph) -> Outputs:
    """MLPClassifier for two classes (sigmoid, label where p > 0.5) or more (softmax).

    Several labels a row (an indicator matrix) are a sigmoid each.
    """
    raw = _forward(est, x, g)
    if est._label_binarizer.y_type_.startswith("multilabel"):
        label = g.cast(g.compare("Greater", raw, [0.0]), "int64")
        return {"predict": label, "predict_proba": g.unary("Sigmoid", raw)}
    if est.out_activation_ == "softmax":
        index, probabilities = g.argmax(raw), g.unary("Softmax", raw, axis=1)
    else:
        # p > 0.5 is raw > 0, without the rounding of the sigmoid.
        index, probabilities = two_sided(g, raw)
    return {"predict": g.labels(index, est.classes_), "predict_proba": probabilities}


def _forward(est: Any, x: Value, g: Graph) -> Matrix:
    hidden = g.floating(x)
    last = len(est.coefs_) - 1
    for layer, (weights, bias) in enumerate(zip(est.coefs_, est.intercepts_, strict=True)):
        hidden = product(g, hidden, weights, bias)
        operator = ACTIVATIONS[est.activation]
        if layer < last and operator:
            hidden = g.unary(operator, hidden)
    return hidden


CONVERTERS = {"sklearn.MLPRegressor": regressor, "sklearn.MLPClassifier": classifier}
