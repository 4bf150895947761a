"""Solvers that iterate in the graph."""

from __future__ import annotations

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.subgraphs import loop
from toolkit.exporter.values import Matrix


def coordinate_descent(
    g: Conversion, gram: np.ndarray, targets: Matrix, sweeps: int, tolerance: float
) -> Matrix:
    """Minimise `½ wᵀ gram w − targets·w` over w ≥ 0 for each row, from w = 0.

    targets [N, k] of float64; the result is w [N, k]. One step of the loop changes one coordinate
    of all rows, `w_t ← max(0, w_t − gradient_t / gram_tt)`. After each sweep over the coordinates
    it ends where the projected gradients met on the way, summed over all rows, are at most
    `tolerance` of the first sweep's.
    """
    count, dtype = len(gram), "float64"
    diagonal = np.diag(gram)
    # A coordinate without a diagonal never moves: its step is 0.
    inverse = np.divide(1.0, diagonal, out=np.zeros(count), where=diagonal != 0)
    turned = Matrix(g.add("Transpose", [targets.name], "turned", perm=[1, 0]), dtype, 0)
    start = g.binary("Mul", turned, [0.0], "zero")
    nothing = Matrix(g.constant(np.array(0.0), dtype, "nothing"), dtype, 0)

    def body(step: str, state: list[Matrix]) -> tuple[list[Matrix], str]:
        w, b, moved, first = state
        t = g.add("Mod", [step, g.constant(np.array(count), "int64", "count")], "t")
        at = g.add("Reshape", [t, g.constant([1], "int64", "shape")], "at")

        def taken(table: str) -> Matrix:
            return Matrix(g.add("Gather", [table, at], "taken", axis=0), dtype, 0)

        old = taken(w.name)
        fitted = g.add("MatMul", [taken(g.constant(gram, dtype, "gram")).name, w.name], "fitted")
        gradient = Matrix(g.add("Sub", [fitted, taken(b.name).name], "gradient"), dtype, 0)
        scale = taken(g.constant(inverse[:, None], dtype, "inverse"))
        proposal = g.add("Sub", [old.name, g.mul(gradient, scale).name], "proposal")
        new = g.binary("Max", Matrix(proposal, dtype, 0), [0.0], "zero")
        away = g.unary("Abs", _projected(g, old, gradient))
        chosen = g.add(
            "Equal", [g.constant(np.arange(count)[:, None], "int64", "rows"), t], "chosen"
        )
        w_next = Matrix(g.add("Where", [chosen, new.name, w.name], "changed"), dtype, 0)
        total = g.add("ReduceSum", [away.name], "total", keepdims=0)
        sums = g.add("Add", [moved.name, total], "moved"), first.name
        moved_next, first_next, more = _after_step(g, step, t, sums, count, tolerance)
        return [w_next, b, moved_next, first_next], more

    result = loop(g, [start, turned, nothing, nothing], body, times=sweeps * count)[0]
    back = g.add("Transpose", [result.name], "back", perm=[1, 0])
    return Matrix(back, dtype, count)


def _after_step(
    g: Conversion, step: str, t: str, sums: tuple[str, str], count: int, tolerance: float
) -> tuple[Matrix, Matrix, str]:
    """Return the sum of this sweep, begun anew after its last step, the first sweep's, and "go on".

    sums: of this sweep so far, and of the first; t: the coordinate of this step.
    """
    moved, first = sums
    last = g.constant(np.array(count - 1), "int64", "last")
    ends = g.add("Equal", [t, last], "ends")
    first = g.add("Where", [g.add("Equal", [step, last], "in_first"), moved, first], "first")
    part = g.constant(np.array(tolerance), "float64", "tolerance")
    settled = g.add("LessOrEqual", [moved, g.add("Mul", [first, part], "limit")], "settled")
    more = g.add("Not", [g.add("And", [ends, settled], "stop")], "more")
    zero = g.constant(np.array(0.0), "float64", "zero")
    moved = g.add("Where", [ends, zero, moved], "moved")
    return Matrix(moved, "float64", 0), Matrix(first, "float64", 0), more


def _projected(g: Conversion, w: Matrix, gradient: Matrix) -> Matrix:
    """Return the gradient; at the bound, where w is 0, only what would raise w."""
    zero = g.constant([0.0], w.dtype, "zero")
    bound = g.add("Equal", [w.name, zero], "bound")
    descent = g.add("Min", [gradient.name, zero], "descent")
    return Matrix(g.add("Where", [bound, descent, gradient.name], "projected"), w.dtype, 0)
