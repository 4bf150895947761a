"""LightGBM's trees with a linear model in each leaf (`linear_tree`).

Source: LightGBM's src/io/tree.cpp, Tree::PredictLinear: `const + Σ coefficient · x`, and the plain
leaf value where a feature of the leaf is missing. In float64, as LightGBM computes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from toolkit.exporter.formulas.chunks import in_chunks
from toolkit.exporter.graph import ELEMENT, Graph, Matrix, Value
from toolkit.exporter.trees.ensemble import Ensemble, concatenate
from toolkit.exporter.trees.leaf_tables import EXACT_FLOAT32

VALUES = 2**20  # of coefficients looked up in a chunk of rows: 8 MB


@dataclass(frozen=True)
class Leaves:
    """The models of a tree's leaves [K], coefficients [K, features]; uses: which have one."""

    constant: np.ndarray
    value: np.ndarray
    coefficient: np.ndarray
    uses: np.ndarray


def leaves_of(lines: dict[str, str], width: int) -> Leaves:
    """Return a tree's leaves from the lines of LightGBM's text; width: the number of features."""
    value = np.array(lines["leaf_value"].split(), dtype=np.float64)
    coefficient = np.zeros((len(value), width))
    uses = np.zeros((len(value), width), dtype=bool)
    if lines.get("is_linear") != "1":
        return Leaves(value, value, coefficient, uses)
    counts = np.array(lines["num_features"].split(), dtype=np.int64)
    leaf = np.repeat(np.arange(len(value)), counts)
    feature = np.array(lines["leaf_features"].split(), dtype=np.int64)
    coefficient[leaf, feature] = np.array(lines["leaf_coeff"].split(), dtype=np.float64)
    uses[leaf, feature] = True
    return Leaves(np.array(lines["leaf_const"].split(), dtype=np.float64), value, coefficient, uses)


def linear_trees(
    g: Graph,
    routed: Value,
    x: Value,
    trees: Sequence[Ensemble],
    leaves: Sequence[Leaves],
    outputs: int,
) -> Matrix:
    """Return `Σ leaf models` [N, outputs]; tree t belongs to output t % outputs.

    routed: x as the splits see it; x: as the leaves' models do.
    """
    starts = np.cumsum([0, *(len(one.value) for one in leaves)])
    parts = []
    for k, tree in enumerate(trees):
        number = np.zeros(len(tree.leaf))
        number[tree.leaf] = starts[k] + np.arange(tree.leaf.sum())
        parts.append(replace(tree, values=number, target=np.full(len(number), k)))
    dtype = "float32" if starts[-1] < EXACT_FLOAT32 else "float64"
    found = g.trees(routed, concatenate(parts, np.zeros(len(trees))), dtype, rounded=False)
    numbers = g.cast(g.floating(x), "float64")
    both = g.join([numbers, g.cast(found, "float64")])
    tables = {
        name: np.concatenate([getattr(one, name) for one in leaves])
        for name in ("constant", "value", "coefficient", "uses")
    }
    names = {
        name: g.constant(table, "bool" if name == "uses" else "float64", name)
        for name, table in tables.items()
    }
    rows = int(np.clip(VALUES // max(1, len(trees) * numbers.width), 16, 4096))
    owner = np.arange(len(trees))[:, None] % outputs == np.arange(outputs)

    def form(name: str) -> list[Matrix]:
        return [_models(g, name, numbers.width, len(trees), names, owner)]

    return in_chunks(g, both, rows, form)[0]


def _models(
    g: Graph, name: str, width: int, trees: int, tables: dict[str, str], owner: np.ndarray
) -> Matrix:
    """Return the models' sums for rows [n, width + trees]: features, then each tree's leaf."""
    x = _columns(g, name, 0, width)
    at = g.cast(Matrix(_columns(g, name, width, width + trees), "float64", trees), "int64").name
    looked = {t: g.add("Gather", [table, at], t, axis=0) for t, table in tables.items()}
    second = g.constant([1], "int64", "second")
    row = g.add("Unsqueeze", [x, second], "row")  # [n, 1, width], beside [n, trees, width]
    # A feature that the leaf does not use counts as nothing, were it infinite.
    terms = g.add("Mul", [looked["coefficient"], row], "terms")
    zero = g.constant(0.0, "float64", "zero")
    line = g.reduce("ReduceSum", g.add("Where", [looked["uses"], terms, zero], "used"), [2], False)
    absent = g.add("And", [looked["uses"], g.add("IsNaN", [row], "isnan")], "absent")
    lacks = g.reduce("ReduceMax", g.add("Cast", [absent], "count", to=ELEMENT["int64"]), [2], False)
    lacks = g.add("Cast", [lacks], "lacks", to=ELEMENT["bool"])
    line = g.add("Add", [looked["constant"], line], "line")
    chosen = g.add("Where", [lacks, looked["value"], line], "model")
    sums = g.add("MatMul", [chosen, g.constant(owner, "float64", "owner")], "sums")
    return Matrix(sums, "float64", owner.shape[1])


def _columns(g: Graph, name: str, start: int, end: int) -> str:
    limits = [g.constant([v], "int64", "limit") for v in (start, end, 1)]
    return str(g.add("Slice", [name, *limits], "some"))
