"""Dummy estimators: the same answer for every row."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.answers import is_far
from toolkit.exporter.formulas.classes import class_labels
from toolkit.exporter.formulas.response import of_several
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value

RANDOM = ("stratified", "uniform")


def regressor(est: Any, x: Value, g: Conversion) -> Outputs:
    """DummyRegressor: `constant_` [1, outputs]."""
    dtype = "float64" if is_far(g.scale) else g.precision(x)
    return {"predict": g.repeated(est.constant_, dtype, x)}


def classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """DummyClassifier with the strategies that do not draw at random."""
    if est.strategy in RANDOM:
        raise Unconvertible(f"strategy={est.strategy!r}, which draws labels at random,")
    several = est.n_outputs_ > 1
    classes = est.classes_ if several else [est.classes_]
    priors = est.class_prior_ if several else [est.class_prior_]
    chosen = [_chosen(est, k, c, p) for k, (c, p) in enumerate(zip(classes, priors, strict=True))]
    labels, probabilities = [], []
    for index, names, prior in zip(chosen, classes, priors, strict=True):
        row = prior if est.strategy == "prior" else np.arange(len(names)) == index
        probabilities.append(g.repeated(row, g.precision(x), x))
        place = g.flat(g.repeated([index], "int64", x))
        labels.append(class_labels(g, place, np.asarray(names)))
    if not several:
        return {"predict": labels[0], "predict_proba": probabilities[0]}
    label: Matrix = g.join([g.upright(m) for m in labels])
    return {"predict": label, "predict_proba": of_several(probabilities, g)}


def _chosen(est: Any, output: int, classes: np.ndarray, prior: np.ndarray) -> int:
    """Return the index of the class that one output always has."""
    if est.strategy != "constant":
        return int(np.argmax(prior))
    value = np.ravel(np.asarray(est.constant))[output]
    return int(np.flatnonzero(np.asarray(classes) == value)[0])


CONVERTERS = {"sklearn.DummyRegressor": regressor, "sklearn.DummyClassifier": classifier}
