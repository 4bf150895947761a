"""The session options under which onnxruntime runs a graph fastest, where they are not its own."""

from __future__ import annotations

from typing import Any

import onnx

PRODUCTS = ("Gemm", "MatMul")

# Weights of one column that are packed beforehand go through the kernel for matrices; as they are,
# through the one for a vector: .6 of the time at 1,000 rows and .4 at 20,000, the same at one
# (onnxruntime 1.31, 8 features). Weights of several columns lose by it in small batches.
NOT_PACKED = {"config": {"session.disable_prepacking": "1"}}


def session_options(model: onnx.ModelProto) -> dict[str, Any]:
    """Return what the manifest records for a graph; see `toolkit.runtime.session`.

    Nothing else paid over the recipes: without memory patterns .98–1.15 of the time at one row,
    without the arena up to 2.5 at 1,000 rows, with fewer optimizations 1.0.
    """
    shapes = {t.name: tuple(t.dims) for t in model.graph.initializer}
    products = [n for n in model.graph.node if n.op_type in PRODUCTS]
    one_column = [_columns(n, shapes.get(n.input[1], ())) == 1 for n in products]
    return NOT_PACKED if one_column and all(one_column) else {}


def _columns(node: onnx.NodeProto, shape: tuple[int, ...]) -> int | None:
    """Return how many columns a product's constant second operand has, None if it is another."""
    if len(shape) != 2:
        return None
    transposed = any(a.name == "transB" and a.i for a in node.attribute)
    return shape[0] if transposed else shape[1]
