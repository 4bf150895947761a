"""Iterations in the graph: ONNX's Loop, whose body is built like the graph around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from onnx import TensorProto, helper

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.graph import initializer
from toolkit.exporter.values import ELEMENT, Matrix

# body(number of the step (int64 scalar), state) -> (next state, name of the bool scalar "go on")
Body = Callable[[str, list[Matrix]], tuple[list[Matrix], str]]


def loop(g: Conversion, steps: int, state: Sequence[Matrix], body: Body) -> list[Matrix]:
    """Repeat `body` at most `steps` times, while it says so; return the last state.

    The body is closed: whatever it needs from the graph is in the state, and constants that it
    makes are its own. So passes need not look into it. The Matrix of a state may stand for a tensor
    of any rank.
    """
    step, going = g.name("step"), g.name("going")
    inner = [Matrix(g.name("state"), m.dtype, m.width) for m in state]
    with g.subgraph(closed=True) as closed:
        following, more = body(step, inner)
        results = [Matrix(g.add("Identity", [m.name], "next"), m.dtype, m.width) for m in following]
    graph = helper.make_graph(
        closed.nodes,
        "body",
        [
            helper.make_tensor_value_info(step, TensorProto.INT64, []),
            helper.make_tensor_value_info(going, TensorProto.BOOL, []),
            *(helper.make_tensor_value_info(m.name, ELEMENT[m.dtype], None) for m in inner),
        ],
        [
            helper.make_tensor_value_info(more, TensorProto.BOOL, []),
            *(helper.make_tensor_value_info(m.name, ELEMENT[m.dtype], None) for m in results),
        ],
        [initializer(n, a) for n, a in closed.constants.items()],
    )
    inputs = [
        g.constant(np.array(steps), "int64", "steps"),
        g.constant(np.array(True), "bool", "go"),
    ]
    names = [g.name("final") for _ in state]
    g.nodes.append(helper.make_node("Loop", [*inputs, *(m.name for m in state)], names, body=graph))
    return [Matrix(n, m.dtype, m.width) for n, m in zip(names, state, strict=True)]


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

    result = loop(g, sweeps * count, [start, turned, nothing, nothing], body)[0]
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
