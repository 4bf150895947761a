"""The graph under construction: its nodes, constants and names, and operators of a few nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from toolkit.exporter.opsets import DEFAULT_OPSET
from toolkit.exporter.origins import ELEMENTWISE, Coded, Columnwise, Composed, Picked, SparseRows
from toolkit.exporter.values import (
    ELEMENT,
    FLOATS,
    Matrix,
    Origin,
    Table,
    Unconvertible,
    Value,
    matrices,
)

MOST_COLUMNS = 1 << 16  # columns of a matrix that a batch is given: 256 KB a row in float32


@dataclass
class Deferred:
    """Nodes that are chosen when the whole graph is known: where they go, and what they give."""

    at: int
    output: str


@dataclass
class Graph:
    """Nodes and constants in the order in which they were added.

    `floats` is the type that whole numbers and flags become among numbers; `wide` says that nothing
    is computed in float32 that could be in float64. `deferred` are nodes yet to be chosen. `bound`
    are tensors made of constants that stay in the branch or loop that reads them
    (formulas.chunks), and `too_wide` the columns of tensors that a batch is not given.
    """

    opset: int = DEFAULT_OPSET
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    deferred: list[Deferred] = field(default_factory=list)
    bound: set[str] = field(default_factory=set)
    too_wide: dict[str, int] = field(default_factory=dict)
    floats: str = "float32"
    wide: bool = False
    _names: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def subgraph(self, closed: bool) -> Iterator[Graph]:
        """Build a graph inside this one, with names that neither has twice.

        closed: it sees nothing of the graph around it, and has its own constants.
        """
        outer = self.nodes, self.constants
        inner = Graph(self.opset)
        self.nodes = inner.nodes
        if closed:
            self.constants = inner.constants
        try:
            yield inner
        finally:
            self.nodes, self.constants = outer

    def name(self, hint: str) -> str:
        """Return a tensor name that is not in use, as short as the hint allows."""
        count = self._names.get(hint, 0)
        self._names[hint] = count + 1
        return hint if count == 0 else self.name(f"{hint}{count}")

    def constant(self, values: Any, dtype: str, hint: str) -> str:
        """Add an initializer of `dtype` and return its name."""
        array = np.asarray(values)
        array = array.astype(object) if dtype == "string" else array.astype(dtype)
        name = self.name(hint)
        self.constants[name] = array
        return name

    def add(
        self, op: str, inputs: Sequence[str], hint: str, domain: str = "", **attributes: Any
    ) -> str:
        """Add a node and return its output's name."""
        return self.add_many(op, inputs, hint, 1, domain, **attributes)[0]

    def add_many(
        self,
        op: str,
        inputs: Sequence[str],
        hint: str,
        outputs: int,
        domain: str = "",
        **attributes: Any,
    ) -> list[str]:
        """Add a node of several outputs and return their names."""
        names = [self.name(hint) for _ in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, domain=domain, **attributes))
        return names

    def known(self, x: Matrix, *origins: Origin | None) -> Matrix:
        """Return x with those of these records that there are."""
        known = [o for o in origins if o is not None]
        for origin in known:
            if isinstance(origin, SparseRows | Coded) and origin.width > MOST_COLUMNS:
                self.too_wide[x.name] = origin.width
        return x.knowing(*known)

    def cast(self, x: Matrix, dtype: str) -> Matrix:
        """Return x as `dtype`; x itself where it is that already."""
        if x.dtype == dtype:
            return x
        name = self.add("Cast", [x.name], "cast", to=ELEMENT[dtype])
        rows = x.origin(SparseRows)
        if rows is not None:
            rows = replace(rows, values=self.cast(rows.values, dtype))
        result = self.known(Matrix(name, dtype, x.width), Picked(x), rows)
        if dtype not in FLOATS:
            return result
        return self.carry(x, result, lambda own, _: own, lambda part, _: self.cast(part, dtype))

    def carry(
        self,
        x: Matrix,
        result: Matrix,
        columnwise: Columnwise,
        other: Callable[[Matrix, slice], Matrix],
    ) -> Matrix:
        """Return an elementwise result, as a code where x is one; see `Coded.mapped`."""
        code = x.origin(Coded)
        return result if code is None else self.known(result, code.mapped(columnwise, other))

    def floating(self, x: Value) -> Matrix:
        """Return x as one matrix of floating-point numbers."""
        x = self.matrix(x)
        fits = x.dtype == "float64" or (x.dtype == "float32" and not self.wide)
        return x if fits else self.cast(x, self.floats)

    def matrix(self, x: Value) -> Matrix:
        """Return x as one matrix: columns are joined, numbers of several types become floats.

        Raises Unconvertible where text and numbers would have to share a matrix.
        """
        return self.join(matrices(x)) if isinstance(x, Table) else x

    def join(self, parts: Sequence[Matrix]) -> Matrix:
        """Return the parts side by side in one matrix of their common type.

        Parts without columns are left out; Unconvertible where no other is there.
        """
        parts = joined = [p for p in parts if p.width]
        if not parts:
            raise Unconvertible("a step that keeps no column, so it")
        dtypes = {p.dtype for p in parts}
        if len(dtypes) > 1:
            if "string" in dtypes:
                raise Unconvertible("text and numeric columns side by side in one matrix")
            common = "float64" if "float64" in dtypes else self.floats
            parts = [self.cast(p, common) for p in parts]
        if len(parts) == 1:
            return parts[0]
        name = self.add("Concat", [p.name for p in parts], "joined", axis=1)
        blank = parts[0].blank if len({p.blank for p in parts}) == 1 else None
        result = Matrix(name, parts[0].dtype, sum(p.width for p in parts), blank=blank)
        return self.known(result, Composed(tuple(joined), None), Coded.joined(joined))

    def select(self, x: Value, indices: Sequence[int]) -> Value:
        """Return these columns of x, in this order."""
        if isinstance(x, Table):
            return Table(tuple(x.columns[i] for i in indices))
        if list(indices) == list(range(x.width)):
            return x
        at = self.constant(indices, "int64", "columns")
        name = self.add("Gather", [x.name, at], "picked", axis=1)
        code = x.origin(Coded)
        if code is not None:
            code = code.picked(np.asarray(indices), self.columns)
        result = Matrix(name, x.dtype, len(indices), blank=x.blank)
        return self.known(result, Picked(x, tuple(indices)), code)

    def columns(self, x: Matrix, indices: Sequence[int]) -> Matrix:
        """Return these columns of a matrix, in this order."""
        return self.matrix(self.select(x, indices))

    def column(self, x: Matrix, index: int) -> Matrix:
        """Return one column as a matrix of width 1."""
        return self.columns(x, [index])

    def binary(self, op: str, x: Matrix, values: Any, hint: str) -> Matrix:
        """Return `op(x, constant)` elementwise; the constant is in x's type, one for all rows."""
        constant = self.constant(values, x.dtype, hint)
        result = Matrix(self.add(op, [x.name, constant], op.lower()), x.dtype, x.width)
        if op in ELEMENTWISE and x.width:  # [N] is never one-hot
            every = np.broadcast_to(np.asarray(values, dtype=np.float64), (x.width,))
            return self.carry(
                x,
                result,
                lambda own, at: ELEMENTWISE[op](own, every[at]),
                lambda part, at: self.binary(op, part, every[at], hint),
            )
        return result

    def unary(self, op: str, x: Matrix, **attributes: Any) -> Matrix:
        """Return `op(x)` of x's type and width."""
        return Matrix(self.add(op, [x.name], op.lower(), **attributes), x.dtype, x.width)

    def mul(self, a: Matrix, b: Matrix) -> Matrix:
        """Return the elementwise product of two matrices of one shape."""
        return Matrix(self.add("Mul", [a.name, b.name], "product"), a.dtype, a.width)

    def reduce(self, op: str, x: str, axes: Sequence[int], keep: bool = True) -> str:
        """Return the name of `op` (ReduceMax, ReduceMean, …) of tensor `x` over the axes.

        The axes are an input since opset 13 for ReduceSum and since 18 for the others; before,
        they are an attribute.
        """
        if self.opset >= (13 if op == "ReduceSum" else 18):
            axis = self.constant(list(axes), "int64", "axes")
            return str(self.add(op, [x, axis], op.lower(), keepdims=int(keep)))
        return str(self.add(op, [x], op.lower(), axes=list(axes), keepdims=int(keep)))

    def precision(self, x: Value) -> str:
        """Return the type of x's floating-point numbers: "float64" where any column has it."""
        return "float64" if any(p.dtype == "float64" for p in matrices(x)) else self.floats

    def widened(self, x: Value) -> Value:
        """Return x with its floating-point numbers as float64, all else as it is."""
        if isinstance(x, Table):
            return Table(tuple((n, self._wide(m)) for n, m in x.columns))
        return self._wide(x)

    def _wide(self, x: Matrix) -> Matrix:
        return self.cast(x, "float64") if x.dtype == "float32" else x

    def combine(self, op: str, a: Matrix, b: Matrix) -> Matrix:
        """Return `op(a, b)` elementwise, a single column is repeated; both of one type."""
        return Matrix(self.add(op, [a.name, b.name], op.lower()), a.dtype, max(a.width, b.width))

    def compare(self, op: str, x: Matrix, values: Any) -> Matrix:
        """Return `op(x, constant)`, a matrix of booleans; the constant is in x's type."""
        constant = self.constant(values, x.dtype, "limit")
        width = max(x.width, np.size(values))
        return Matrix(self.add(op, [x.name, constant], op.lower()), "bool", width)

    def choose(self, condition: Matrix, yes: Any, no: Matrix) -> Matrix:
        """Return the constant `yes` where the condition holds, else `no`."""
        constant = self.constant(yes, no.dtype, "instead")
        name = self.add("Where", [condition.name, constant, no.name], "chosen")
        return Matrix(name, no.dtype, max(condition.width, no.width))

    def row_sum(self, x: Matrix) -> Matrix:
        """Return the sum of each row, [N, 1]."""
        return Matrix(self.reduce("ReduceSum", x.name, [1]), x.dtype, 1)

    def total(self, parts: Sequence[Matrix]) -> Matrix:
        """Return the elementwise sum of matrices of one shape and type, added in their order."""
        if len(parts) == 1:
            return parts[0]
        name = self.add("Sum", [p.name for p in parts], "total")
        return Matrix(name, parts[0].dtype, parts[0].width)

    def upright(self, x: Matrix) -> Matrix:
        """Return [N] as a column [N, 1]."""
        if x.width:
            return x
        axes = self.constant([1], "int64", "axes")
        return Matrix(self.add("Unsqueeze", [x.name, axes], "column"), x.dtype, 1)

    def flat(self, x: Matrix) -> Matrix:
        """Return a column [N, 1] as [N]."""
        if not x.width:
            return x
        shape = self.constant([-1], "int64", "flat")
        return Matrix(self.add("Reshape", [x.name, shape], "flat"), x.dtype, 0)

    def repeated(self, row: Any, dtype: str, x: Value) -> Matrix:
        """Return one constant row [k] for each row of x, [N, k]."""
        row = np.asarray(row).reshape(1, -1)
        rows = self.add("Shape", [matrices(x)[0].name], "rows", start=0, end=1)
        width = self.constant([row.shape[1]], "int64", "width")
        shape = self.add("Concat", [rows, width], "shape", axis=0)
        constant = self.constant(row, dtype, "row")
        return Matrix(self.add("Expand", [constant, shape], "repeated"), dtype, row.shape[1])


def initializer(name: str, values: np.ndarray) -> onnx.TensorProto:
    """Return an array as a TensorProto; text as UTF-8 strings."""
    if values.dtype == object:
        return numpy_helper.from_array(values.astype(str).astype(object), name)
    return numpy_helper.from_array(np.asarray(values, order="C"), name)  # keeps a scalar one
