"""Support vector classifiers and novelty detection: kernels, votes and Platt's probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.converters.neighbours import signs
from toolkit.exporter.formulas.classes import class_labels
from toolkit.exporter.formulas.coupling import couple, couple_two
from toolkit.exporter.formulas.distances import dense
from toolkit.exporter.formulas.float64_expr import Float64, constant, float64
from toolkit.exporter.formulas.gaussian import signed
from toolkit.exporter.formulas.gaussian_terms import Gaussians
from toolkit.exporter.formulas.kernel_products import weighted_kernels
from toolkit.exporter.values import Matrix, Outputs, Value

SMALLEST = 1e-7  # libsvm keeps the probabilities of pairs this far from 0 and 1


def kernels_times(
    est: Any, x: Matrix, g: Conversion, weights: np.ndarray, offset: Any, unit: Any = np.inf
) -> Matrix:
    """Return `K(x, support vectors) @ weights + offset`, [N, k].

    A precomputed kernel has a column for each fitted row. unit: see `weighted_kernels`.
    """
    params = {"gamma": est._gamma, "degree": est.degree, "coef0": est.coef0}
    if isinstance(est.kernel, str) and est.kernel == "precomputed":
        columns = g.matrix(g.select(x, [int(i) for i in est.support_]))
        return weighted_kernels(g, columns, None, est.kernel, params, weights, offset, unit=unit)
    vectors = est.support_vectors_
    return weighted_kernels(g, x, vectors, est.kernel, params, weights, offset, unit=unit)


def _decisions(
    est: Any, x: Matrix, g: Conversion, weights: np.ndarray, offset: Any, wide: bool = False
) -> Float64:
    """Return the same in float64, and where its sign is in doubt also computed so.

    A sum of float32 kernels is right to a part of the proof's tolerance, which decides nothing
    unless it is next to 0. wide: all are computed in float64.
    """
    offset = np.asarray(offset, dtype=np.float64)
    if est.kernel != "rbf":
        decisions = kernels_times(est, x, g, weights, offset)
    else:
        vectors = dense(est.support_vectors_)
        decisions = signed(g, x, Gaussians(vectors, float(est._gamma), weights, offset), wide)
    return Float64(g, g.cast(decisions, "float64").name)


def classifier(est: Any, x: Value, g: Conversion) -> Outputs:
    """SVC and NuSVC: a decision for each pair of classes, the label of the most votes.

    Pair (i, j): `Σ over vectors of i: dual[j − 1] K + Σ over vectors of j: dual[i] K + intercept`,
    a vote for i where it is above 0. For two classes scikit-learn turns the sign.
    """
    x, classes = g.floating(x), np.asarray(est.classes_)
    count = len(classes)
    sign = -1.0 if count == 2 else 1.0
    weights, offset = sign * _weights(est, count), sign * np.asarray(est._intercept_)
    # Where the coupling of more than one pair ends depends on the last digits.
    pairs = _decisions(est, x, g, weights, offset, wide=len(est.probA_) > 1)
    outputs: Outputs = {}
    if len(est.probA_):
        outputs["predict_proba"] = g.cast(_probabilities(est, pairs, sign, count), x.dtype)
    if count == 2:
        g.traps.append("two classes: the decision's sign is scikit-learn's")
        # libsvm votes for the first class where its own is above 0: at 0 the second one has it.
        second = g.compare("GreaterOrEqual", pairs.matrix("float64", 1), 0.0)
        index, shown = g.flat(g.cast(second, "int64")), pairs.matrix(x.dtype, 1)
    else:
        index, shown = _of_many(est, g, pairs, x.dtype, count)
    return {"predict": class_labels(g, index, classes), "decision_function": shown, **outputs}


def _of_many(
    est: Any, g: Conversion, pairs: Float64, dtype: str, count: int
) -> tuple[Matrix, Matrix]:
    """Return the index of the class with the most votes, and the decisions that are shown."""
    if est.decision_function_shape != "ovr":
        shown = pairs.matrix(dtype, count * (count - 1) // 2)
        return _votes(g, pairs, count, "Greater").index("ArgMax"), shown
    ranked = _ranked(g, pairs, count)
    votes = ranked if est.break_ties else _votes(g, pairs, count, "Greater")
    return votes.index("ArgMax"), ranked.matrix(dtype, count)


def _weights(est: Any, count: int) -> np.ndarray:
    """Return libsvm's coefficients [vectors, pairs] with its own signs."""
    dual = dense(est._dual_coef_)  # [classes − 1, vectors]
    ends = np.cumsum([0, *np.asarray(est.n_support_)])
    columns = []
    for i in range(count):
        for j in range(i + 1, count):
            column = np.zeros(dual.shape[1])
            column[ends[i] : ends[i + 1]] = dual[j - 1, ends[i] : ends[i + 1]]
            column[ends[j] : ends[j + 1]] = dual[i, ends[j] : ends[j + 1]]
            columns.append(column)
    return np.array(columns).T


def _sides(count: int) -> np.ndarray:
    """Return [pairs, classes]: 1 for a pair's first class, −1 for its second."""
    i, j = np.triu_indices(count, 1)
    return np.eye(count)[i] - np.eye(count)[j]


def _votes(g: Conversion, pairs: Float64, count: int, above: str) -> Float64:
    """Return the votes [N, classes].

    above: "Greater", or "GreaterOrEqual" where a decision of 0 is a vote for the first class.
    """
    halves = pairs.compare(above, 0.0).where(0.5, -0.5)
    names = [halves.name, constant(g, _sides(count), "sides").name]
    most = constant(g, np.full(count, (count - 1) / 2), "half")
    return Float64(g, g.add("Gemm", [*names, most.name], "votes"))


def _ranked(g: Conversion, pairs: Float64, count: int) -> Float64:
    """Return the votes [N, classes], and with them a term below 1/3 that ranks equal ones.

    scikit-learn's _ovr_decision_function: votes + s / (3 (|s| + 1)) with the sum s of a class's
    decisions. A pair whose decision is 0 votes for its second class with libsvm, and for its first
    there.
    """
    votes = _votes(g, pairs, count, "GreaterOrEqual")
    total = pairs @ constant(g, _sides(count), "sides")
    return votes + total / (total.apply("Abs") * 3.0 + 3.0)


def _probabilities(est: Any, pairs: Float64, sign: float, count: int) -> Matrix:
    """Return Platt's sigmoids `1 / (1 + exp(A d + B))` of the pairs' decisions, coupled.

    sign: of the decisions that are given.
    """
    g, slopes, offsets = pairs.g, sign * np.asarray(est.probA_), np.asarray(est.probB_)
    if count == 2:
        return couple_two(g, pairs.matrix("float64", 1), slopes[0], offsets[0])
    sigmoid = (-(pairs * constant(g, slopes, "slopes") + offsets)).apply("Sigmoid")
    clipped = sigmoid.at_least(SMALLEST).at_most(1.0 - SMALLEST)
    return couple(g, clipped, count).matrix("float64", count)


def one_class(est: Any, x: Value, g: Conversion) -> Outputs:
    """OneClassSVM: `K @ dual + intercept`, an inlier where above 0."""
    x = g.floating(x)
    decision = _decisions(est, x, g, dense(est.dual_coef_).T, est.intercept_)
    label = signs(g, decision.compare("Greater", 0.0))
    return {"predict": label, "decision_function": decision.matrix(x.dtype, 1)}


def sgd_one_class(est: Any, x: Value, g: Conversion) -> Outputs:
    """SGDOneClassSVM: `X @ coef − offset`, an inlier where it is not below 0."""
    x = g.floating(x)
    weights = np.asarray(est.coef_, dtype=np.float64).reshape(-1, 1)
    decision = float64(g, x) @ weights - np.asarray(est.offset_, dtype=np.float64)
    label = signs(g, decision.compare("GreaterOrEqual", 0.0))
    return {"predict": label, "decision_function": decision.matrix(x.dtype, 1)}


CONVERTERS = {
    "sklearn.SVC": classifier,
    "sklearn.NuSVC": classifier,
    "sklearn.OneClassSVM": one_class,
    "sklearn.SGDOneClassSVM": sgd_one_class,
}
