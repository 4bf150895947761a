"""What goes through a conversion: tensors with their types.

Records alone: nothing here adds a node.
"""

from __future__ import annotations

from dataclasses import dataclass

from onnx import TensorProto

ML = "ai.onnx.ml"
CONTRIBUTED = "com.microsoft"  # where onnxruntime has the operators that are its own

ELEMENT = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "int64": TensorProto.INT64,
    "int32": TensorProto.INT32,
    "bool": TensorProto.BOOL,
    "string": TensorProto.STRING,
}
FLOATS = ("float32", "float64")


class Unconvertible(Exception):
    """A converter knows that it cannot do an estimator's setting; the message names the setting.

    A setting is written `name=value`. remedy: what to do where it is neither another setting nor
    another estimator.
    """

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.remedy = remedy


@dataclass(frozen=True)
class Matrix:
    """A tensor [N, width] (or [N] where width is 0, for labels) of `dtype` in the graph.

    blank: what the empty text stands for (`Spec.missing`), None where nobody knows.
    """

    name: str
    dtype: str
    width: int
    blank: str | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether a step kept none of its columns: there is no tensor."""
        return not self.name


NOTHING = Matrix("", "float32", 0)  # beside what other steps give it goes without saying


@dataclass(frozen=True)
class Table:
    """Named columns, each a Matrix of width 1: what a model fitted on a data frame takes."""

    columns: tuple[tuple[str, Matrix], ...]


Value = Matrix | Table
# What a converter returns: "transform", "predict", "predict_proba", "decision_function" -> tensor.
Outputs = dict[str, Matrix]
