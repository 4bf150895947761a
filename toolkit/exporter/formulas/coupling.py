"""Probabilities of several classes from those of all pairs, by an operator that has libsvm's."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.graph import ML, Graph, Matrix


def couple(g: Graph, decisions: Matrix, slopes: Any, offsets: Any, classes: int) -> Matrix:
    """Return class probabilities, float32 [N, classes], from the pairs' decisions [N, pairs].

    A pair's probability is Platt's `1 / (1 + exp(slope d + offset))`; those of all pairs are
    coupled by libsvm's multiclass_probability (Wu, Lin, Weng 2004, second method), an iteration
    that libsvm ends long before it converges, so that it must be the same one. onnxruntime's
    SVMClassifier has it. Its vectors are here the unit vectors, one for each pair, of the pair's
    first class: with a linear kernel its decisions are those given.
    """
    first, second = np.triu_indices(classes, 1)
    pairs = len(first)
    coefficients = np.zeros((classes - 1, pairs), np.float32)
    coefficients[second - 1, np.arange(pairs)] = 1.0
    _, found = g.add(
        "SVMClassifier",
        [g.cast(decisions, "float32").name],
        "coupled",
        outputs=2,
        domain=ML,
        classlabels_ints=list(range(classes)),
        coefficients=coefficients.ravel().tolist(),
        kernel_params=[0.0, 0.0, 0.0],
        kernel_type="LINEAR",
        prob_a=np.asarray(slopes, np.float32).tolist(),
        prob_b=np.asarray(offsets, np.float32).tolist(),
        rho=[0.0] * pairs,
        support_vectors=np.eye(pairs, dtype=np.float32).ravel().tolist(),
        vectors_per_class=np.bincount(first, minlength=classes).tolist(),
    )
    return Matrix(found, "float32", classes)
