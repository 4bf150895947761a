"""Naive Bayes: the joint log-likelihood of every class in float64, its argmax and its softmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas import likelihood
from toolkit.exporter.formulas.linear_map import result_dtype, wide
from toolkit.exporter.formulas.lookup import flags
from toolkit.exporter.formulas.matmul import linear
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value


def gaussian(est: Any, x: Value, g: Conversion) -> Outputs:
    """`log p_c − ½ Σ log 2π var_c − ½ Σ (x − theta_c)² / var_c`."""
    variance = np.asarray(est.var_, dtype=np.float64)
    if not (variance > 0).all():
        raise Unconvertible("a variance of 0 (all features constant, or var_smoothing=0)")
    constants = _log(est.class_prior_) - 0.5 * np.log(2.0 * np.pi * variance).sum(axis=1)
    scores = likelihood.diagonal(g, wide(g, x), est.theta_, 1.0 / variance, constants)
    return likelihood.posterior(g, scores, est.classes_, result_dtype(g, x))


def multinomial(est: Any, x: Value, g: Conversion) -> Outputs:
    """`x @ feature_log_prob_.T + class_log_prior_`."""
    return _discrete(est, g, x, wide(g, x), est.feature_log_prob_, est.class_log_prior_)


def complement(est: Any, x: Value, g: Conversion) -> Outputs:
    """`x @ feature_log_prob_.T`; the prior counts only where there is a single class."""
    alone = len(est.classes_) == 1
    bias = est.class_log_prior_ if alone else np.zeros(len(est.classes_))
    return _discrete(est, g, x, wide(g, x), est.feature_log_prob_, bias)


def bernoulli(est: Any, x: Value, g: Conversion) -> Outputs:
    """`b @ (f − n).T + Σ n + class_log_prior_`: b = x > binarize, f, n = log P(b = 1), P(b = 0)."""
    present = np.asarray(est.feature_log_prob_, dtype=np.float64)
    with np.errstate(divide="ignore"):
        absent = np.log(1.0 - np.exp(present))
    source = wide(g, x if est.binarize is None else flags(g, x, float(est.binarize)))
    bias = est.class_log_prior_ + absent.sum(axis=1)
    return _discrete(est, g, x, source, present - absent, bias)


def categorical(est: Any, x: Value, g: Conversion) -> Outputs:
    """`Σ_j feature_log_prob_[j][:, x_j] + class_log_prior_`; numbers are cut to integers.

    All features' tables stand below each other, [Σ categories, classes], and a row picks one line
    of each. A category that was not seen in fitting, and a negative one, raise in scikit-learn;
    here they pick a line beyond the end, which onnxruntime refuses.
    """
    tables = [np.asarray(t, dtype=np.float64) for t in est.feature_log_prob_]
    _check_finite(*tables)
    sizes = np.array([t.shape[1] for t in tables], dtype=np.int64)
    matrix = g.matrix(x)
    if matrix.dtype == "string":
        raise Unconvertible("text where numbers are needed")
    codes = g.cast(matrix, "int64").name
    negative = g.add("Less", [codes, g.constant(0, "int64", "zero")], "negative")
    beyond = g.add("Less", [g.constant(sizes - 1, "int64", "last"), codes], "beyond")
    unknown = g.add("Or", [negative, beyond], "unknown")
    offset = g.constant(np.concatenate([[0], np.cumsum(sizes)[:-1]]), "int64", "offsets")
    lines = g.add("Add", [codes, offset], "lines")
    end = g.constant(int(sizes.sum()), "int64", "end")
    lines = g.add("Where", [unknown, end, lines], "lines")
    table = g.constant(np.concatenate([t.T for t in tables]), "float64", "log_probabilities")
    picked = g.add("Gather", [table, lines], "picked", axis=0)
    total = g.reduce("ReduceSum", picked, [1], keep=False)
    scores = Matrix(total, "float64", len(est.classes_))
    scores = g.binary("Add", scores, est.class_log_prior_, "priors")
    return likelihood.posterior(g, scores, est.classes_, result_dtype(g, x))


def _discrete(
    est: Any, g: Conversion, x: Value, source: Matrix, weights: Any, bias: Any
) -> Outputs:
    _check_finite(weights)
    scores = linear(g, source, np.asarray(weights).T, bias)
    return likelihood.posterior(g, scores, est.classes_, result_dtype(g, x))


def _check_finite(*tables: Any) -> None:
    # 0 · −inf is NaN, whose label is an accident of the argmax.
    if not all(np.isfinite(t).all() for t in tables):
        raise Unconvertible("alpha=0 with a feature that never occurs (its log is infinite)")


def _log(probabilities: Any) -> np.ndarray:
    """Return logarithms, −inf for a prior of 0: that class is never chosen."""
    with np.errstate(divide="ignore"):
        return np.log(np.asarray(probabilities, dtype=np.float64))


CONVERTERS = {
    "sklearn.GaussianNB": gaussian,
    "sklearn.MultinomialNB": multinomial,
    "sklearn.ComplementNB": complement,
    "sklearn.BernoulliNB": bernoulli,
    "sklearn.CategoricalNB": categorical,
}
