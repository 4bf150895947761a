"""Factorisations whose transform is an iteration: NMF's coordinate descent, LDA's topics."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.graph import Graph, Matrix, Outputs, Unconvertible, Value
from toolkit.exporter.linear_map import result_dtype, wide
from toolkit.exporter.loops import coordinate_descent, loop

EPS = float(np.finfo(np.float64).eps)
# The multiplicative solver must have been asked for this much, or it stops well before the optimum.
CONVERGED = 1e-7
SWEEPS = 5000  # where the loop goes on to convergence


def nmf(est: Any, x: Value, g: Graph) -> Outputs:
    """NMF: `argmin_W ½‖x − W H‖² + l1·ΣW + ½ l2·ΣW²` over W ≥ 0, H = components_.

    Its coordinate descent starts at 0 and is repeated here step by step, stopping rule included
    (Cichocki & Phan 2009).
    """
    if est.solver == "mu":
        return _converged(est, x, g)
    if est.shuffle:
        raise Unconvertible("shuffle=True (the order of the updates is drawn anew each time)")
    return _non_negative(est, x, g, est.max_iter, est.tol)


def mini_batch_nmf(est: Any, x: Value, g: Graph) -> Outputs:
    """MiniBatchNMF: the same minimum, which its multiplicative updates approach."""
    return _converged(est, x, g)


def _converged(est: Any, x: Value, g: Graph) -> Outputs:
    """Return the minimum itself, for a solver whose steps depend on the batch.

    The multiplicative updates start at the mean over all rows of the batch and stop by a norm over
    all: unless they were asked to converge, a row has another answer in other company (by 1e-2 on
    the digits data), and no graph can agree with all of them.
    """
    if est.beta_loss not in ("frobenius", 2, 2.0):
        raise Unconvertible(f"beta_loss={est.beta_loss!r} (its answer depends on the whole batch)")
    if not 0 < est.tol <= CONVERGED:
        raise Unconvertible(
            f"tol={est.tol!r} with multiplicative updates (they stop early, where depends on the "
            f"other rows of the batch; fit with tol={CONVERGED:g} and more iterations)"
        )
    return _non_negative(est, x, g, SWEEPS, 1e-12)


def _non_negative(est: Any, x: Value, g: Graph, sweeps: int, tolerance: float) -> Outputs:
    components = np.asarray(est.components_, dtype=np.float64)
    count, width = components.shape
    l1 = width * est.alpha_W * est.l1_ratio
    l2 = width * est.alpha_W * (1.0 - est.l1_ratio)
    gram = components @ components.T + l2 * np.eye(count)
    targets = g.affine(wide(g, x), components.T, np.full(count, -l1))

    def update(
        old: Matrix, proposal: Matrix, gradient: Matrix, _: Matrix
    ) -> tuple[Matrix, Matrix]:
        # At the bound only a descent counts: the projected gradient.
        zero = g.constant([0.0], old.dtype, "zero")
        bound = g.add("Equal", [old.name, zero], "bound")
        descent = g.add("Min", [gradient.name, zero], "descent")
        away = Matrix(g.add("Where", [bound, descent, gradient.name], "projected"), old.dtype, 0)
        return g.binary("Max", proposal, [0.0], "zero"), g.unary("Abs", away)

    code = coordinate_descent(g, gram, targets, update, sweeps, tolerance)
    return {"transform": g.cast(code, result_dtype(g, x))}


def topics(est: Any, x: Value, g: Graph) -> Outputs:
    """LatentDirichletAllocation: each document's topic shares by variational updates.

    From γ = 1, `γ ← e·((x / (e β + ε)) βᵀ) + prior` with e = exp(ψ(γ) − ψ(Σγ)), until the mean
    change of a row is below the tolerance; then that row rests (Hoffman, Blei & Bach 2010).
    """
    beta = np.asarray(est.exp_dirichlet_component_, dtype=np.float64)
    count = len(beta)
    source = wide(g, x)
    ones = g.affine(source, np.zeros((source.width, count)), np.ones(count))
    active = g.binary("Greater", g.column(ones, 0), [0.0], "active")
    state = [ones, _expectation(g, ones), source, Matrix(active.name, "bool", 1)]

    def body(_: str, state: list[Matrix]) -> tuple[list[Matrix], str]:
        gamma, e, rows, active = state
        phi = g.affine(e, beta, np.full(beta.shape[1], EPS))
        share = Matrix(g.add("Div", [rows.name, phi.name], "share"), "float64", rows.width)
        weight = g.affine(share, beta.T, np.zeros(count))
        new = g.binary("Add", g.product(e, weight), est.doc_topic_prior_, "prior")
        difference = g.add("Sub", [gamma.name, new.name], "difference")
        change = g.add("Abs", [difference], "change")
        mean = Matrix(g.reduce("ReduceMean", change, 1), "float64", 1)
        moving = g.add(
            "Not",
            [g.add("Less", [mean.name, g.constant(est.mean_change_tol, "float64", "tol")], "small")],
            "moving",
        )
        following = [
            Matrix(g.add("Where", [active.name, a.name, b.name], "kept"), "float64", count)
            for a, b in ((new, gamma), (_expectation(g, new), e))
        ]
        still = g.add("And", [active.name, moving], "still")
        left = g.add("ReduceSum", [g.cast(Matrix(still, "bool", 1), "float64").name], "left", keepdims=0)
        more = g.add("Greater", [left, g.constant(np.array(0.5), "float64", "half")], "more")
        return [*following, rows, Matrix(still, "bool", 1)], more

    gamma = loop(g, est.max_doc_update_iter, state, body)[0]
    total = g.reduce("ReduceSum", gamma.name, 1)
    shares = Matrix(g.add("Div", [gamma.name, total], "shares"), "float64", count)
    return {"transform": g.cast(shares, result_dtype(g, x))}


def _expectation(g: Graph, gamma: Matrix) -> Matrix:
    """Return `exp(ψ(γ) − ψ(Σγ))` of each row."""
    total = Matrix(g.reduce("ReduceSum", gamma.name, 1), "float64", 1)
    digamma = _digamma(g, g.join([gamma, total]))
    parts = g.select(digamma, range(gamma.width)), g.column(digamma, gamma.width)
    names = [g.matrix(p).name for p in parts]
    return g.unary("Exp", Matrix(g.add("Sub", names, "expectation"), "float64", gamma.width))


def _digamma(g: Graph, x: Matrix) -> Matrix:
    """Return ψ(x) for x > 0 (Bernardo 1976, algorithm AS 103, as scikit-learn has it).

    `ψ(x) = ψ(x + 1) − 1/x` until x ≥ 6, at most six times, then the asymptotic series; below 1e-6,
    `−γ − 1/x`.
    """
    lost, shifted = None, x
    for _ in range(6):
        small = g.add("Less", [shifted.name, g.constant([6.0], "float64", "six")], "small")
        step = g.cast(Matrix(small, "bool", x.width), "float64")
        part = Matrix(g.add("Div", [step.name, shifted.name], "part"), "float64", x.width)
        lost = part if lost is None else _sum(g, lost, part)
        shifted = _sum(g, shifted, step)
    assert lost is not None
    r = g.unary("Reciprocal", shifted)
    square = g.product(r, r)
    series = g.binary("Mul", square, [1 / 252], "third")
    series = g.product(square, g.binary("Sub", series, [1 / 120], "second"))
    series = g.product(square, g.binary("Add", series, [1 / 12], "first"))
    lost = _sum(g, _sum(g, lost, series), g.binary("Mul", r, [0.5], "half"))
    value = g.add("Sub", [g.unary("Log", shifted).name, lost.name], "digamma")
    tiny = g.add("LessOrEqual", [x.name, g.constant([1e-6], "float64", "tiny")], "tiny")
    near = g.add("Sub", [g.constant([-np.euler_gamma], "float64", "euler"), g.unary("Reciprocal", x).name], "near")
    return Matrix(g.add("Where", [tiny, near, value], "digamma"), "float64", x.width)


def _sum(g: Graph, a: Matrix, b: Matrix) -> Matrix:
    return Matrix(g.add("Add", [a.name, b.name], "sum"), a.dtype, a.width)


CONVERTERS = {
    "sklearn.NMF": nmf,
    "sklearn.MiniBatchNMF": mini_batch_nmf,
    "sklearn.LatentDirichletAllocation": topics,
}
