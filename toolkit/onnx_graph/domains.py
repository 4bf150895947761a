"""The domains that operators are of, and their versions in a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

STANDARD = ("", "ai.onnx")
ML = "ai.onnx.ml"
CONTRIBUTED = "com.microsoft"  # where onnxruntime has the operators that are its own
TOKENIZER, MURMUR = "Tokenizer", "MurmurHash3"


def opset(model: onnx.ModelProto) -> int:
    """Return the version of the standard operators that the graph is written in."""
    return next(o.version for o in model.opset_import if o.domain in STANDARD)


def imports(model: onnx.ModelProto, domain: str) -> bool:
    """Tell whether the model names a version of the domain."""
    return any(o.domain == domain for o in model.opset_import)


def contributed_types(nodes: Iterable[onnx.NodeProto]) -> list[onnx.ValueInfoProto]:
    """Return the types of what onnxruntime's own operators give.

    onnx's shape inference knows nothing of them, and crashes on what comes after them.
    """
    from onnx import TensorProto, helper

    kinds = {TOKENIZER: TensorProto.STRING, MURMUR: TensorProto.INT32}
    return [
        helper.make_tensor_value_info(n.output[0], kinds[n.op_type], [None, None])
        for n in nodes
        if n.domain == CONTRIBUTED and n.op_type in kinds
    ]
