"""Thresholds in float32 that part the numbers of the data's grid as float64 thresholds do."""

from __future__ import annotations

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.grid import Grid, between, round_down
from toolkit.exporter.origins import Input, Picked, parts_of
from toolkit.exporter.trees.ensemble import Rounding
from toolkit.exporter.values import Matrix

Cell = tuple[str, int]  # an input's name and one of its columns


def on_grids(g: Conversion, x: Matrix) -> Rounding | None:
    """Return the rounding for trees that compare x in float64; None where x is no input's."""
    grids = decimal_grids(g, x)
    if not any(grids):
        return None

    def rounding(feature: np.ndarray, threshold: np.ndarray) -> np.ndarray:
        rounded = round_down(threshold)
        for column in np.unique(feature):
            grid, mine = grids[column], feature == column
            if grid is not None:
                rounded[mine] = between(threshold[mine], grid)
        return rounded

    return rounding


def decimal_grids(g: Conversion, x: Matrix) -> list[Grid | None]:
    """Return the grid of each column of x that is an input's and holds decimals, None for others.

    Of any other numbers, float32 holds those below a threshold and those above it as they are.
    """
    if not g.grids:
        return [None] * x.width
    cells = cells_of(x)
    grids = [None if c is None or c[0] not in g.grids else g.grids[c[0]][c[1]] for c in cells]
    return [None if grid is None or grid.decimals is None else grid for grid in grids]


# Operators whose float32 results are rounded: none of them gives numbers as they are.
ARITHMETIC = {
    "Add", "Sub", "Mul", "Div", "Pow", "Sqrt", "Exp", "Log", "Sum", "Gemm", "MatMul", "Tanh", "Erf",
    "Sigmoid", "Softmax", "Mean", "ReduceSum", "ReduceMean", "ReduceL1", "ReduceL2", "Scaler",
    "Normalizer", "BatchNormalization", "Einsum", "Loop", "If",
}  # fmt: skip


def is_computed(g: Conversion, x: Matrix) -> bool:
    """Tell whether float32 numbers that arithmetic made are among what x was made of.

    A threshold that they meet is then met by other rows than in scikit-learn's float64.
    """
    maker = {o: n for n in g.nodes for o in n.output}
    sums = {later.output for later in g.deferred}
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


def cells_of(x: Matrix) -> list[Cell | None]:
    """Return which column of which input each column of x is, None where it is computed."""
    if x.origin(Input) is not None:
        return [(x.name, c) for c in range(x.width)]
    if parts := parts_of(x):
        return [cell for part in parts for cell in cells_of(part)]
    picked = x.origin(Picked)
    if picked is None:
        return [None] * x.width
    cells = cells_of(picked.source)
    return cells if picked.columns is None else [cells[i] for i in picked.columns]
