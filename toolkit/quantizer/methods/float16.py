"""Weights stored as float16 in the ONNX graph and cast back when it is opened."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from toolkit.onnx_graph.edits import copied, replace_nodes
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.graphs.weight_only import parameters_of
from toolkit.quantizer.refusals import NotApplicable

SUFFIX = ".onnx"
LIMITS = {"nmse": 1e-3, "agreement": 0.995}


def apply(model: onnx.ModelProto, calibration: Calibration) -> bytes:
    """Return the graph with float16 weights; NotApplicable where it has none or one overflows.

    The sums stay in float32 or float64: onnxruntime folds the casts away when it opens the graph,
    so that nothing but the weights' rounding (2**-11, relative) changes, on every processor alike.
    """
    weights = parameters_of(model)
    changed = copied(model)
    constants = {t.name: t for t in changed.graph.initializer}
    casts = []
    for weight in weights:
        largest = float(np.abs(weight.values).max())
        if not largest <= float(np.finfo(np.float16).max):
            raise NotApplicable(
                f"initializer {weight.name!r} holds {largest:g}, float16 ends at 65504"
            )
        half = f"{weight.name}_half"
        constants[weight.name].CopyFrom(
            numpy_helper.from_array(weight.values.astype(np.float16), half)
        )
        kind = helper.np_dtype_to_tensor_dtype(weight.values.dtype)
        casts.append(helper.make_node("Cast", [half], [weight.name], to=kind))
    replace_nodes(changed.graph, [*casts, *changed.graph.node])
    onnx.checker.check_model(changed)
    return changed.SerializeToString(deterministic=True)
