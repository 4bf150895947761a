"""Linear classifiers as products: the operator holds its weights where nothing can code them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from toolkit.onnx_graph.domains import ML
from toolkit.onnx_graph.edits import copied, replace_nodes
from toolkit.onnx_graph.subgraphs import namer

LINEAR = "LinearClassifier"
# What makes probabilities of the scores, by the operator's post_transform.
AFTER: dict[str, tuple[str, dict[str, int]]] = {
    "NONE": ("", {}),
    "LOGISTIC": ("Sigmoid", {}),
    "SOFTMAX": ("Softmax", {"axis": 1}),
}


def with_products(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph with each LinearClassifier as a Gemm and what makes the label of its scores.

    The model itself where it has none. Two classes whose scores are each other's negative become a
    product of one column. What the exporter never writes stays, for the methods to refuse.
    """
    if not any(map(_is_known, model.graph.node)):
        return model
    changed = copied(model)
    writer = _Writer(changed)
    for node in model.graph.node:
        if _is_known(node):
            writer.classifier(node)
        else:
            writer.nodes.append(node)
    replace_nodes(changed.graph, writer.nodes)
    if not any(n.domain == ML for n in changed.graph.node):
        others = [o for o in changed.opset_import if o.domain != ML]
        del changed.opset_import[:]
        changed.opset_import.extend(others)
    return changed


def _is_known(node: onnx.NodeProto) -> bool:
    if node.op_type != LINEAR or len(node.output) != 2:
        return False
    attributes = _attributes(node)
    scores, classes = len(attributes["intercepts"]), len(_classes(attributes))
    several = scores == classes > 1 and attributes["post_transform"] in AFTER
    return several or _is_sign(attributes)


def _is_sign(attributes: dict[str, Any]) -> bool:
    """Tell whether only the sign of the one input counts, which is what has a label of its own."""
    alone = attributes["coefficients"] == [1.0] and attributes["intercepts"] == [0.0]
    return alone and len(_classes(attributes)) == 2


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    transform = attributes.get("post_transform", b"NONE").decode()
    return {"coefficients": [], "intercepts": [], **attributes, "post_transform": transform}


def _classes(attributes: dict[str, Any]) -> np.ndarray:
    text = attributes.get("classlabels_strings")
    if text:
        return np.array([t.decode() for t in text], dtype=object)
    return np.array(attributes.get("classlabels_ints", []), dtype=np.int64)


class _Writer:
    """Nodes in the place of classifiers, named as the exporter names them."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.graph = model.graph
        self.nodes: list[onnx.NodeProto] = []
        self._name = namer(self.graph)

    def classifier(self, node: onnx.NodeProto) -> None:
        """Write what stands for one node."""
        attributes = _attributes(node)
        classes = _classes(attributes)
        label, result = node.output
        if _is_sign(attributes):
            self._sign(node.input[0], classes, label)
            return
        operator, more = AFTER[attributes["post_transform"]]
        scores = self._name("scores") if operator else result
        bias = np.array(attributes["intercepts"], dtype=np.float32)
        weights = np.array(attributes["coefficients"], dtype=np.float32).reshape(len(bias), -1).T
        self._product(node.input[0], weights, bias, scores)
        plain = np.array_equal(classes, np.arange(len(classes)))
        index = label if plain else self._name("index")
        self._add("ArgMax", [scores], index, axis=1, keepdims=0)
        self._look_up(index, classes, label)
        if operator:
            self._add(operator, [scores], result, **more)

    def _product(self, source: str, weights: np.ndarray, bias: np.ndarray, scores: str) -> None:
        mirrored = np.array_equal(weights[:, 0], -weights[:, 1]) and bias[0] == -bias[1]
        if weights.shape[1] > 2 or len(weights) == 1 or not mirrored:
            self._affine(source, weights, bias, scores)
            return
        score = self._name("scores")
        self._affine(source, np.ascontiguousarray(weights[:, 1:]), bias[1:], score)
        sides = np.array([[-1.0, 1.0]], dtype=np.float32)
        self._affine(score, sides, np.zeros(2, dtype=np.float32), scores)

    def _affine(self, source: str, weights: np.ndarray, bias: np.ndarray, scores: str) -> None:
        names = [self._constant(weights, "coefficient"), self._constant(bias, "intercept")]
        self._add("Gemm", [source, *names], scores)

    def _sign(self, score: str, classes: np.ndarray, label: str) -> None:
        above, number = self._name("above"), self._name("cast")
        zero = self._constant(np.zeros(1, dtype=np.float32), "threshold")
        self._add("Greater", [score, zero], above)
        self._add("Cast", [above], number, to=TensorProto.INT64)
        plain = np.array_equal(classes, [0, 1])
        index = label if plain else self._name("index")
        self._add("Reshape", [number, self._constant(np.array([-1]), "flat")], index)
        self._look_up(index, classes, label)

    def _look_up(self, index: str, classes: np.ndarray, label: str) -> None:
        if index != label:
            self._add("Gather", [self._constant(classes, "classes"), index], label, axis=0)

    def _add(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))

    def _constant(self, values: np.ndarray, hint: str) -> str:
        name = self._name(hint)
        self.graph.initializer.append(numpy_helper.from_array(values, name))
        return name
