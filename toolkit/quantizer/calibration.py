"""Calibration rows, and the activations that they cause inside a graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from toolkit.bundle import Bundle, Rows
from toolkit.onnx_graph.index import leading_to
from toolkit.runtime.inputs import prepare
from toolkit.runtime.predictor import Predictor
from toolkit.runtime.session import open_session


@dataclass(frozen=True)
class Calibration:
    """Training rows as the graph takes them (`feed`), and as the bundle keeps them (`rows`)."""

    feed: dict[str, np.ndarray]
    rows: Rows

    @staticmethod
    def of(bundle: Bundle, model: bytes) -> Calibration:
        """Return a bundle's calibration rows for its model."""
        rows = bundle.calibration()
        return Calibration(
            prepare(rows.inputs, Predictor(model, str(bundle.model_path)).inputs), rows
        )

    def activations(self, model: onnx.ModelProto, names: Sequence[str]) -> list[np.ndarray]:
        """Return the named tensors for the calibration rows; the model itself is not changed.

        Each call runs what of the graph leads to them: ask for all at once.
        """
        inputs = {i.name for i in model.graph.input}
        inner = [n for n in dict.fromkeys(names) if n not in inputs]
        values = dict(self.feed)
        if inner:
            probe = _up_to(model, inner)
            session = open_session(probe.SerializeToString(), "the calibration graph")
            feed = {i.name: self.feed[i.name] for i in probe.graph.input}
            values |= dict(zip(inner, session.run(inner, feed), strict=True))
        return [values[n] for n in names]


def _up_to(model: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """Return what of a graph the named tensors need, these as its outputs."""
    graph = model.graph
    nodes, read = leading_to(graph.node, names)
    part = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    part.graph.name = graph.name
    part.graph.node.extend(nodes)
    part.graph.input.extend(i for i in graph.input if i.name in read)
    part.graph.initializer.extend(t for t in graph.initializer if t.name in read)
    part.graph.output.extend(onnx.ValueInfoProto(name=n) for n in names)
    return part
