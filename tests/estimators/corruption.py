"""One number, or one text, of a graph changed: what a proof must see."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import onnx
from onnx import helper, numpy_helper

from toolkit.onnx_graph.subgraphs import inside

Change = Callable[[np.ndarray], np.ndarray]
# The attributes in which LinearClassifier and Binarizer hold what others have as constants.
HELD = {
    "coefficient": "coefficients",
    "intercept": "intercepts",
    "classes": "classlabels_strings",
    "binarize": "threshold",
}


def corrupted(content: bytes, hint: str, change: Change) -> bytes:
    """Return the model with the first constant changed whose name begins so.

    Where there is none: the attribute that holds it.
    """
    model = onnx.load_from_string(content)
    found = [t for t in constants(model.graph) if t.name.startswith(hint)]
    if found:
        values = change(numpy_helper.to_array(found[0]).copy())
        found[0].CopyFrom(numpy_helper.from_array(values, found[0].name))
        return model.SerializeToString()
    wanted = HELD[hint.rstrip("0123456789")]
    attribute = next(a for n in model.graph.node for a in n.attribute if a.name == wanted)
    given = helper.get_attribute_value(attribute)
    values = change(_array(given))
    changed = values.tolist() if isinstance(given, list) else float(values[0])
    attribute.CopyFrom(helper.make_attribute(wanted, changed))
    return model.SerializeToString()


def constants(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Yield the constants of a graph and of the graphs in it."""
    yield from graph.initializer
    for node in graph.node:
        for inner in inside(node):
            yield from constants(inner)


def _array(given: object) -> np.ndarray:
    values = given if isinstance(given, list) else [given]
    text = isinstance(values[0], bytes)
    return np.array([v.decode() for v in values], dtype=object) if text else np.array(values)
