"""Sums of Gaussian kernels, `offset + Σ dual_i exp(−γ ‖x − s_i‖²)`, as precisely as they need it.

The exponent is one matrix product of [x, ‖x‖², 1] and [2γ s; −γ; −γ ‖s‖²], so that nothing but the
exponential is done for each row and point. float32 is several times as fast as float64; what it
loses is measured on the points themselves before it is chosen. All that depends on the points alone
is computed in the graph: onnxruntime does that once, when it opens it, and the file holds the
points but once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from toolkit.exporter.formulas.chunks import chunk_rows, in_chunks
from toolkit.exporter.formulas.distances import centre_of, squared
from toolkit.exporter.formulas.real import constant, real
from toolkit.exporter.graph import Graph, Matrix

# Of max(1, |sum|), on the probes: a quarter of the proof's tolerance, since other rows may lose
# twice as much; half of it where only the exponentials' own rounding is left.
ALLOWED_SINGLE, ALLOWED_MIXED = 2.5e-5, 5e-5
BLOCK = 128  # terms that are added in float32; the blocks' sums are added in float64
NARROW = 32  # with more columns, a product block by block costs more than it saves
FEW = 4  # rows up to which one product is faster than one block by block …
SHORT = 2048  # … and points up to which that holds for the sums as well
FAR = 1e15  # further away a square leaves float32; any kernel is 0 much nearer
PROBES = 256  # rows on which the precision is chosen …
PROBED = 2**22  # … and at most so many of their kernels


@dataclass(frozen=True)
class Gaussians:
    """The terms of `offset + Σ dual_i exp(−γ ‖(x − s_i) / scale‖²)`.

    points: s, float64 [m, d]; dual [m, k]; offset [k]; scale [d] or 1. hint: the dual's name in the
    graph.
    """

    points: np.ndarray
    gamma: float
    dual: np.ndarray
    offset: np.ndarray
    scale: np.ndarray | float = 1.0
    hint: str = "dual"

    @cached_property
    def centre(self) -> np.ndarray:
        """What is taken off rows and points: distances stay, large means would cost digits."""
        return centre_of(self.points)

    @cached_property
    def scaled(self) -> np.ndarray:
        """The points, centred and scaled."""
        return (self.points - self.centre) / self.scale

    @property
    def block(self) -> int:
        """Return how many terms a block has."""
        return min(BLOCK, len(self.points))

    @property
    def blocks(self) -> int:
        """Return how many blocks there are."""
        return -(-len(self.points) // self.block)

    @property
    def spare(self) -> int:
        """Return how many terms of dual 0 fill the last block."""
        return self.blocks * self.block - len(self.points)


def summed(g: Graph, x: Matrix, sums: Gaussians) -> Matrix:
    """Return the sums for rows x [N, d], [N, k], in the fastest form that is precise.

    In float32 but for the sum of the blocks' sums, float32; or exponents and sums in float64,
    exponentials in float32, or all in float64, both float64.
    """
    x = g.floating(x)
    if _error(sums, np.float32, np.float32, sums.block) <= ALLOWED_SINGLE:
        return _single(g, x, sums)
    if _error(sums, np.float64, np.float64, len(sums.points)) <= ALLOWED_MIXED:
        return _mixed(g, x, sums)
    return _double(g, x, sums)


def _rows(g: Graph, sums: Gaussians, name: str, given: str, dtype: str) -> str:
    """Return rows of type `given`, centred and scaled, as `dtype`."""
    rows = g.cast(Matrix(name, given, 0), "float64" if "float64" in (given, dtype) else given)
    if sums.centre.any():
        rows = g.binary("Sub", rows, sums.centre, "centre")
    if np.any(np.asarray(sums.scale) != 1.0):
        rows = g.binary("Mul", rows, 1.0 / np.asarray(sums.scale), "inverse")
    return g.cast(rows, dtype).name


@dataclass(frozen=True)
class _Single:
    """The float32 form: its rows of type `dtype`, and the tensors made of the points.

    weights: [2γ s; −γ], [d + 1, m], and biases −γ ‖s‖² [m]; sliced: both block by block, [blocks,
    d + 2, block]; duals [blocks, block, k], and dual [m, k].
    """

    g: Graph
    sums: Gaussians
    dtype: str
    weights: str
    biases: str
    sliced: str
    dual: str
    duals: str

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
        offset = self.g.constant(self.sums.offset, "float32", "intercept")
        found = self.g.add("Gemm", [self.kernels(name), self.dual, offset], "sum")
        return [Matrix(found, "float32", self.sums.dual.shape[1])]

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
        offset = g.constant(self.sums.offset, "float64", "intercept")
        total = Matrix(g.add("Gemm", [kernels, dual, offset], "sum"), "float64", k)
        return [g.cast(total, "float32")]

    def total(self, parts: str, axis: int) -> list[Matrix]:
        """Return the blocks' sums [blocks, n, k] or [n, blocks] added up, and the offset."""
        g, k = self.g, self.sums.dual.shape[1]
        wide = g.cast(Matrix(parts, "float32", 0), "float64").name
        added = Matrix(g.reduce("ReduceSum", wide, [axis], keep=axis == 1), "float64", k)
        return [g.cast(g.binary("Add", added, self.sums.offset, "intercept"), "float32")]


def _single(g: Graph, x: Matrix, sums: Gaussians) -> Matrix:
    """Return the sums of float32 kernels, float32 [N, k], added in float64 from block to block."""
    (m, d), k = sums.points.shape, sums.dual.shape[1]
    table = _filled(g, g.constant(sums.scaled, "float32", "points"), sums.spare)
    dual = _filled(g, g.constant(sums.dual, "float32", sums.hint), sums.spare)
    weights, biases = _weights(g, table, "float32", sums.gamma, m + sums.spare)
    row = _shaped(g, biases, 1, m + sums.spare)
    both = g.add("Concat", [weights, row], "both", axis=0)
    cut = _shaped(g, both, d + 2, sums.blocks, sums.block)
    sliced = g.add("Transpose", [cut], "sliced", perm=[1, 0, 2])
    duals = _shaped(g, dual, sums.blocks, sums.block, k)
    form = _Single(g, sums, x.dtype, weights, biases, sliced, dual, duals)
    rows, few = chunk_rows(m, d), form.of_one_dual if k == 1 else form.in_float64
    if d > NARROW:
        return in_chunks(g, x, rows, few)[0]
    if m <= SHORT and _error(sums, np.float32, np.float32, m) <= ALLOWED_SINGLE:
        few = form.plain
    elif k > 1:
        few = form.block_by_block
    return in_chunks(g, x, rows, form.block_by_block, few, FEW)[0]


def _mixed(g: Graph, x: Matrix, sums: Gaussians) -> Matrix:
    """Return the sums with float32 exponentials between float64 products."""
    m, k = sums.dual.shape
    points = constant(g, sums.scaled, "points").name
    weights, biases = _weights(g, points, "float64", sums.gamma, m)
    dual = constant(g, sums.dual, sums.hint).name
    offset = g.constant(sums.offset, "float64", "intercept")

    def form(name: str) -> list[Matrix]:
        rows = _rows(g, sums, name, x.dtype, "float64")
        lengths = g.reduce("ReduceSumSquare", rows, [1])
        joined = g.add("Concat", [rows, lengths], "joined", axis=1)
        exponents = g.add("Gemm", [joined, weights, biases], "exponents")
        narrow = g.cast(Matrix(exponents, "float64", m), "float32")
        kernels = g.cast(g.unary("Exp", narrow), "float64")
        return [Matrix(g.add("Gemm", [kernels.name, dual, offset], "sum"), "float64", k)]

    return in_chunks(g, x, chunk_rows(2 * m, x.width), form)[0]


def _double(g: Graph, x: Matrix, sums: Gaussians) -> Matrix:
    """Return the sums computed in float64 throughout."""
    k = sums.dual.shape[1]

    def form(name: str) -> list[Matrix]:
        rows = real(g, Matrix(name, x.dtype, x.width))
        apart = squared(g, rows / sums.scale, sums.points / sums.scale)
        kernels = (apart * -sums.gamma).apply("Exp")
        total = kernels @ constant(g, sums.dual, sums.hint) + sums.offset
        return [total.matrix("float64", k)]

    return in_chunks(g, x, chunk_rows(2 * len(sums.points), x.width), form)[0]


def _filled(g: Graph, table: str, spare: int) -> str:
    """Return a table [m, …] with so many rows of zeros after it."""
    if not spare:
        return table
    return str(g.add("Pad", [table, g.constant([0, 0, spare, 0], "int64", "pads")], "filled"))


def _shaped(g: Graph, table: str, *shape: int) -> str:
    return str(g.add("Reshape", [table, g.constant(shape, "int64", "shape")], "shaped"))


def _weights(g: Graph, table: str, dtype: str, gamma: float, m: int) -> tuple[str, str]:
    """Return [2γ s; −γ], [d + 1, m], and −γ ‖s‖² [m] from the points [m, d]."""
    points = g.add("Transpose", [table], "turned", perm=[1, 0])
    products = g.binary("Mul", Matrix(points, dtype, m), 2 * gamma, "twice").name
    lengths = Matrix(g.reduce("ReduceSumSquare", points, [0], keep=False), dtype, 0)
    shape = g.constant([1, m], "int64", "shape")
    minus = g.add("Expand", [g.constant(-gamma, dtype, "minus"), shape], "minus")
    biases = g.binary("Mul", lengths, -gamma, "minus").name
    return g.add("Concat", [products, minus], "weights", axis=0), biases


def _probes(sums: Gaussians) -> np.ndarray:
    """Return rows, centred and scaled: points, and others as far from them as they are apart."""
    points = sums.scaled
    most = max(2, min(PROBES, PROBED // len(points)) // 2)
    chosen = points[np.linspace(0, len(points) - 1, min(len(points), most)).astype(int)]
    noise = np.random.default_rng(0).normal(size=chosen.shape)
    return np.concatenate([chosen, chosen + 0.3 * noise * points.std(axis=0)])


def _error(sums: Gaussians, product: type, summand: type, block: int) -> float:
    """Return the largest error, of max(1, |sum|), of float32 exponentials on the probes.

    product: the type of the exponents; summand: of the sums within a block.
    """
    rows, points = _probes(sums), sums.scaled
    exact = np.exp(_exponents(rows, points, sums.gamma)) @ sums.dual
    with np.errstate(over="ignore", under="ignore"):
        exponents = _exponents(rows.astype(product), points.astype(product), sums.gamma)
        kernels: np.ndarray = np.exp(exponents.astype(np.float32)).astype(summand)
        dual: np.ndarray = sums.dual.astype(summand)
        starts = range(0, len(points), block)
        parts = [kernels[:, i : i + block] @ dual[i : i + block] for i in starts]
    difference = np.abs(np.sum(parts, axis=0, dtype=np.float64) - exact)
    return float((difference / np.maximum(1.0, np.abs(exact + sums.offset))).max())


def _exponents(rows: np.ndarray, points: np.ndarray, gamma: float) -> np.ndarray:
    """Return `2γ x·s − γ‖x‖² − γ‖s‖²` in the arguments' type."""
    one = np.ones((len(rows), 1), rows.dtype)
    lengths = (rows * rows).sum(axis=1, keepdims=True)
    minus = np.full((len(points), 1), -gamma, rows.dtype)
    biases = minus * (points * points).sum(axis=1, keepdims=True)
    weights = np.hstack([(points * rows.dtype.type(2 * gamma)), minus, biases])
    return np.asarray(np.hstack([rows, lengths, one]) @ weights.T)
