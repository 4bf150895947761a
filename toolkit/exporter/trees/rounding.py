"""Thresholds in float32 that part the numbers of the data's grid as float64 thresholds do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit.exporter.grid import Grid, between
from toolkit.exporter.trees.ensemble import Rounding, round_down

if TYPE_CHECKING:
    from toolkit.exporter.graph import Graph
    from toolkit.exporter.values import Matrix

Cell = tuple[str, int]  # an input's name and one of its columns


def on_grids(g: Graph, x: Matrix) -> Rounding | None:
    """Return the rounding for trees that compare x in float64; None where x is no input's."""
    grids = decimal_grids(g, x)
    if not any(grids):
        return None

    def rounding(feature: np.ndarray, threshold: np.ndarray) -> np.ndarray:
        found = round_down(threshold)
        for column in np.unique(feature):
            grid, mine = grids[column], feature == column
            if grid is not None:
                found[mine] = between(threshold[mine], grid)
        return found

    return rounding


def decimal_grids(g: Graph, x: Matrix) -> list[Grid | None]:
    """Return the grid of each column of x that is an input's and holds decimals, None for others.

    Of any other numbers, float32 holds those below a threshold and those above it as they are.
    """
    if not g.grids:
        return [None] * x.width
    cells = cells_of(g, x)
    grids = [None if c is None or c[0] not in g.grids else g.grids[c[0]][c[1]] for c in cells]
    return [None if grid is None or grid.decimals is None else grid for grid in grids]


# Operators whose float32 results are rounded: none of them gives numbers as they are.
ARITHMETIC = {
    "Add", "Sub", "Mul", "Div", "Pow", "Sqrt", "Exp", "Log", "Sum", "Gemm", "MatMul", "Tanh", "Erf",
    "Sigmoid", "Softmax", "Mean", "ReduceSum", "ReduceMean", "ReduceL1", "ReduceL2", "Scaler",
    "Normalizer", "BatchNormalization", "Einsum", "Loop", "If",
}  # fmt: skip


def is_computed(g: Graph, x: Matrix) -> bool:
    """Tell whether float32 numbers that arithmetic made are among what x was made of.

    A threshold that they meet is then met by other rows than in scikit-learn's float64.
    """
    maker = {o: n for n in g.nodes for o in n.output}
    sums = {output for *_, output in g.ensembles}
    seen, open_ = set(), [x.name]
    while open_:
        name = open_.pop()
        if name in sums:
            return True
        node = maker.get(name)
        if node is None or id(node) in seen:
            continue
        if node.op_type in ARITHMETIC:
            return True
        seen.add(id(node))
        open_ += node.input
    return False


def cells_of(g: Graph, x: Matrix) -> list[Cell | None]:
    """Return which column of which input each column of x is, None where it is computed."""
    maker = {o: n for n in g.nodes for o in n.output}

    def cells(name: str, width: int) -> list[Cell | None]:
        if name in g.inputs:
            return [(name, c) for c in range(g.inputs[name].width)]
        origin = g.origins.get(name)
        if origin is not None and origin.step is None:  # joined
            return [c for part in origin.sources for c in cells(part.name, part.width)]
        node = maker.get(name)
        operator = None if node is None else node.op_type
        if node is not None and operator in ("Cast", "Identity"):
            return cells(node.input[0], width)
        if node is not None and operator == "Gather" and node.input[1] in g.constants:
            picked = g.constants[node.input[1]]
            whole = cells(node.input[0], 0)
            if picked.ndim == 1 and picked.max(initial=-1) < len(whole):
                return [whole[i] for i in picked.tolist()]
        return [None] * width

    found = cells(x.name, x.width)
    return found if len(found) == x.width else [None] * x.width
