"""The graph under construction: converters add nodes and constants to it, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from toolkit.exporter.formulas.chain import Chain
from toolkit.exporter.formulas.codes import (
    ELEMENTWISE,
    Coded,
    Columnwise,
    gathered,
    picked,
    side_by_side,
)
from toolkit.exporter.formulas.polynomials import Polynomial
from toolkit.exporter.formulas.sparse_rows import SparseRows, as_type
from toolkit.exporter.grid import Grids
from toolkit.exporter.opsets import DEFAULT_OPSET
from toolkit.exporter.trees.by_index import by_index
from toolkit.exporter.trees.ensemble import Ensemble, lowered
from toolkit.exporter.trees.folding import Origin, fold
from toolkit.exporter.trees.rounding import is_computed, on_grids
from toolkit.exporter.tuning import LATENCY
from toolkit.exporter.values import ELEMENT, FLOATS, Matrix, Outputs, Table, Unconvertible, Value
from toolkit.metrics import Scale
from toolkit.onnx_graph.kernel_sums import KernelSum


@dataclass
class Graph:
    """Nodes and constants in the order in which they were added, and what was mended on the way.

    `dispatch` converts an estimator (dispatch.convert). `traps` collects one line for each known
    error of plain conversion that was avoided, for the proof; `ensembles` holds tree ensembles
    until all are known and their operators can be chosen; `origins` says what joined tensors and
    monotone steps' results were made from, for trees that take them, `chains` how linear steps made
    a tensor, for linear steps that take it, and `polynomials` which tensors are products of which;
    `sparse_rows` which are mostly zeros, for linear steps as well, and `codes` which have columns
    of which a row has one at most. `rows` are sample rows by input name, extreme ones among them,
    for forms whose rounding depends on the data; none where a graph is built without. `inputs` are
    the graph's own, and `grids` say by input and column what numbers the data hold. `kernel_sums`
    names the sums of kernels, which the model's metadata tells. `inside` has the tensors made of
    constants that stay in the branch or loop that reads them (formulas.chunks). `tune` says what
    the graph is to be fast at where a form gains the one at the other's cost: "latency" for single
    rows, "throughput" for large batches. `scale` is that of the answers (`predict`) of the very
    estimator that is being converted, where it is known (formulas.answers). `floats` is the type
    that whole numbers and flags become among numbers; `wide` says that nothing is computed in
    float32 that could be in float64. `compares_computed` tells that trees compare what arithmetic
    made, so that its rounding may decide. `places` is the value that the estimator is given where
    it is not all of its columns, and which of them these are; `categorical` says which columns are
    categories in its data frame. `sparse` are the ids of the estimators inside that are given a
    scipy matrix where that makes a difference (exporter.sparse).
    """

    dispatch: Callable[[Any, Value, Graph], Outputs]
    opset: int = DEFAULT_OPSET
    tune: str = LATENCY
    rows: Mapping[str, np.ndarray] = field(default_factory=dict)
    grids: Grids = field(default_factory=dict)
    inputs: dict[str, Matrix] = field(default_factory=dict)
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    ensembles: list[tuple[int, Ensemble, Matrix, str]] = field(default_factory=list)
    origins: dict[str, Origin] = field(default_factory=dict)
    chains: dict[str, Chain] = field(default_factory=dict)
    polynomials: dict[str, Polynomial] = field(default_factory=dict)
    sparse_rows: dict[str, SparseRows] = field(default_factory=dict)
    codes: dict[str, Coded] = field(default_factory=dict)
    traps: list[str] = field(default_factory=list)
    kernel_sums: list[KernelSum] = field(default_factory=list)
    inside: set[str] = field(default_factory=set)
    scale: Scale | None = None
    places: tuple[Value, tuple[int, ...]] | None = None
    categorical: tuple[Value, tuple[int, ...]] | None = None
    sparse: frozenset[int] = frozenset()
    floats: str = "float32"
    wide: bool = False
    compares_computed: bool = False
    _names: dict[str, int] = field(default_factory=dict)

    def convert(self, estimator: Any, x: Value, scale: Scale | None = None) -> Outputs:
        """Convert an inner estimator; what meta-estimators call. scale: of its answers if known."""
        with self.measured(scale):
            return self.dispatch(estimator, x, self)

    @contextmanager
    def measured(self, scale: Scale | None) -> Iterator[None]:
        """Convert with this scale of the answers."""
        outer, self.scale = self.scale, scale
        try:
            yield
        finally:
            self.scale = outer

    def sample(self, x: Matrix) -> np.ndarray | None:
        """Return x for the sample rows, float64; None where it is no linear map of an input."""
        chain = self.chains.get(x.name)
        rows = self.rows.get(x.name if chain is None else chain.source.name)
        if rows is None or rows.dtype.kind != "f":
            return None
        rows = rows[np.isfinite(rows).all(axis=1)].astype(np.float32).astype(np.float64)
        found = rows if chain is None else chain.of(rows)
        return found if len(found) and np.isfinite(found).all() else None

    def categories_in(self, x: Value) -> tuple[int, ...]:
        """Return which columns of x are known to be categories in the estimator's data frame."""
        return self.categorical[1] if self.categorical and self.categorical[0] is x else ()

    def at_hand(self, x: Value, places: Sequence[int]) -> list[int]:
        """Return which columns of x these columns of the fitting are.

        Raises Unconvertible where one was left out of the inputs.
        """
        if self.places is None or self.places[0] is not x:
            return list(places)
        try:
            return [self.places[1].index(p) for p in places]
        except ValueError:
            raise Unconvertible("a column that was left out of the rows given") from None

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
        self,
        op: str,
        inputs: Sequence[str],
        hint: str,
        outputs: int = 1,
        domain: str = "",
        **attributes: Any,
    ) -> Any:
        """Add a node; return its output's name, or a tuple of names where there are several."""
        names = [self.name(hint) for _ in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, domain=domain, **attributes))
        return names[0] if outputs == 1 else tuple(names)

    def cast(self, x: Matrix, dtype: str) -> Matrix:
        """Return x as `dtype`; x itself where it is that already."""
        if x.dtype == dtype:
            return x
        name = self.add("Cast", [x.name], "cast", to=ELEMENT[dtype])
        if x.name in self.sparse_rows:
            self.sparse_rows[name] = as_type(self, self.sparse_rows[x.name], dtype)
        result = Matrix(name, dtype, x.width)
        if dtype in FLOATS:
            self.carry(x, result, lambda own, _: own, lambda part, _: self.cast(part, dtype))
        return result

    def carry(
        self,
        x: Matrix,
        result: Matrix,
        columnwise: Columnwise,
        other: Callable[[Matrix, slice], Matrix],
    ) -> None:
        """Remember what an elementwise result is a code of, where x is one; see `Coded.mapped`."""
        if x.name in self.codes:
            self.codes[result.name] = self.codes[x.name].mapped(columnwise, other)

    def floating(self, x: Value) -> Matrix:
        """Return x as one matrix of floating-point numbers."""
        x = self.matrix(x)
        kept = x.dtype == "float64" or (x.dtype == "float32" and not self.wide)
        return x if kept else self.cast(x, self.floats)

    def matrix(self, x: Value) -> Matrix:
        """Return x as one matrix: columns are joined, numbers of several types become floats.

        Raises Unconvertible where text and numbers would have to share a matrix.
        """
        return self.join([m for _, m in x.columns]) if isinstance(x, Table) else x

    def join(self, parts: Sequence[Matrix]) -> Matrix:
        """Return the parts side by side in one matrix of their common type.

        Parts without columns are left out; Unconvertible where no other is there.
        """
        parts = given = [p for p in parts if p.width]
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
        self.origins[name] = Origin(tuple(given), None)
        if (coded := side_by_side(self, given)) is not None:
            self.codes[name] = coded
        blank = parts[0].blank if len({p.blank for p in parts}) == 1 else None
        return Matrix(name, parts[0].dtype, sum(p.width for p in parts), blank=blank)

    def select(self, x: Value, indices: Sequence[int]) -> Value:
        """Return these columns of x, in this order."""
        if isinstance(x, Table):
            return Table(tuple(x.columns[i] for i in indices))
        if list(indices) == list(range(x.width)):
            return x
        at = self.constant(indices, "int64", "columns")
        name = self.add("Gather", [x.name, at], "picked", axis=1)
        if x.name in self.codes:
            self.codes[name] = picked(self, self.codes[x.name], np.asarray(indices))
        return Matrix(name, x.dtype, len(indices), blank=x.blank)

    def column(self, x: Matrix, index: int) -> Matrix:
        """Return one column as a matrix of width 1."""
        picked = self.select(x, [index])
        assert isinstance(picked, Matrix)
        return picked

    def binary(self, op: str, x: Matrix, values: Any, hint: str) -> Matrix:
        """Return `op(x, constant)` elementwise; the constant is in x's type, one for all rows."""
        constant = self.constant(values, x.dtype, hint)
        result = Matrix(self.add(op, [x.name, constant], op.lower()), x.dtype, x.width)
        if op in ELEMENTWISE and x.width:  # [N] is never one-hot
            every = np.broadcast_to(np.asarray(values, dtype=np.float64), (x.width,))
            self.carry(
                x,
                result,
                lambda own, at: ELEMENTWISE[op](own, every[at]),
                lambda part, at: self.binary(op, part, every[at], hint),
            )
        return result

    def unary(self, op: str, x: Matrix, **attributes: Any) -> Matrix:
        """Return `op(x)` of x's type and width."""
        return Matrix(self.add(op, [x.name], op.lower(), **attributes), x.dtype, x.width)

    def product(self, a: Matrix, b: Matrix) -> Matrix:
        """Return the elementwise product of two matrices of one shape."""
        return Matrix(self.add("Mul", [a.name, b.name], "product"), a.dtype, a.width)

    def affine(self, x: Matrix, weights: Any, bias: Any) -> Matrix:
        """Return `x @ weights + bias`; weights [width, k], bias [k]."""
        weights = np.asarray(weights)
        if x.name in self.codes:
            return gathered(self, x, self.codes[x.name], weights, np.asarray(bias).reshape(-1))
        names = [
            x.name,
            self.constant(weights, x.dtype, "coefficient"),
            self.constant(np.asarray(bias).reshape(-1), x.dtype, "intercept"),
        ]
        return Matrix(self.add("Gemm", names, "scores"), x.dtype, weights.shape[1])

    def trees(
        self, x: Value, ensemble: Ensemble, dtype: str = "float32", *, rounded: bool = True
    ) -> Matrix:
        """Return `base + Σ leaf values` [N, targets]; its operator is chosen when all are known.

        dtype: of the sum, "float64" where float32 is not enough. rounded: the trees round their
        input to float32 before they compare, as scikit-learn's do. Monotone steps before them are
        folded into the thresholds.
        """
        matrix, flags, ensemble = by_index(self, self.matrix(x), ensemble)
        source, ensemble = fold(self, matrix, ensemble, rounded)
        if source is matrix:
            source = self.cast(matrix, "float32") if rounded else self.floating(matrix)
        if flags is not None:
            source = self.join([source, self.cast(flags, source.dtype)])
        if ensemble.missing_left.any():
            self.traps.append("trees: missing values go where they went in fitting")
        wide = "float64" if "float64" in (dtype, source.dtype) else "float32"
        self.compares_computed |= is_computed(self, source)
        if source.dtype == "float32":  # exact, and a float32 takes less room in a pack
            ensemble = lowered(ensemble, None if rounded else on_grids(self, source))
        source = self.cast(source, wide)
        output = self.name("trees")
        self.ensembles.append((len(self.nodes), ensemble, source, output))
        return Matrix(output, wide, ensemble.targets)

    def labels(self, index: Matrix, classes: np.ndarray) -> Matrix:
        """Return the class labels [N] for class indices [N] (int64)."""
        classes = np.asarray(classes)
        if classes.dtype.kind in "OUS":
            if not all(isinstance(c, str) for c in classes.tolist()):
                raise Unconvertible("labels that are objects and not all text")
            dtype = "string"
        elif classes.dtype.kind == "b":
            dtype = "bool"
        elif classes.dtype.kind == "f":
            dtype = "float64" if classes.dtype.itemsize == 8 else "float32"
        else:
            dtype = "int64"
            if np.array_equal(classes, np.arange(len(classes))):
                return index
        table = self.constant(classes, dtype, "classes")
        return Matrix(self.add("Gather", [table, index.name], "label", axis=0), dtype, 0)

    def argmax(self, scores: Matrix) -> Matrix:
        """Return the index of each row's first largest score, int64 [N]."""
        return Matrix(self.add("ArgMax", [scores.name], "index", axis=1, keepdims=0), "int64", 0)

    def above(self, score: Matrix, threshold: float) -> Matrix:
        """Return 1 where a single score [N, 1] is above the threshold, else 0; int64 [N]."""
        limit = self.constant([threshold], score.dtype, "threshold")
        flag = self.add("Greater", [score.name, limit], "above")
        number = self.add("Cast", [flag], "cast", to=TensorProto.INT64)
        shape = self.constant([-1], "int64", "flat")
        return Matrix(self.add("Reshape", [number, shape], "index"), "int64", 0)

    def complement(self, p: Matrix) -> Matrix:
        """Return [1 − p, p] for the probability p [N, 1] of the second class."""
        one = self.constant([1.0], p.dtype, "one")
        other = Matrix(self.add("Sub", [one, p.name], "other"), p.dtype, 1)
        return self.join([other, p])

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
        parts = [m for _, m in x.columns] if isinstance(x, Table) else [x]
        return "float64" if any(p.dtype == "float64" for p in parts) else self.floats

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
        first = x.columns[0][1] if isinstance(x, Table) else x
        rows = self.add("Shape", [first.name], "rows", start=0, end=1)
        width = self.constant([row.shape[1]], "int64", "width")
        shape = self.add("Concat", [rows, width], "shape", axis=0)
        constant = self.constant(row, dtype, "row")
        return Matrix(self.add("Expand", [constant, shape], "repeated"), dtype, row.shape[1])


def initializer(name: str, values: np.ndarray) -> onnx.TensorProto:
    """Return an array as a TensorProto; text as UTF-8 strings."""
    if values.dtype == object:
        return numpy_helper.from_array(values.astype(str).astype(object), name)
    return numpy_helper.from_array(np.asarray(values, order="C"), name)  # keeps a scalar one
