"""Multilayer perceptrons: a Gemm and an activation a layer."""

from __future__ import annotations

from typing import Any

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.affine import affine_map
from toolkit.exporter.formulas.answers import exp_answer, linear_answer
from toolkit.exporter.formulas.binary_sigmoid import binary_sigmoid
from toolkit.exporter.formulas.classes import class_labels, largest_index
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value

ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid", "identity": None}


def regressor(est: Any, x: Value, g: Conversion) -> Outputs:
    """MLPRegressor; its output activation is the identity, or exp for the poisson loss."""
    if est.out_activation_ not in ("identity", "exp"):
        raise Unconvertible(f"output activation {est.out_activation_!r}")

    def forward() -> Matrix:
        return linear_answer(g, _hidden(est, x, g), est.coefs_[-1], est.intercepts_[-1])

    return {"predict": exp_answer(g, forward) if est.out_activation_ == "exp" else forward()}


def classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """MLPClassifier for two classes (sigmoid, label where p > 0.5) or more (softmax).

    Several labels a row (an indicator matrix) are a sigmoid each.
    """
    raw = affine_map(g, _hidden(est, x, g), est.coefs_[-1], est.intercepts_[-1])
    if est._label_binarizer.y_type_.startswith("multilabel"):
        label = g.cast(g.compare("Greater", raw, [0.0]), "int64")
        return {"predict": label, "predict_proba": g.unary("Sigmoid", raw)}
    if est.out_activation_ == "softmax":
        index, probabilities = largest_index(g, raw), g.unary("Softmax", raw, axis=1)
    else:
        # p > 0.5 is raw > 0, without the rounding of the sigmoid.
        index, probabilities = binary_sigmoid(g, raw)
    return {"predict": class_labels(g, index, est.classes_), "predict_proba": probabilities}


def _hidden(est: Any, x: Value, g: Conversion) -> Matrix:
    """Return what the last layer takes."""
    hidden = g.floating(x)
    operator = ACTIVATIONS[est.activation]
    for weights, bias in zip(est.coefs_[:-1], est.intercepts_[:-1], strict=True):
        hidden = affine_map(g, hidden, weights, bias)
        hidden = g.unary(operator, hidden) if operator else hidden
    return hidden


CONVERTERS = {"sklearn.MLPRegressor": regressor, "sklearn.MLPClassifier": classifier}
