"""Sums of Gaussian kernels, `offset + Σ dual_i exp(−γ ‖x − s_i‖²)`, as precisely as they need it.

The exponent is one matrix product of [x, ‖x‖², 1] and [2γ s; −γ; −γ ‖s‖²], so that nothing but the
exponential is done for each row and point. float32 is several times as fast as float64; what it
loses is measured on the points themselves before it is chosen. All that depends on the points alone
is computed in the graph: onnxruntime does that once, when it opens it, and the file holds the
points but once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.batching import at_most, batch_rows, in_batches, where_sure
from toolkit.exporter.formulas.float64_expr import constant
from toolkit.exporter.formulas.gaussian_terms import Gaussians, error
from toolkit.exporter.subgraphs import either
from toolkit.exporter.values import Matrix
from toolkit.onnx_graph.kernel_sums import KernelSum
from toolkit.precision import MIXED_KERNELS, SINGLE_KERNELS

DOUBTFUL = 4e-4  # a sum of float32 kernels this near to 0 may have either sign, by a wide margin
NARROW = 32  # with more columns, a product block by block costs more than it saves
FEW_ROWS = 4  # rows up to which one product is faster than one block by block …
SHORT = 2048  # … and points up to which that holds for the sums as well
SOON = 400  # points up to which float64 at once is faster for few rows than float32 and a check
FAR = 1e15  # further away a square leaves float32; any kernel is 0 much nearer


def summed(g: Conversion, x: Matrix, sums: Gaussians) -> Matrix:
    """Return the sums for rows x [N, d], [N, k], in the fastest form that is precise.

    In float32 but for the sum of the blocks' sums; or points, duals and exponentials in float32,
    exponents and sums in float64; or all in float64. Only the first gives float32.
    """
    x, form = g.floating(x), _form(g, sums)
    stored = "float64" if form is _double else "float32"
    points = g.constant(sums.scaled, stored, "points")
    dual = g.constant(sums.dual, stored, sums.hint)
    offset = g.constant(sums.offset, "float64", "intercept")
    return _told(g, x, sums, (points, dual, offset), form(g, x, sums, points, dual, offset))


def _form(g: Conversion, sums: Gaussians) -> Callable[..., Matrix]:
    if g.wide:
        return _double
    if error(sums, np.float32, np.float32, sums.block) <= SINGLE_KERNELS:
        return _single
    mixed = error(sums, np.float64, np.float64, len(sums.points)) <= MIXED_KERNELS
    return _mixed if mixed else _double


def signed(g: Conversion, x: Matrix, sums: Gaussians, wide: bool = False) -> Matrix:
    """Return the sums [N, k] with the signs that they have in float64.

    Points and duals are stored as they are; where one of a row's sums is nearer to 0 than float32
    is sure of, the row is done again in float64. wide: all are.
    """
    x = g.floating(x)
    points, wide_points = _stored(g, sums.scaled, "points")
    dual, wide_dual = _stored(g, sums.dual, sums.hint)
    offset = g.constant(sums.offset, "float64", "intercept")

    def exact(rows: Matrix) -> list[Matrix]:
        return [_double(g, rows, sums, wide_points, wide_dual, offset)]

    def guarded() -> list[Matrix]:
        narrow = [g.cast(Matrix(t, "float64", 0), "float32").name for t in (wide_points, wide_dual)]
        fast = _single(g, x, sums, narrow[0], narrow[1], offset)
        size = g.unary("Abs", fast).name
        limit = g.constant(DOUBTFUL, "float32", "doubtful")

        def sure() -> Matrix:
            least = g.reduce("ReduceMin", size, [1], keep=False)
            return Matrix(g.add("Greater", [least, limit], "sure"), "bool", 0)

        least = g.reduce("ReduceMin", size, [0, 1], keep=False)
        all_sure = g.add("Greater", [least, limit], "all_sure")
        return where_sure(g, x, sure, all_sure, [g.cast(fast, "float64")], exact)

    if wide or g.wide or error(sums, np.float32, np.float32, sums.block) > SINGLE_KERNELS:
        (total,) = exact(x)
    elif len(sums.points) <= SOON:
        form = _in_float64(g, x, sums, wide_points, wide_dual, offset)
        (total,) = either(g, at_most(g, x, FEW_ROWS), lambda: form(x.name), guarded)
    else:
        (total,) = guarded()
    return _told(g, x, sums, (points, dual, offset), total)


def _stored(g: Conversion, values: np.ndarray, hint: str) -> tuple[str, str]:
    """Return the initializer that holds the values, and the tensor that has them as float64."""
    wide = constant(g, values, hint).name
    return next(reversed(g.constants)), wide


def _told(
    g: Conversion, x: Matrix, sums: Gaussians, names: tuple[str, str, str], total: Matrix
) -> Matrix:
    """Return the sums, of which the model's metadata tells."""
    scale = np.broadcast_to(sums.scale, sums.centre.shape).tolist()
    numbers = float(sums.gamma), sums.centre.tolist(), scale
    g.kernel_sums.append(KernelSum(*names, x.name, total.name, *numbers))
    return total


def _rows(g: Conversion, sums: Gaussians, name: str, source: str, dtype: str) -> str:
    """Return rows of type `source`, centred and scaled, as `dtype`."""
    rows = g.cast(Matrix(name, source, 0), "float64" if "float64" in (source, dtype) else source)
    if sums.centre.any():
        rows = g.binary("Sub", rows, sums.centre, "centre")
    if np.any(np.asarray(sums.scale) != 1.0):
        rows = g.binary("Mul", rows, 1.0 / np.asarray(sums.scale), "inverse")
    return g.cast(rows, dtype).name


@dataclass(frozen=True)
class _Single:
    """The float32 form: its rows of type `dtype`, and the tensors made of the points.

    weights: [2γ s; −γ], [d + 1, m], and biases −γ ‖s‖² [m]; sliced: both block by block, [blocks,
    d + 2, block]; duals [blocks, block, k], and dual [m, k]; offset [k] is float64.
    """

    g: Conversion
    sums: Gaussians
    dtype: str
    weights: str
    biases: str
    sliced: str
    dual: str
    duals: str
    offset: str

    def extended(self, name: str) -> str:
        """Return [x, ‖x‖²]."""
        g = self.g
        rows = _rows(g, self.sums, name, self.dtype, "float32")
        if self.dtype == "float64":  # what float32 cannot hold would be infinitely far
            rows = g.add(
                "Clip", [rows, *(g.constant(v, "float32", "far") for v in (-FAR, FAR))], "near"
            )
        return str(
            g.add("Concat", [rows, g.reduce("ReduceSumSquare", rows, [1])], "joined", axis=1)
        )

    def kernels(self, name: str) -> str:
        """Return the kernels [n, m]."""
        names = [self.extended(name), self.weights, self.biases]
        return str(self.g.add("Exp", [self.g.add("Gemm", names, "exponents")], "kernels"))

    def plain(self, name: str) -> list[Matrix]:
        """Return the sums [n, k] added in float32 altogether."""
        offset = self.g.cast(Matrix(self.offset, "float64", 0), "float32").name
        total = self.g.add("Gemm", [self.kernels(name), self.dual, offset], "sum")
        return [Matrix(total, "float32", self.sums.dual.shape[1])]

    def of_one_dual(self, name: str) -> list[Matrix]:
        """Return the sums [n, 1]: kernels times duals, added without a product of matrices."""
        shape = [0, self.sums.blocks, self.sums.block]
        kernels = _shaped(self.g, self.kernels(name), *shape)
        row = _shaped(self.g, self.dual, 1, *shape[1:])
        terms = self.g.add("Mul", [kernels, row], "terms")
        return self.total(self.g.reduce("ReduceSum", terms, [2], keep=False), axis=1)

    def block_by_block(self, name: str) -> list[Matrix]:
        """Return the sums [n, k]; a block's kernels with all rows are in the cache."""
        g = self.g
        one = [g.constant([0, 0, 0, 1], "int64", "pads"), g.constant(1.0, "float32", "one")]
        rows = g.add("Pad", [self.extended(name), *one], "extended")
        rows = g.add("Unsqueeze", [rows, g.constant([0], "int64", "axis")], "rows")
        kernels = g.add("Exp", [g.add("MatMul", [rows, self.sliced], "exponents")], "kernels")
        return self.total(g.add("MatMul", [kernels, self.duals], "parts"), axis=0)

    def in_float64(self, name: str) -> list[Matrix]:
        """Return the sums [n, k] of float32 kernels, added in float64 altogether."""
        g, k = self.g, self.sums.dual.shape[1]
        kernels = g.cast(Matrix(self.kernels(name), "float32", 0), "float64").name
        dual = g.cast(Matrix(self.dual, "float32", k), "float64").name
        total = Matrix(g.add("Gemm", [kernels, dual, self.offset], "sum"), "float64", k)
        return [g.cast(total, "float32")]

    def total(self, parts: str, axis: int) -> list[Matrix]:
        """Return the blocks' sums [blocks, n, k] or [n, blocks] added up, and the offset."""
        g, k = self.g, self.sums.dual.shape[1]
        wide = g.cast(Matrix(parts, "float32", 0), "float64").name
        added = g.reduce("ReduceSum", wide, [axis], keep=axis == 1)
        return [g.cast(Matrix(g.add("Add", [added, self.offset], "sum"), "float64", k), "float32")]


def _single(
    g: Conversion, x: Matrix, sums: Gaussians, points: str, dual: str, offset: str
) -> Matrix:
    """Return the sums of float32 kernels, float32 [N, k], added in float64 from block to block."""
    (m, d), k = sums.points.shape, sums.dual.shape[1]
    table, dual = _filled(g, points, sums.spare), _filled(g, dual, sums.spare)
    weights, biases = _weights(g, table, "float32", sums.gamma, m + sums.spare)
    row = _shaped(g, biases, 1, m + sums.spare)
    both = g.add("Concat", [weights, row], "both", axis=0)
    cut = _shaped(g, both, d + 2, sums.blocks, sums.block)
    sliced = g.add("Transpose", [cut], "sliced", perm=[1, 0, 2])
    duals = _shaped(g, dual, sums.blocks, sums.block, k)
    form = _Single(g, sums, x.dtype, weights, biases, sliced, dual, duals, offset)
    rows, few = batch_rows(m, d), form.of_one_dual if k == 1 else form.in_float64
    if d > NARROW:
        return in_batches(g, x, rows, few)[0]
    if m <= SHORT and error(sums, np.float32, np.float32, m) <= SINGLE_KERNELS:
        few = form.plain
    elif k > 1:
        few = form.block_by_block
    return in_batches(g, x, rows, form.block_by_block, few, FEW_ROWS)[0]


def _mixed(
    g: Conversion, x: Matrix, sums: Gaussians, points: str, dual: str, offset: str
) -> Matrix:
    """Return the sums with float32 points, duals and exponentials, and float64 products."""
    m, k = sums.dual.shape
    points, dual = (g.cast(Matrix(n, "float32", 0), "float64").name for n in (points, dual))
    weights, biases = _weights(g, points, "float64", sums.gamma, m)

    def form(name: str) -> list[Matrix]:
        narrow = g.cast(_exponents(g, x, sums, name, weights, biases), "float32")
        kernels = g.cast(g.unary("Exp", narrow), "float64")
        return [Matrix(g.add("Gemm", [kernels.name, dual, offset], "sum"), "float64", k)]

    return in_batches(g, x, batch_rows(2 * m, x.width), form)[0]


def _double(
    g: Conversion, x: Matrix, sums: Gaussians, points: str, dual: str, offset: str
) -> Matrix:
    """Return the sums computed in float64 throughout."""
    form = _in_float64(g, x, sums, points, dual, offset)
    return in_batches(g, x, batch_rows(2 * len(sums.points), x.width), form)[0]


def _in_float64(
    g: Conversion, x: Matrix, sums: Gaussians, points: str, dual: str, offset: str
) -> Callable[[str], list[Matrix]]:
    """Return the form of a chunk of rows like x in float64 throughout."""
    m, k = sums.dual.shape
    weights, biases = _weights(g, points, "float64", sums.gamma, m)

    def form(name: str) -> list[Matrix]:
        kernels = g.unary("Exp", _exponents(g, x, sums, name, weights, biases)).name
        return [Matrix(g.add("Gemm", [kernels, dual, offset], "sum"), "float64", k)]

    return form


def _exponents(
    g: Conversion, x: Matrix, sums: Gaussians, name: str, weights: str, biases: str
) -> Matrix:
    """Return `−γ ‖x − s‖²` [n, m], float64, for a chunk of rows like x."""
    rows = _rows(g, sums, name, x.dtype, "float64")
    lengths = g.reduce("ReduceSumSquare", rows, [1])
    joined = g.add("Concat", [rows, lengths], "joined", axis=1)
    exponents = g.add("Gemm", [joined, weights, biases], "exponents")
    return Matrix(exponents, "float64", len(sums.points))


def _filled(g: Conversion, table: str, spare: int) -> str:
    """Return a table [m, …] with so many rows of zeros after it."""
    if not spare:
        return table
    return str(g.add("Pad", [table, g.constant([0, 0, spare, 0], "int64", "pads")], "filled"))


def _shaped(g: Conversion, table: str, *shape: int) -> str:
    return str(g.add("Reshape", [table, g.constant(shape, "int64", "shape")], "shaped"))


def _weights(g: Conversion, table: str, dtype: str, gamma: float, m: int) -> tuple[str, str]:
    """Return [2γ s; −γ], [d + 1, m], and −γ ‖s‖² [m] from the points [m, d]."""
    points = g.add("Transpose", [table], "turned", perm=[1, 0])
    products = g.binary("Mul", Matrix(points, dtype, m), 2 * gamma, "twice").name
    lengths = Matrix(g.reduce("ReduceSumSquare", points, [0], keep=False), dtype, 0)
    shape = g.constant([1, m], "int64", "shape")
    minus = g.add("Expand", [g.constant(-gamma, dtype, "minus"), shape], "minus")
    biases = g.binary("Mul", lengths, -gamma, "minus").name
    return g.add("Concat", [products, minus], "weights", axis=0), biases
