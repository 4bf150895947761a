"""The tree ensembles of a graph, coded for a pack."""

from __future__ import annotations

import onnx

from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.trees.forests import find_forests
from toolkit.quantizer.trees.leaves import Leaves, encode_leaves, exact_leaves
from toolkit.quantizer.trees.thresholds import with_fewer_thresholds, with_short_thresholds
from toolkit.runtime.pack.forest import Forest

# Operators that only put numbers elsewhere.
MOVES = ("Concat", "Flatten", "GatherND", "Identity", "Reshape", "ScatterND")

Coded = tuple[Forest, Leaves | None]


def exact_trees(model: onnx.ModelProto) -> list[Coded]:
    """Return the ensembles as they are, with codes only where these say the same."""
    return [(f, exact_leaves(f)) for f in find_forests(model)]


def coded_trees(
    model: onnx.ModelProto, calibration: Calibration, levels: int, thresholds: int | None = None
) -> list[Coded]:
    """Return the ensembles with thresholds in float32 and leaf codes of about so many levels.

    thresholds: at most so many a feature, None for all of them. Ensembles that give positions in a
    table, not values, keep their leaves whatever the levels.
    """
    forests = [with_short_thresholds(f) for f in find_forests(model)]
    if not forests:
        return []
    whole = positions(model)
    coded: list[Coded] = []
    inputs = calibration.activations(model, [f.source for f in forests])
    for forest, rows in zip(forests, inputs, strict=True):
        if thresholds is not None:
            forest = with_fewer_thresholds(forest, rows, thresholds)
        exact = forest.output in whole
        coded.append(
            (forest, exact_leaves(forest) if exact else encode_leaves(forest, rows, levels))
        )
    return coded


def positions(model: onnx.ModelProto) -> set[str]:
    """Return the tensors that become integers, or an order: trees must give them exactly.

    Those, too, of which another only has the rows elsewhere.
    """
    integers = {onnx.TensorProto.INT64, onnx.TensorProto.INT32}
    inputs: set[str] = set()
    for node in reversed(model.graph.node):
        if (node.op_type == "Cast" and node.attribute[0].i in integers) or node.op_type == "TopK":
            inputs.add(node.input[0])
        elif node.op_type in MOVES and inputs.intersection(node.output):
            inputs.update(node.input)
    return inputs
