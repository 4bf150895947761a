"""The domains that operators are of, and their versions in a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

STANDARD = ("", "ai.onnx")
ML = "ai.onnx.ml"
CONTRIBUTED = "com.microsoft"  # where onnxruntime has the operators that are its own


def opset(model: onnx.ModelProto) -> int:
    """Return the version of the standard operators that the graph is written in."""
    return next(o.version for o in model.opset_import if o.domain in STANDARD)


def imports(model: onnx.ModelProto, domain: str) -> bool:
    """Tell whether the model names a version of the domain."""
    return any(o.domain == domain for o in model.opset_import)
