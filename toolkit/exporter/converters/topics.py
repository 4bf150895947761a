"""Latent Dirichlet allocation: the variational updates of each document's topics, as a loop."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.linear_map import result_dtype, wide
from toolkit.exporter.formulas.matmul import affine
from toolkit.exporter.subgraphs import loop
from toolkit.exporter.values import Matrix, Outputs, Value

EPS = float(np.finfo(np.float64).eps)


def topics(est: Any, x: Value, g: Conversion) -> Outputs:
    """LatentDirichletAllocation: each document's topic shares by variational updates.

    From γ = 1, `γ ← e·((x / (e β + ε)) βᵀ) + prior` with e = exp(ψ(γ) − ψ(Σγ)), until the mean
    change of a row is below the tolerance; then that row rests (Hoffman, Blei & Bach 2010).
    """
    beta = np.asarray(est.exp_dirichlet_component_, dtype=np.float64)
    count = len(beta)
    source = wide(g, x)
    ones = affine(g, source, np.zeros((source.width, count)), np.ones(count))
    active = g.binary("Greater", g.column(ones, 0), [0.0], "active")
    state = [ones, _expectation(g, ones), source, Matrix(active.name, "bool", 1)]

    def body(_: str, state: list[Matrix]) -> tuple[list[Matrix], str]:
        gamma, e, rows, active = state
        phi = affine(g, e, beta, np.full(beta.shape[1], EPS))
        share = Matrix(g.add("Div", [rows.name, phi.name], "share"), "float64", rows.width)
        weight = affine(g, share, beta.T, np.zeros(count))
        new = g.binary("Add", g.mul(e, weight), est.doc_topic_prior_, "prior")
        difference = g.add("Sub", [gamma.name, new.name], "difference")
        change = g.add("Abs", [difference], "change")
        mean = Matrix(g.reduce("ReduceMean", change, [1]), "float64", 1)
        moving = g.add(
            "Not",
            [
                g.add(
                    "Less", [mean.name, g.constant(est.mean_change_tol, "float64", "tol")], "small"
                )
            ],
            "moving",
        )
        following = [
            Matrix(g.add("Where", [active.name, a.name, b.name], "kept"), "float64", count)
            for a, b in ((new, gamma), (_expectation(g, new), e))
        ]
        still = g.add("And", [active.name, moving], "still")
        left = g.add(
            "ReduceSum", [g.cast(Matrix(still, "bool", 1), "float64").name], "left", keepdims=0
        )
        more = g.add("Greater", [left, g.constant(np.array(0.5), "float64", "half")], "more")
        return [*following, rows, Matrix(still, "bool", 1)], more

    gamma = loop(g, state, body, times=est.max_doc_update_iter)[0]
    total = g.reduce("ReduceSum", gamma.name, [1])
    shares = Matrix(g.add("Div", [gamma.name, total], "shares"), "float64", count)
    return {"transform": g.cast(shares, result_dtype(g, x))}


def _expectation(g: Conversion, gamma: Matrix) -> Matrix:
    """Return `exp(ψ(γ) − ψ(Σγ))` of each row."""
    total = Matrix(g.reduce("ReduceSum", gamma.name, [1]), "float64", 1)
    digamma = _digamma(g, g.join([gamma, total]))
    parts = g.select(digamma, range(gamma.width)), g.column(digamma, gamma.width)
    names = [g.matrix(p).name for p in parts]
    return g.unary("Exp", Matrix(g.add("Sub", names, "expectation"), "float64", gamma.width))


def _digamma(g: Conversion, x: Matrix) -> Matrix:
    """Return ψ(x) for x > 0 (Bernardo 1976, algorithm AS 103, as scikit-learn has it).

    `ψ(x) = ψ(x + 1) − 1/x` until x ≥ 6, at most six times, then the asymptotic series; below 1e-6,
    `−γ − 1/x`.
    """
    single = g.add("Unsqueeze", [x.name, g.constant([2], "int64", "axis")], "single")
    ladder = g.add("Add", [single, g.constant(np.arange(6.0), "float64", "steps")], "ladder")
    small = g.add("Less", [ladder, g.constant([6.0], "float64", "six")], "small")
    step = g.cast(Matrix(small, "bool", 6), "float64").name
    parts = g.add("Div", [step, ladder], "parts")
    lost = Matrix(g.reduce("ReduceSum", parts, [2], keep=False), "float64", x.width)
    taken = Matrix(g.reduce("ReduceSum", step, [2], keep=False), "float64", x.width)
    shifted = _sum(g, x, taken)
    r = g.unary("Reciprocal", shifted)
    square = g.mul(r, r)
    series = g.binary("Mul", square, [1 / 252], "third")
    series = g.mul(square, g.binary("Sub", series, [1 / 120], "second"))
    series = g.mul(square, g.binary("Add", series, [1 / 12], "first"))
    lost = _sum(g, _sum(g, lost, series), g.binary("Mul", r, [0.5], "half"))
    value = g.add("Sub", [g.unary("Log", shifted).name, lost.name], "digamma")
    tiny = g.add("LessOrEqual", [x.name, g.constant([1e-6], "float64", "tiny")], "tiny")
    near = g.add(
        "Sub",
        [g.constant([-np.euler_gamma], "float64", "euler"), g.unary("Reciprocal", x).name],
        "near",
    )
    return Matrix(g.add("Where", [tiny, near, value], "digamma"), "float64", x.width)


def _sum(g: Conversion, a: Matrix, b: Matrix) -> Matrix:
    return Matrix(g.add("Add", [a.name, b.name], "sum"), a.dtype, a.width)


CONVERTERS = {"sklearn.LatentDirichletAllocation": topics}
