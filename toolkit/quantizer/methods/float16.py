"""Weights stored as float16 in the ONNX graph and cast back to float32 when it is opened."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.methods import NotApplicable
from toolkit.quantizer.parameters import find_kernel_sums
from toolkit.quantizer.weights import find_weights

SUFFIX = ".onnx"
LIMITS = {"nmse": 1e-3, "agreement": 0.995}


def apply(model: onnx.ModelProto, calibration: Calibration) -> bytes:
    """Return the graph with float16 weights; NotApplicable where it has none or one overflows.

    The sums stay in float32: onnxruntime folds the casts away when it opens the graph, so that
    nothing but the weights' rounding (2**-11, relative) changes, on every processor alike.
    """
    tables = _tables(model)
    if not tables:
        raise NotApplicable("the graph has no weight matrix among its initializers")
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    constants = {t.name: t for t in changed.graph.initializer}
    casts = []
    for name, values in tables.items():
        largest = float(np.abs(values).max())
        if not largest <= float(np.finfo(np.float16).max):
            raise NotApplicable(f"initializer {name!r} holds {largest:g}, float16 ends at 65504")
        half = f"{name}_half"
        constants[name].CopyFrom(numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *changed.graph.node]
    copies = [onnx.NodeProto.FromString(n.SerializeToString()) for n in nodes]
    del changed.graph.node[:]
    changed.graph.node.extend(copies)
    onnx.checker.check_model(changed)
    return changed.SerializeToString(deterministic=True)


def _tables(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """Return the float32 matrices of products, and the points and duals of sums of kernels."""
    names = {n for s in find_kernel_sums(model) for n in (s.points, s.dual)}
    kernels = {
        t.name: numpy_helper.to_array(t)
        for t in model.graph.initializer
        if t.name in names and t.data_type == TensorProto.FLOAT
    }
    return {w.name: w.values for w in find_weights(model)} | kernels
