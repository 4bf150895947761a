"""Write `(x − c) · k + r` at a graph's end as one BatchNormalization, which is `x · a + b`.

Three nodes cost a single row three times a node, and onnxruntime goes through a batch of narrow
rows ten times faster in its normalization than in a product with one number a column.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from toolkit.exporter.passes import prune
from toolkit.onnx_graph.edits import replace_nodes
from toolkit.onnx_graph.index import Index
from toolkit.onnx_graph.subgraphs import namer
from toolkit.precision import FLOAT32_UNIT, LINEAR_STEPS

STEPS = ("Sub", "Mul", "Add")
# `x · a` and the result are rounded to float32: with a shift up to this that is wrong by no more
# than chains of linear steps may be.
LARGEST_SHIFT = LINEAR_STEPS / (2 * FLOAT32_UNIT)
# Wide rows are no faster so (onnxruntime 1.31), and three more numbers a column are stored.
MOST_COLUMNS, MOST_OF_ONE_STEP = 512, 64


@dataclass(frozen=True)
class Scaling:
    """Nodes, the last first, that make `source · factor + shift`; both float64 [width]."""

    nodes: tuple[onnx.NodeProto, ...]
    source: str
    factor: np.ndarray
    shift: np.ndarray


def apply(model: onnx.ModelProto) -> bool:
    """Rewrite the float32 outputs that are such; return whether there was one."""
    changed = False
    for output in model.graph.output:
        scaling = _scaling(Index(model.graph), output)
        if scaling is not None:
            _rewrite(model, output.name, scaling)
            changed = True
    if changed:
        prune.apply(model)
    return changed


def _scaling(index: Index, output: onnx.ValueInfoProto) -> Scaling | None:
    kind, shape = output.type.tensor_type, output.type.tensor_type.shape.dim
    if kind.elem_type != TensorProto.FLOAT or len(shape) != 2 or not shape[1].dim_value:
        return None
    name, steps = output.name, []
    while name in index.makers:
        maker = index.makers[name]
        step = _step(maker, index.constants, shape[1].dim_value)
        if step is None or index.wanted(name) > 1:
            break
        steps.append((maker, *step))
        name = maker.input[0]
    width = shape[1].dim_value
    if not any(n.op_type == "Mul" for n, *_ in steps):
        return None
    if width > (MOST_COLUMNS if len(steps) > 1 else MOST_OF_ONE_STEP):
        return None
    factor, shift = np.ones(width), np.zeros(width)
    for _, times, plus in reversed(steps):
        factor, shift = factor * times, shift * times + plus
    if not np.abs(shift).max() <= LARGEST_SHIFT:
        return None
    return Scaling(tuple(n for n, *_ in steps), name, factor, shift)


def _step(
    node: onnx.NodeProto, constants: dict[str, onnx.TensorProto], width: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return what a node multiplies its first input by and adds then; None where it does not."""
    tensor = constants.get(node.input[1]) if node.op_type in STEPS else None
    if tensor is None or list(tensor.dims) not in ([width], [1, width]):
        return None
    values = numpy_helper.to_array(tensor).astype(np.float64).ravel()
    one, zero = np.ones(width), np.zeros(width)
    return {"Mul": (values, zero), "Add": (one, values), "Sub": (one, -values)}[node.op_type]


def _rewrite(model: onnx.ModelProto, output: str, scaling: Scaling) -> None:
    name = namer(model.graph)
    width = len(scaling.factor)
    values = {
        "factor": scaling.factor,
        "shift": scaling.shift,
        "nought": np.zeros(width),
        "unit": np.ones(width),
    }
    names = []
    for hint, array in values.items():
        names.append(name(hint))
        held = numpy_helper.from_array(array.astype(np.float32), names[-1])
        model.graph.initializer.append(held)
    node = helper.make_node("BatchNormalization", [scaling.source, *names], [output], epsilon=0.0)
    gone = {n.output[0] for n in scaling.nodes}
    at = next(k for k, n in enumerate(model.graph.node) if n.output[0] == output)
    others = [n for n in model.graph.node if n.output[0] not in gone]
    others.insert(at - len(gone) + 1, node)
    replace_nodes(model.graph, others)
