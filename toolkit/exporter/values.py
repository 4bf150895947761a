"""What goes through a conversion: tensors with their types, and where they came from.

Records alone: nothing here adds a node.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeVar

from onnx import TensorProto

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


@dataclass(frozen=True, eq=False)
class Origin:
    """One thing that is known of where a value came from; the kinds are in exporter.origins."""


Kind = TypeVar("Kind", bound=Origin)


@dataclass(frozen=True)
class Traced:
    """What carries records of its origin, of each kind one at most; they make no value another."""

    origins: tuple[Origin, ...] = field(default=(), compare=False, repr=False, kw_only=True)

    def origin(self, kind: type[Kind]) -> Kind | None:
        """Return the record of this kind, None where there is none."""
        return next((o for o in self.origins if isinstance(o, kind)), None)


@dataclass(frozen=True)
class Matrix(Traced):
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

    def knowing(self, *origins: Origin) -> Matrix:
        """Return the same tensor with these records, in place of any of their kind."""
        kinds = {type(o) for o in origins}
        return replace(self, origins=(*(o for o in self.origins if type(o) not in kinds), *origins))


NOTHING = Matrix("", "float32", 0)  # beside what other steps give it goes without saying


@dataclass(frozen=True)
class Table(Traced):
    """Named columns, each a Matrix of width 1: what a model fitted on a data frame takes."""

    columns: tuple[tuple[str, Matrix], ...]


Value = Matrix | Table
# What a converter returns: "transform", "predict", "predict_proba", "decision_function" -> tensor.
Outputs = dict[str, Matrix]


def matrices(x: Value) -> list[Matrix]:
    """Return the columns of a table, or the one matrix."""
    return [m for _, m in x.columns] if isinstance(x, Table) else [x]
