"""Non-negative factorisations, whose transform is an iteration, as a loop with the same steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.linear_map import result_dtype, wide
from toolkit.exporter.formulas.loops import coordinate_descent
from toolkit.exporter.formulas.matmul import affine
from toolkit.exporter.subgraphs import loop
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value

# The multiplicative solver must have been asked for this much, or it stops well before the optimum.
CONVERGED = 1e-7
# What scikit-learn puts for a denominator of 0.
EPSILON = float(np.finfo(np.float32).eps)


def nmf(est: Any, x: Value, g: Conversion) -> Outputs:
    """NMF: `argmin_W ½‖x − W H‖² + l1·ΣW + ½ l2·ΣW²` over W ≥ 0, H = components_.

    Its coordinate descent starts at 0 and is repeated here step by step, stopping rule included
    (Cichocki & Phan 2009). That rule counts all rows of a batch: where it stops so early that a row
    alone gets another code, the proof fails, and a smaller `tol` of the fitted estimator mends it.
    """
    if est.solver == "mu":
        return _multiplicative(est, x, g, est.max_iter, _by_error)
    if est.shuffle:
        raise Unconvertible("shuffle=True (the order of the updates is drawn anew each time)")
    return {"transform": _descent(est, x, g)}


def mini_batch_nmf(est: Any, x: Value, g: Conversion) -> Outputs:
    """MiniBatchNMF: the same minimum, approached by multiplicative updates."""
    steps = est.max_iter if est.transform_max_iter is None else est.transform_max_iter
    return _multiplicative(est, x, g, steps, _by_change)


def _descent(est: Any, x: Value, g: Conversion) -> Matrix:
    components, l1, l2 = _problem(est)
    count = len(components)
    gram = components @ components.T + l2 * np.eye(count)
    targets = affine(g, wide(g, x), components.T, np.full(count, -l1))
    code = coordinate_descent(g, gram, targets, est.max_iter, est.tol)
    return g.cast(code, result_dtype(g, x))


def _problem(est: Any) -> tuple[np.ndarray, float, float]:
    """Return H [k, d] and the weights of the l1 and the l2 norm of a row's code."""
    components = np.asarray(est.components_, dtype=np.float64)
    weight = components.shape[1] * est.alpha_W
    return components, weight * est.l1_ratio, weight * (1.0 - est.l1_ratio)


def _multiplicative(est: Any, x: Value, g: Conversion, steps: int, settled: Any) -> Outputs:
    """Repeat `W ← W · (X Hᵀ) / (W H Hᵀ + l1 + l2 W)` from `W = √(mean X / k)`.

    The start is the mean over all rows of the batch and the end a norm over all: unless it was
    asked to converge, a row has another answer in other company (by 1e-2 on the digits data), and
    no graph agrees with all of them. Lee & Seung 2001.
    """
    if est.beta_loss not in ("frobenius", 2):
        raise Unconvertible(
            f"beta_loss={est.beta_loss!r} (each row's code depends on the other rows of the batch)"
        )
    if not 0 < est.tol <= CONVERGED:
        raise Unconvertible(
            f"tol={est.tol!r} with multiplicative updates (they stop early, where depends on "
            f"the other rows of the batch; fit with tol={CONVERGED:g} and more iterations)"
        )
    components, l1, l2 = _problem(est)
    count = len(components)
    source = wide(g, x)
    none = np.zeros(count)
    products = affine(g, source, components.T, none)
    mean = g.add("ReduceMean", [source.name], "mean", keepdims=0)
    share = g.constant(np.array(1.0 / count), "float64", "share")
    start = g.add("Sqrt", [g.add("Mul", [mean, share], "share")], "start")
    flat = g.binary("Mul", products, [0.0], "zero")
    weights = Matrix(g.add("Add", [flat.name, start], "weights"), "float64", count)
    error = Matrix(_error(g, source, weights, components), "float64", 0)

    def body(step: str, state: list[Matrix]) -> tuple[list[Matrix], str]:
        w, b, rows, first, last = state
        below = affine(g, w, components @ components.T + l2 * np.eye(count), none + l1)
        zero = g.add("Equal", [below.name, g.constant([0.0], "float64", "zero")], "zero")
        floor = g.constant([EPSILON], "float64", "floor")
        below = Matrix(g.add("Where", [zero, floor, below.name], "below"), "float64", count)
        factor = Matrix(g.add("Div", [b.name, below.name], "factor"), "float64", count)
        new = g.mul(w, factor)
        stop, last = settled(g, est.tol, step, rows, (w, new), components, first, last)
        return [new, b, rows, first, last], g.add("Not", [stop], "more")

    code = loop(g, [weights, products, source, error, error], body, times=steps)[0]
    return {"transform": g.cast(code, result_dtype(g, x))}


def _error(g: Conversion, rows: Matrix, weights: Matrix, components: np.ndarray) -> str:
    """Return `‖X − W H‖` over all rows, a scalar."""
    fitted = affine(g, weights, components, np.zeros(components.shape[1]))
    return _norm(g, g.add("Sub", [rows.name, fitted.name], "rest"))


def _norm(g: Conversion, name: str) -> str:
    return str(g.add("ReduceL2", [name], "norm", keepdims=0))


def _by_error(
    g: Conversion,
    tol: float,
    step: str,
    rows: Matrix,
    weights: tuple[Matrix, Matrix],
    components: np.ndarray,
    first: Matrix,
    last: Matrix,
) -> tuple[str, Matrix]:
    """NMF's rule: every tenth step, the error fell by less than tol of the first error."""
    error = _error(g, rows, weights[1], components)
    fall = g.add("Sub", [last.name, error], "fall")
    share = g.add("Div", [fall, first.name], "share")
    little = g.add("Less", [share, g.constant(np.array(tol), "float64", "tol")], "little")
    ten = g.constant(np.array(10), "int64", "ten")
    nine = g.constant(np.array(9), "int64", "nine")
    tenth = g.add("Equal", [g.add("Mod", [step, ten], "mod"), nine], "tenth")
    last = Matrix(g.add("Where", [tenth, error, last.name], "last"), "float64", 0)
    return g.add("And", [tenth, little], "stop"), last


def _by_change(
    g: Conversion,
    tol: float,
    step: str,
    rows: Matrix,
    weights: tuple[Matrix, Matrix],
    components: np.ndarray,
    first: Matrix,
    last: Matrix,
) -> tuple[str, Matrix]:
    """MiniBatchNMF's rule: a step changed the codes by at most tol of their norm."""
    old, new = weights
    change = _norm(g, g.add("Sub", [new.name, old.name], "change"))
    share = g.add("Div", [change, _norm(g, new.name)], "share")
    limit = g.constant(np.array(tol), "float64", "tol")
    return g.add("LessOrEqual", [share, limit], "stop"), last


CONVERTERS = {"sklearn.NMF": nmf, "sklearn.MiniBatchNMF": mini_batch_nmf}
