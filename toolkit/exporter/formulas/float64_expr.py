"""Float64 tensors of the graph under numpy's operators, so that a formula reads as it is written.

Distances, kernels and votes are computed in float64 whatever the graph's inputs are: scikit-learn
does, and `‖x‖² − 2 x·s + ‖s‖²` loses in float32 what decides which neighbour is nearer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.values import ELEMENT, Matrix, Value

SMALL = 32  # constants of fewer numbers are not worth a Cast


@dataclass(frozen=True)
class Flag:
    """A tensor of booleans."""

    g: Conversion
    name: str

    def __and__(self, other: Flag) -> Flag:
        return Flag(self.g, self.g.add("And", [self.name, other.name], "both"))

    def __or__(self, other: Flag) -> Flag:
        return Flag(self.g, self.g.add("Or", [self.name, other.name], "either"))

    def __invert__(self) -> Flag:
        return Flag(self.g, self.g.add("Not", [self.name], "not"))

    def where(self, yes: Float64 | Any, no: Float64 | Any) -> Float64:
        """Return `yes` where true, `no` elsewhere."""
        names = [self.name, named(self.g, yes), named(self.g, no)]
        return Float64(self.g, self.g.add("Where", names, "where"))

    def float64(self) -> Float64:
        """Return 1.0 where true, 0.0 elsewhere."""
        return Float64(self.g, self.g.add("Cast", [self.name], "cast", to=ELEMENT["float64"]))


@dataclass(frozen=True)
class Float64:
    """A tensor of float64 numbers; operators broadcast, constants may be numbers or arrays."""

    g: Conversion
    name: str

    def __add__(self, other: Any) -> Float64:
        return self._binary("Add", self, other)

    def __radd__(self, other: Any) -> Float64:
        return self._binary("Add", other, self)

    def __sub__(self, other: Any) -> Float64:
        return self._binary("Sub", self, other)

    def __rsub__(self, other: Any) -> Float64:
        return self._binary("Sub", other, self)

    def __mul__(self, other: Any) -> Float64:
        return self._binary("Mul", self, other)

    def __rmul__(self, other: Any) -> Float64:
        return self._binary("Mul", other, self)

    def __truediv__(self, other: Any) -> Float64:
        return self._binary("Div", self, other)

    def __rtruediv__(self, other: Any) -> Float64:
        return self._binary("Div", other, self)

    def __matmul__(self, other: Any) -> Float64:
        return self._binary("MatMul", self, other)

    def __pow__(self, power: Any) -> Float64:
        return self._binary("Pow", self, power)

    def __neg__(self) -> Float64:
        return self.apply("Neg")

    # numpy must leave `array * real` to us instead of looping over the array.
    __array_ufunc__ = None

    def _binary(self, op: str, a: Any, b: Any) -> Float64:
        names = [named(self.g, a), named(self.g, b)]
        return Float64(self.g, self.g.add(op, names, op.lower()))

    def apply(self, op: str, **attributes: Any) -> Float64:
        """Return `op` of every element: Exp, Log, Sqrt, Abs, Neg, Sin, Tanh, Sign, Softmax."""
        return Float64(self.g, self.g.add(op, [self.name], op.lower(), **attributes))

    def cosine(self) -> Float64:
        """Return the cosine, as a sine: onnxruntime up to 1.23 has no Cos of float64."""
        return (self + float(np.pi / 2)).apply("Sin")

    def at_least(self, limit: Any) -> Float64:
        """Return the larger of the two, elementwise."""
        return self._binary("Max", self, limit)

    def at_most(self, limit: Any) -> Float64:
        """Return the smaller of the two, elementwise."""
        return self._binary("Min", self, limit)

    def sum(self, axis: int, keep: bool = True) -> Float64:
        """Return the sum over an axis."""
        return self.reduce("ReduceSum", axis, keep)

    def mean(self, axis: int, keep: bool = True) -> Float64:
        """Return the mean over an axis."""
        return self.reduce("ReduceMean", axis, keep)

    def reduce(self, op: str, axis: int, keep: bool = True) -> Float64:
        """Return `op` (ReduceMax, ReduceMin, ReduceSumSquare, …) over an axis."""
        return Float64(self.g, self.g.reduce(op, self.name, [axis], keep))

    def compare(self, op: str, other: Any) -> Flag:
        """Return `op` (Less, LessOrEqual, Greater, GreaterOrEqual, Equal) of the two."""
        names = [self.name, named(self.g, other)]
        return Flag(self.g, self.g.add(op, names, op.lower()))

    def take(self, index: str | Sequence[int] | np.ndarray, axis: int) -> Float64:
        """Return the entries at these positions (a tensor's name, or numbers) of an axis."""
        at = index if isinstance(index, str) else self.g.constant(index, "int64", "at")
        return Float64(self.g, self.g.add("Gather", [self.name, at], "taken", axis=axis))

    def reshape(self, *shape: int) -> Float64:
        """Return the same numbers in another shape; 0 keeps a dimension, −1 is what remains."""
        target = self.g.constant(shape, "int64", "shape")
        return Float64(self.g, self.g.add("Reshape", [self.name, target], "reshaped"))

    def swap(self, *order: int) -> Float64:
        """Return the axes in another order."""
        return self.apply("Transpose", perm=list(order))

    def index(self, op: str) -> Matrix:
        """Return the column of a row's extreme (ArgMax, ArgMin), int64 [N]; of equals the first."""
        name = self.g.add(op, [self.name], "index", axis=1, keepdims=0)
        return Matrix(name, "int64", 0)

    def smallest(self, count: int) -> tuple[Float64, str]:
        """Return each row's smallest entries in order, and their positions (int64).

        Of equal entries the first comes first.
        """
        k = self.g.constant([count], "int64", "count")
        values, at = self.g.add_many(
            "TopK", [self.name, k], "nearest", outputs=2, axis=-1, largest=0, sorted=1
        )
        return Float64(self.g, values), at

    def matrix(self, dtype: str, width: int) -> Matrix:
        """Return the tensor as the graph's Matrix [N, width] of `dtype`."""
        return self.g.cast(Matrix(self.name, "float64", width), dtype)


def float64(g: Conversion, x: Value) -> Float64:
    """Return a converter's input as float64."""
    return Float64(g, g.cast(g.floating(x), "float64").name)


def constant(g: Conversion, values: Any, hint: str = "constant") -> Float64:
    """Return a constant; kept as float32 and cast where that is exact and saves bytes.

    onnxruntime does the cast once, when it opens the graph.
    """
    array = np.asarray(values, dtype=np.float64)
    with np.errstate(over="ignore"):
        exact = np.array_equal(array.astype(np.float32).astype(np.float64), array, equal_nan=True)
    if array.size < SMALL or not exact:
        return Float64(g, g.constant(array, "float64", hint))
    narrow = g.constant(array, "float32", hint)
    return Float64(g, g.add("Cast", [narrow], "cast", to=ELEMENT["float64"]))


def named(g: Conversion, value: Any) -> str:
    """Return the tensor's name; a number or array becomes a constant."""
    return value.name if isinstance(value, Float64) else constant(g, value).name


def joined(parts: Sequence[Float64], axis: int = 1) -> Float64:
    """Return the parts side by side."""
    if len(parts) == 1:
        return parts[0]
    g = parts[0].g
    return Float64(g, g.add("Concat", [p.name for p in parts], "joined", axis=axis))
