"""What becomes of a variant inside onnxruntime: nothing at all, or something that nobody asked for.

onnxruntime rewrites graphs when it opens them. Most rewrites keep the numbers; some do not, as when
a DequantizeLinear before a product becomes a MatMulNBits that rounds the activations to int8.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from toolkit.metrics import losses
from toolkit.runtime.predictor import Predictor

# Below this share of the outputs' variance two ways of running a file give the same numbers.
SAME = 1e-7
# Operators of onnxruntime that multiply integers.
INTEGER_PRODUCTS = {
    "DynamicQuantizeMatMul",
    "MatMulInteger",
    "MatMulIntegerToFloat",
    "QGemm",
    "QLinearMatMul",
}


def notes(
    content: bytes,
    origin: str,
    session: Mapping[str, Any],
    inputs: Mapping[str, np.ndarray],
    limits: Mapping[str, float],
) -> str:
    """Return what is to be said of how onnxruntime runs a graph; "" where there is nothing.

    content: ONNX bytes; session: the options under which `toolkit.load` opens them. The outputs for
    `inputs` are held against those of the graph as it is written (no graph optimization), under
    these options and, where there are any, without them. limits: the method's.
    """
    written = _run(content, origin, {"graph_optimization_level": "none"}, inputs)
    model = onnx.load_model_from_string(content)
    run = optimized(content, session)
    before, said = operators(model), []
    ways = [(session, run, "")]
    if session:
        ways.append(({}, optimized(content, {}), "without its session options "))
    for options, rewritten, how in ways:
        after = operators(rewritten)
        got = _run(content, origin, options, inputs)
        moved, agreed = losses(written, got)
        if moved <= SAME and agreed == 1:
            continue
        new = sorted(after.keys() - before.keys()) or ["other sums"]
        wrong = moved > limits["nmse"] or agreed < limits["agreement"]
        said.append(
            f"{how}onnxruntime {onnxruntime.__version__} rewrites it to {', '.join(new)}: "
            f"{'wrong, ' if wrong else ''}normalised MSE {moved:.2g} from the graph as written"
        )
    return "; ".join([*said, *_kernels(model, run)])


def _kernels(model: onnx.ModelProto, run: onnx.ModelProto) -> Iterator[str]:
    """Say it where a graph asks for arithmetic that onnxruntime's kernels do not do."""
    if operators(model)["QuantizeLinear"] and not INTEGER_PRODUCTS & operators(run).keys():
        yield "onnxruntime rounds the activations but multiplies in float32"
    if _in_half_precision(model) and not _in_half_precision(run):
        yield "onnxruntime computes its half precision in float32 on this processor"


def _in_half_precision(model: onnx.ModelProto) -> bool:
    """Tell whether a MatMul or Gemm, fused or not, reads half-precision weights."""
    short = {t.name for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT16}
    return any(
        node.op_type.endswith(("MatMul", "Gemm")) and short.intersection(node.input)
        for node in model.graph.node
    )


def operators(model: onnx.ModelProto) -> Counter[str]:
    """Return how many nodes of each operator a graph has."""
    return Counter(node.op_type for node in model.graph.node)


def optimized(content: bytes, options: Mapping[str, Any]) -> onnx.ModelProto:
    """Return the graph that onnxruntime runs in place of this one, its weights included.

    options: as in a manifest, of which the "config" entries count here.
    """
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    for key, value in options.get("config", {}).items():
        settings.add_session_config_entry(key, value)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "optimized.onnx"
        settings.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])
        return onnx.load(path)


def _run(
    content: bytes, origin: str, options: Mapping[str, Any], inputs: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    return Predictor(content, origin, options=options).run(inputs)
