"""Trees until their operator is chosen, which is when all of a graph's are known."""

from __future__ import annotations

from dataclasses import dataclass

from onnx import NodeProto

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.graph import Deferred
from toolkit.exporter.trees.by_index import by_index
from toolkit.exporter.trees.ensemble import Ensemble, lowered
from toolkit.exporter.trees.folding import fold
from toolkit.exporter.trees.forms import placements
from toolkit.exporter.trees.rounding import is_computed, on_grids
from toolkit.exporter.values import Matrix, Value

# Operators of ai.onnx.ml that version 5 no longer has.
UNTIL_4 = {"TreeEnsembleClassifier", "TreeEnsembleRegressor"}


@dataclass
class PendingTrees(Deferred):
    """An ensemble whose sums on x are the tensor `output`."""

    ensemble: Ensemble
    x: Matrix


def tree_sums(
    g: Conversion, x: Value, ensemble: Ensemble, dtype: str = "float32", *, rounded: bool = True
) -> Matrix:
    """Return `base + Σ leaf values` [N, targets]; its operator is chosen when all are known.

    dtype: of the sum, "float64" where float32 is not enough. rounded: the trees round their
    input to float32 before they compare, as scikit-learn's do. Monotone steps before them are
    folded into the thresholds.
    """
    matrix, flags, ensemble = by_index(g, g.matrix(x), ensemble)
    source, ensemble = fold(g, matrix, ensemble, rounded)
    if source is matrix:
        source = g.cast(matrix, "float32") if rounded else g.floating(matrix)
    if flags is not None:
        source = g.join([source, g.cast(flags, source.dtype)])
    if ensemble.missing_left.any():
        g.traps.append("trees: missing values go where they went in fitting")
    wide = "float64" if "float64" in (dtype, source.dtype) else "float32"
    g.compares_computed |= is_computed(g, source)
    if source.dtype == "float32":  # exact, and a float32 takes less room in a pack
        ensemble = lowered(ensemble, None if rounded else on_grids(g, source))
    source = g.cast(source, wide)
    output = g.name("trees")
    g.deferred.append(PendingTrees(len(g.nodes), output, ensemble, source))
    return Matrix(output, wide, ensemble.targets)


def pending_trees(g: Conversion) -> list[PendingTrees]:
    """Return the ensembles whose operators are not chosen yet, in the order of their nodes."""
    return [later for later in g.deferred if isinstance(later, PendingTrees)]


def place_trees(g: Conversion, newest: int) -> tuple[int, list[tuple[NodeProto, bytes]]]:
    """Insert the ensembles' nodes where they were added.

    Return ai.onnx.ml's opset for the graph, and each such node with its serialized attributes,
    which stay apart until the model's bytes are written: large lists never become Python objects.
    One opset serves the whole graph, so that a node of skl2onnx that version 5 has not decides for
    all.
    """
    ml_opset = min(newest, 4) if any(n.op_type in UNTIL_4 for n in g.nodes) else newest
    trees = []
    waiting = pending_trees(g)
    g.deferred.clear()
    while waiting:  # the last first, and none is kept longer than it is needed
        last = waiting.pop()
        placed = placements(g, last.ensemble, last.x, last.output, ml_opset)
        g.nodes[last.at : last.at] = [node for node, _ in placed]
        trees += [(node, content) for node, content in placed if content]
    return ml_opset, trees
