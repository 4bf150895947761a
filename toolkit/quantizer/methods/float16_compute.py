"""The float32 graph in half precision, weights and sums, with float32 inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from toolkit.errors import CorruptArtifact, first_line
from toolkit.metrics import losses
from toolkit.onnx_graph.domains import STANDARD
from toolkit.onnx_graph.edits import copied, replace_nodes
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.refusals import NotApplicable
from toolkit.runtime.session import open_session

SUFFIX = ".onnx"
LIMITS = {"nmse": 1e-3, "agreement": 0.995}

# Rows that the reference evaluator, which is slow, is asked for.
ROWS = 128
LARGEST = float(np.finfo(np.float16).max)


def apply(model: onnx.ModelProto, calibration: Calibration) -> bytes:
    """Return the graph in half precision; NotApplicable where an operator or a number rules it out.

    A scaler of the inputs stays float32, and so does what is float64: raw features may be far from
    their mean. onnxruntime has hardly any half-precision kernels for processors and computes such a
    graph in float32 between casts; what a processor that has them computes, overflow at 65504
    included, is therefore held against the float graph in ONNX's reference evaluator.
    """
    changed = copied(model)
    graph = changed.graph
    scalers = _scalers(graph)
    halved = [n for at, n in enumerate(graph.node) if at not in scalers]
    _refuse(changed, halved)
    read = {name for node in halved for name in node.input}
    floats = [t for t in graph.initializer if t.data_type == TensorProto.FLOAT and t.name in read]
    if not floats:
        raise NotApplicable("the graph has no weight matrix or vector in float32 to halve")
    for tensor in floats:
        _halve(tensor)
    for node in halved:
        _halve_attributes(node)
    _cast_ends(graph, scalers)
    del graph.value_info[:]
    try:
        onnx.checker.check_model(changed, full_check=True)
        content = changed.SerializeToString(deterministic=True)
        open_session(content, "in half precision")
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise NotApplicable(f"ONNX has no half precision for it ({first_line(error)})") from None
    except CorruptArtifact as error:
        raise NotApplicable(first_line(error)) from None
    _hold(model, changed, calibration)
    return content


def _hold(model: onnx.ModelProto, changed: onnx.ModelProto, calibration: Calibration) -> None:
    """Raise NotApplicable where true half-precision arithmetic breaks the limits on a few rows."""
    feed = {name: rows[:ROWS] for name, rows in calibration.feed.items()}
    names = [o.name for o in model.graph.output]
    session = open_session(model.SerializeToString(), "the float graph")
    expected = dict(zip(names, session.run(names, feed), strict=True))
    with np.errstate(all="ignore"):
        got = dict(zip(names, ReferenceEvaluator(changed).run(names, feed), strict=True))
    error, agreement = losses(expected, got)
    if not (error <= LIMITS["nmse"] and agreement >= LIMITS["agreement"]):
        raise NotApplicable(
            "with sums in half precision (ONNX's reference evaluator) the normalised MSE is "
            f"{error:.3g} and {agreement:.4g} of the labels agree, limits {LIMITS['nmse']:g} and "
            f"{LIMITS['agreement']:g}"
        )


def _scalers(graph: onnx.GraphProto) -> set[int]:
    """Return the positions of the nodes that shift and scale the inputs before anything else."""
    known = {v.name for v in graph.input} | {t.name for t in graph.initializer}
    scalers = set()
    for at, node in enumerate(graph.node):
        if node.op_type in ("Sub", "Mul", "Add", "Div") and known.issuperset(node.input):
            scalers.add(at)
            known.update(node.output)
    return scalers


def _refuse(model: onnx.ModelProto, nodes: Iterable[onnx.NodeProto]) -> None:
    """Raise NotApplicable for what has no half-precision form."""
    types = _types(model)
    for node in nodes:
        floats = any(types.get(n) == TensorProto.FLOAT for n in [*node.input, *node.output])
        if node.domain not in STANDARD and floats:
            raise NotApplicable(f"{node.op_type} has no form in half precision")
        if any(a.type == AttributeProto.GRAPH for a in node.attribute):
            raise NotApplicable(f"{node.op_type} holds a graph of its own, which stays as it is")


def _types(model: onnx.ModelProto) -> dict[str, int]:
    graph = onnx.shape_inference.infer_shapes(model).graph
    typed = [*graph.input, *graph.output, *graph.value_info]
    return {v.name: v.type.tensor_type.elem_type for v in typed} | {
        t.name: t.data_type for t in graph.initializer
    }


def _halve(tensor: onnx.TensorProto) -> None:
    """Give a float32 tensor the type float16, in place."""
    values = numpy_helper.to_array(tensor)
    largest = float(np.abs(values).max(initial=0.0))
    if not largest <= LARGEST:
        raise NotApplicable(f"initializer {tensor.name!r} holds {largest:g}, float16 ends at 65504")
    tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), tensor.name))


def _halve_attributes(node: onnx.NodeProto) -> None:
    for attribute in node.attribute:
        if attribute.t.data_type == TensorProto.FLOAT:
            _halve(attribute.t)
        elif node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
            attribute.i = TensorProto.FLOAT16


def _cast_ends(graph: onnx.GraphProto, scalers: set[int]) -> None:
    """Cast what enters the half-precision part, and the graph's outputs back, in place."""
    floats = {v.name for v in graph.input if v.type.tensor_type.elem_type == TensorProto.FLOAT}
    outputs = [v.name for v in graph.output if v.type.tensor_type.elem_type == TensorProto.FLOAT]
    ends = set(outputs)
    first = [graph.node[at] for at in sorted(scalers)]
    halved = [n for at, n in enumerate(graph.node) if at not in scalers]
    floats |= {name for node in first for name in node.output}
    reads = {name for node in halved for name in node.input}
    makers = {name: node for node in halved for name in node.output}
    before = [_cast(n, f"{n}_half", TensorProto.FLOAT16) for n in sorted(floats & reads)]
    after = []
    for name in outputs:
        maker = makers.get(name)
        if maker is not None and maker.op_type == "Cast" and name not in reads:
            maker.attribute[0].i = TensorProto.FLOAT  # from float64 straight to float32
            ends.discard(name)
        elif maker is not None:
            after.append(_cast(f"{name}_half", name, TensorProto.FLOAT))
    for node in halved:
        for names in (node.input, node.output):
            names[:] = [f"{n}_half" if n in floats | ends else n for n in names]
    replace_nodes(graph, [*first, *before, *halved, *after])


def _cast(source: str, target: str, kind: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [target], to=kind)
