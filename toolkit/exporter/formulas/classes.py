"""Classes: from scores to the index of one, and from that to its label."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from toolkit.exporter.graph import Graph
from toolkit.exporter.values import Matrix, Unconvertible


def class_labels(g: Graph, index: Matrix, classes: np.ndarray) -> Matrix:
    """Return the class labels [N] for class indices [N] (int64)."""
    classes = np.asarray(classes)
    if classes.dtype.kind in "OUS":
        if not all(isinstance(c, str) for c in classes.tolist()):
            raise Unconvertible("labels that are objects and not all text")
        dtype = "string"
    elif classes.dtype.kind == "b":
        dtype = "bool"
    elif classes.dtype.kind == "f":
        dtype = "float64" if classes.dtype.itemsize == 8 else "float32"
    else:
        dtype = "int64"
        if np.array_equal(classes, np.arange(len(classes))):
            return index
    table = g.constant(classes, dtype, "classes")
    return Matrix(g.add("Gather", [table, index.name], "label", axis=0), dtype, 0)


def largest_index(g: Graph, scores: Matrix) -> Matrix:
    """Return the index of each row's first largest score, int64 [N]."""
    return Matrix(g.add("ArgMax", [scores.name], "index", axis=1, keepdims=0), "int64", 0)


def index_above(g: Graph, score: Matrix, threshold: float) -> Matrix:
    """Return 1 where a single score [N, 1] is above the threshold, else 0; int64 [N]."""
    limit = g.constant([threshold], score.dtype, "threshold")
    flag = g.add("Greater", [score.name, limit], "above")
    number = g.add("Cast", [flag], "cast", to=TensorProto.INT64)
    shape = g.constant([-1], "int64", "flat")
    return Matrix(g.add("Reshape", [number, shape], "index"), "int64", 0)


def both_shares(g: Graph, p: Matrix) -> Matrix:
    """Return [1 − p, p] for the probability p [N, 1] of the second class."""
    one = g.constant([1.0], p.dtype, "one")
    other = Matrix(g.add("Sub", [one, p.name], "other"), p.dtype, 1)
    return g.join([other, p])
