"""Let one LinearClassifier compute scores and labels: a node costs as much as a small product.

The operator picks the first largest score, before it makes probabilities of them, just as ArgMax
would; and it looks up labels of text faster than Gather copies them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from toolkit.exporter.opsets import ML_OPSETS
from toolkit.exporter.passes import prune
from toolkit.onnx_graph import kernel_sums
from toolkit.onnx_graph.domains import ML, imports, opset
from toolkit.onnx_graph.edits import replace_nodes
from toolkit.onnx_graph.index import Index
from toolkit.onnx_graph.subgraphs import namer
from toolkit.runtime.attributes import floats

LINEAR = "LinearClassifier"
# The operator packs its weights anew in every call: of more than so many, Gemm is faster
# (onnxruntime 1.31: 1.04 of its time at 256 x 10 weights and ten rows, 1.3 at 1000 x 20).
MOST_WEIGHTS = 2560


@dataclass(frozen=True)
class Affine:
    """A node that is `source @ weights + bias`; weights float32 [d, k], bias [k]."""

    node: onnx.NodeProto
    weights: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class Label:
    """The nodes that make labels [N] of scores, and the labels' names in the order of classes."""

    nodes: tuple[onnx.NodeProto, ...]
    classes: np.ndarray


def apply(model: onnx.ModelProto) -> bool:
    """Fuse every such product with its labels; return whether there was one.

    A product of one column stays, and the operator compares its scores with 0. Scores of which only
    a sigmoid is wanted come out as that.
    """
    graph = _Graph(model)
    changed = False
    for node in list(model.graph.node):
        affine = graph.affine(node)
        if affine is not None:
            changed |= _fuse(model, graph, affine)
    if changed:
        if not imports(model, ML):
            model.opset_import.append(helper.make_opsetid(ML, ML_OPSETS[opset(model)]))
        prune.apply(model)
    return changed


def packed_weights(model: onnx.ModelProto) -> dict[str, bytes]:
    """Take the weights out of the operators; return them serialized, by the node's first output.

    onnx's own messages spend a byte more on every number of an attribute than they need.
    """
    packed = {}
    for node in model.graph.node:
        for at, attribute in enumerate(node.attribute):
            if node.op_type == LINEAR and attribute.name == "coefficients":
                weights = np.array(attribute.floats, dtype=np.float32)
                packed[node.output[0]] = floats(attribute.name, weights)
                del node.attribute[at]
                break
    return packed


def _fuse(model: onnx.ModelProto, graph: _Graph, affine: Affine) -> bool:
    scores = affine.node.output[0]
    if affine.weights.shape[1] == 1:
        label = graph.positive(scores)
        if label is None:
            return False
        node = _classifier(scores, np.ones((1, 1)), np.zeros(1), label, "NONE", graph.name(scores))
        _replace(model, label.nodes, node)
        return True
    label = graph.largest(scores)
    affine = graph.mirrored(affine) or affine
    if label is None or affine.weights.size > MOST_WEIGHTS or not graph.free(affine):
        return False
    gone, result, transform = [affine.node, *label.nodes], scores, "NONE"
    sigmoid = graph.only_sigmoid(scores, label)
    if sigmoid is not None:
        gone, result, transform = [*gone, sigmoid], sigmoid.output[0], "LOGISTIC"
    if affine.node.output[0] != scores:
        gone.append(graph.makers[scores])
    source = affine.node.input[0]
    node = _classifier(source, affine.weights, affine.bias, label, transform, result)
    _replace(model, gone, node)
    return True


def _classifier(
    source: str,
    weights: np.ndarray,
    bias: np.ndarray,
    label: Label,
    transform: str,
    result: str,
) -> onnx.NodeProto:
    text = label.classes.dtype.kind == "O"
    names: dict[str, Any] = {
        "classlabels_strings" if text else "classlabels_ints": label.classes.tolist()
    }
    return helper.make_node(
        LINEAR,
        [source],
        [label.nodes[-1].output[0], result],
        domain=ML,
        coefficients=weights.T.ravel().tolist(),
        intercepts=bias.tolist(),
        post_transform=transform,
        **names,
    )


def _replace(model: onnx.ModelProto, gone: Sequence[onnx.NodeProto], node: onnx.NodeProto) -> None:
    """Put a node where the first of those that go was; what it reads is there by then.

    Those that read what it makes come later: they read what the ones that go made.
    """
    outputs = {n.output[0] for n in gone}
    nodes = list(model.graph.node)
    at = min(k for k, n in enumerate(nodes) if n.output[0] in outputs)
    others = [n for n in nodes if n.output[0] not in outputs]
    replace_nodes(model.graph, [*others[:at], node, *others[at:]])


class _Graph(Index):
    """A model's nodes by what they make and read, as they were before anything was fused."""

    def __init__(self, model: onnx.ModelProto) -> None:
        super().__init__(model.graph)
        self.name = namer(model.graph)
        self.told = {name for s in kernel_sums.of(model) for name in (s.dual, s.total)}

    def affine(self, node: onnx.NodeProto) -> Affine | None:
        """Return the node as a product with constants, None where it is none."""
        if node.op_type != "Gemm" or node.domain or node.attribute or len(node.input) != 3:
            return None
        held = [self.constants.get(name) for name in node.input[1:]]
        if any(t is None or t.data_type != TensorProto.FLOAT for t in held):
            return None
        weights, bias = (numpy_helper.to_array(t) for t in held if t is not None)
        if (
            weights.ndim != 2
            or bias.size != weights.shape[1]
            or not self.told.isdisjoint([*node.input, *node.output])
        ):
            return None
        return Affine(self.makers[node.output[0]], weights, bias.reshape(-1))

    def free(self, affine: Affine) -> bool:
        """Tell whether the operator can hold the numbers: its attributes are finite floats."""
        return bool(np.isfinite(affine.weights).all() and np.isfinite(affine.bias).all())

    def mirrored(self, affine: Affine) -> Affine | None:
        """Return the product `[−s, s] · c` of what its source s, one column, was made of.

        None where the source is no such product, or something else wants it.
        """
        source = affine.node.input[0]
        maker = self.makers.get(source)
        inner = None if maker is None else self.affine(maker)
        if inner is None or len(self.readers(source)) > 1 or source in self.outputs:
            return None
        if affine.bias.any() or len(affine.weights) > 1 or affine.weights[0, 0] >= 0:
            return None
        if not np.array_equal(affine.weights, np.abs(affine.weights[:, :1]) * [[-1, 1]]):
            return None
        factors = affine.weights
        return Affine(inner.node, inner.weights @ factors, inner.bias * factors[0])

    def largest(self, scores: str) -> Label | None:
        """Return the nodes that pick the first largest score's label; None where none do."""
        for node in self.readers(scores):
            attributes = {a.name: a.i for a in node.attribute}
            if node.op_type == "ArgMax" and attributes == {"axis": 1, "keepdims": 0}:
                return self._named((node,), int(self._width(scores)))
        return None

    def positive(self, scores: str) -> Label | None:
        """Return the nodes that tell whether the one score is above 0; None where none do."""
        for node in self.readers(scores):
            chain = (node, *self._alone(node))
            if [n.op_type for n in chain[:3]] != ["Greater", "Cast", "Reshape"]:
                continue
            above, cast, flat = chain[:3]
            whole = [a.i for a in cast.attribute] == [TensorProto.INT64]
            zero, shape = self._values(above.input[1]), self._values(flat.input[1])
            if above.input[0] == scores and whole and zero == [0] and shape == [-1]:
                return self._named(chain[:3], 2)
        return None

    def only_sigmoid(self, scores: str, label: Label) -> onnx.NodeProto | None:
        """Return the Sigmoid that alone wants the scores beside their label."""
        others = [n for n in self.readers(scores) if n is not label.nodes[0]]
        if len(others) == 1 and others[0].op_type == "Sigmoid" and scores not in self.outputs:
            return others[0]
        return None

    def _named(self, nodes: tuple[onnx.NodeProto, ...], classes: int) -> Label:
        """Return the label's nodes with the look-up of the names, where the operator can do it."""
        for gather in self._alone(nodes[-1]):
            table = self.constants.get(gather.input[0])
            usual = [(a.name, a.i) for a in gather.attribute] in ([], [("axis", 0)])
            kinds = (TensorProto.INT64, TensorProto.STRING)
            if gather.op_type == "Gather" and usual and table and table.data_type in kinds:
                values = numpy_helper.to_array(table)
                if values.shape == (classes,):
                    return Label((*nodes, gather), _decoded(values))
            break
        return Label(nodes, np.arange(classes))

    def _alone(self, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
        """Yield the nodes behind this one, each the only reader of the one before."""
        while node.output[0] not in self.outputs:
            readers = self.readers(node.output[0])
            if len(readers) != 1:
                return
            node = readers[0]
            yield node

    def _width(self, scores: str) -> int:
        return int(self.constants[self.makers[scores].input[1]].dims[1])

    def _values(self, name: str) -> list[Any] | None:
        tensor = self.constants.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor).ravel().tolist()


def _decoded(classes: np.ndarray) -> np.ndarray:
    if classes.dtype.kind != "O":
        return classes
    return np.array([c.decode() if isinstance(c, bytes) else c for c in classes], dtype=object)
