"""The euclidean neighbours of rows: candidates from a float32 product, decided in float64.

A row's candidates are the points of least `‖s‖² − 2 x·s`, computed in float32. Their distances are
then computed in float64 from differences: an exact match is at distance 0, equal distances are
equal. That the product's rounding lost no neighbour is checked for every row: where a point that is
no candidate might be as near as the last neighbour, the row is done again in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.batching import (
    Form,
    at_most,
    batch_rows,
    in_batches,
    looped_batches,
    packed,
    where_sure,
)
from toolkit.exporter.formulas.distances import centre_of, ranked
from toolkit.exporter.formulas.float64_expr import Float64, constant, float64
from toolkit.exporter.subgraphs import either
from toolkit.exporter.values import Matrix
from toolkit.precision import FLOAT32_UNIT

SPARE = 2  # more candidates than neighbours: distances so close that rounding may swap them
SCANNED = 6  # about as dear as the choice of a block is that of so many points of chosen blocks
ALIGNED = 16  # float32 in a cache line: a row of ranks starts with one
LEAST = 32  # points of a block
# Times as many points as the candidates' blocks hold make looking at blocks worth while.
MANY_BLOCKS = 2
FEW_ROWS = 2  # rows up to which one search is faster than one for blocks and one within them
LARGEST = 1e15  # beyond, a square leaves float32
SMALLEST = 1e-35  # what float32 loses of numbers near its least
EMPTY = 3e38  # the rank of what fills the last block: more than any point's


@dataclass(frozen=True)
class _Search:
    """A search for `count` neighbours of rows of type `dtype` among points [m, d], float64.

    table: the points as the graph's constant, which the file holds but once.
    """

    g: Conversion
    points: np.ndarray
    table: Float64
    count: int
    dtype: str

    @property
    def candidates(self) -> int:
        """Return how many candidates a row has."""
        return min(len(self.points), self.count + SPARE)

    @property
    def block(self) -> int:
        """Return how many points have one least rank that tells whether to look at them.

        A row looks at all blocks' least ranks and at all points of the candidates' blocks.
        """
        best = float(np.sqrt(SCANNED * len(self.points) / self.candidates))
        return max(LEAST, round(best / ALIGNED) * ALIGNED)

    @property
    def chunk(self) -> int:
        """Return of how many rows the ranks of all points stay in the cache."""
        return batch_rows(len(self.points) // 2, self.points.shape[1])

    def rows(self, name: str) -> Float64:
        """Return rows as float64."""
        return float64(self.g, Matrix(name, self.dtype, self.points.shape[1]))


# find(search, rows as [x, 1] in float32, weights of the points' ranks) -> the largest rank of a
# row's candidates [n, 1], and their positions [n, candidates].
Find = Callable[[_Search, Matrix, str], tuple[str, str]]


def euclidean_neighbours(
    g: Conversion, x: Matrix, points: np.ndarray, count: int
) -> tuple[Matrix, Matrix]:
    """Return the squared distances [N, count] in order, float64, and the points' positions, int64.

    Of points at equal distances the first comes first. points: float64 [m, d].
    """
    search = _Search(g, points, constant(g, points, "points"), count, x.dtype)
    m, width = points.shape
    if m <= count + SPARE or not np.abs(points).max(initial=0.0) < LARGEST:
        rows = batch_rows(2 * m, width)
        lengths, at = in_batches(
            g, x, rows, lambda name: _matrices(search, *_in_float64(search, name))
        )
        return lengths, at

    def form(find: Find) -> Form:
        return lambda name: _checked(search, name, find)

    def by_blocks() -> list[Matrix]:
        rows = max(batch_rows(2 * search.candidates * width), search.chunk)
        few, many = form(_from_blocks), form(_from_blocks_in_chunks)
        return in_batches(g, x, rows, many, few, search.chunk)

    if m < MANY_BLOCKS * search.block * search.candidates:
        lengths, at, sure = in_batches(g, x, search.chunk, form(_from_all))
    else:
        one = at_most(g, x, FEW_ROWS)
        lengths, at, sure = either(g, one, lambda: _checked(search, x.name, _from_all), by_blocks)
    least = g.reduce("ReduceMin", g.cast(sure, "int32").name, [0], keep=False)
    all_sure = g.cast(Matrix(least, "int32", 0), "bool").name
    lengths, at = where_sure(
        g, x, lambda: sure, all_sure, [lengths, at], lambda some: _again(search, some)
    )
    return lengths, at


def _checked(search: _Search, name: str, find: Find) -> list[Matrix]:
    """Return the neighbours of rows as float32 finds them, and which rows are sure, bool [n].

    find: takes the search, the rows as [x, 1] in float32, and the weights of the points' ranks.
    """
    g, centre = search.g, centre_of(search.points)
    rows, table = search.rows(name), search.table
    shifted, centred = (rows - centre, table - centre) if centre.any() else (rows, table)
    narrow = g.cast(Matrix(shifted.name, "float64", 0), "float32").name
    if search.dtype == "float32" and not centre.any():
        narrow = name
    one = [g.constant([0, 0, 0, 1], "int64", "pads"), g.constant(1.0, "float32", "one")]
    extended = g.add("Pad", [narrow, *one], "extended")
    width = search.points.shape[1] + 1
    last, at = find(search, Matrix(extended, "float32", width), _weights(search, centred))
    lengths, chosen = _decided(search, rows, table, _ordered(g, at, search.candidates))
    sure = _sure(search, lengths, shifted, last)
    return [*_matrices(search, lengths, chosen), Matrix(_shaped(g, sure, -1), "bool", 0)]


def _weights(search: _Search, centred: Float64) -> str:
    """Return [−2s; ‖s‖²], float64 [d + 1, points]: with it `[x, 1]` gives `‖s‖² − 2 x·s`.

    What fills the last block has a rank above any point's.
    """
    g, points = search.g, len(search.points)
    lengths = centred.reduce("ReduceSumSquare", 1).swap(1, 0).name
    turned = (centred.swap(1, 0) * -2.0).name
    if spare := -points % search.block:
        pads = g.constant([0, 0, 0, spare], "int64", "pads")
        turned = g.add("Pad", [turned, pads], "filled")
        empty = g.constant(EMPTY, "float64", "empty")
        lengths = g.add("Pad", [lengths, pads, empty], "filled")
    return str(g.add("Concat", [turned, lengths], "weights", axis=0))


def _from_all(search: _Search, rows: Matrix, weights: str) -> tuple[str, str]:
    """Return the largest rank [n, 1] of the candidates, and the candidates in any order."""
    g = search.g
    ranks = g.add("MatMul", [rows.name, packed(g, weights)], "ranks")
    ranks, at = _least(g, ranks, search.candidates)
    return g.reduce("ReduceMax", ranks, [1]), _there(search, at)


def _from_blocks(search: _Search, rows: Matrix, weights: str) -> tuple[str, str]:
    """Return the same, searched for in the blocks of points whose least ranks are the least."""
    return _placed(search, *_in_blocks(search, rows.name, weights))


def _from_blocks_in_chunks(search: _Search, rows: Matrix, weights: str) -> tuple[str, str]:
    """Return the same, searched for with so many rows at a time that their ranks stay in the cache.

    What comes after the search is done for all of them at once.
    """
    c = search.candidates

    def form(name: str) -> list[Matrix]:
        ranks, of, place = _in_blocks(search, name, weights)
        return [Matrix(ranks, "float32", c), Matrix(of, "int64", c), Matrix(place, "int64", c)]

    batches = looped_batches(search.g, rows, search.chunk, form)
    return _placed(search, *(m.name for m in batches))


def _placed(search: _Search, ranks: str, of: str, place: str) -> tuple[str, str]:
    """Return the largest rank and the positions of candidates at places in blocks [n, c]."""
    g = search.g
    size = g.constant([search.block], "int64", "size")
    which = g.add("Div", [place, size], "which")
    block = g.add("GatherElements", [of, which], "block", axis=1)
    start = g.add("Mul", [block, size], "start")
    at = g.add("Add", [start, g.add("Mod", [place, size], "within")], "candidates")
    return g.reduce("ReduceMax", ranks, [1]), _there(search, at)


def _in_blocks(search: _Search, rows: str, weights: str) -> tuple[str, str, str]:
    """Return the candidates' ranks, their blocks, and their places in these side by side [n, c].

    The c blocks of the least minima hold the c least ranks: each of them has a rank that is not
    above any rank outside them. No rank above the largest of the c minima is of interest, so that
    these are lowered to it: a heap that finds the least has less to do. What is found of them in
    place of a candidate has its rank, so that nothing below the largest rank given is left out.
    """
    g, c, size = search.g, search.candidates, search.block
    ranks = g.add("MatMul", [rows, packed(g, weights)], "ranks")
    parted = _shaped(g, ranks, 0, -(-len(search.points) // size), size)
    minima, of = _least(g, g.reduce("ReduceMin", parted, [2]), c, axis=1)  # [n, c, 1]
    near = g.add("GatherND", [parted, of], "near", batch_dims=1)
    lowered = g.add("Min", [near, g.reduce("ReduceMax", minima, [1])], "lowered")
    least, place = _least(g, _shaped(g, lowered, 0, c * size), c)
    return least, _shaped(g, of, 0, c), place


def _there(search: _Search, at: str) -> str:
    """Return positions with those of a point for what fills the last block.

    A row gets such positions only where its ranks leave float32, and then it is not sure.
    """
    g, points = search.g, len(search.points)
    if points % search.block == 0:
        return at
    return str(g.add("Min", [at, g.constant(points - 1, "int64", "most")], "there"))


def _least(g: Conversion, values: str, count: int, axis: int = -1) -> tuple[str, str]:
    k = g.constant([count], "int64", "count")
    least, at = g.add_many("TopK", [values, k], "least", outputs=2, axis=axis, largest=0, sorted=1)
    return least, at


def _ordered(g: Conversion, at: str, count: int) -> str:
    """Return positions in ascending order, so that a later choice breaks ties by it."""
    k = g.constant([count], "int64", "count")
    ordered, _ = g.add_many("TopK", [at, k], "ordered", outputs=2, axis=-1, largest=0, sorted=1)
    return str(ordered)


def _shaped(g: Conversion, name: str, *shape: int) -> str:
    return str(g.add("Reshape", [name, g.constant(shape, "int64", "shape")], "shaped"))


def _decided(search: _Search, rows: Float64, table: Float64, at: str) -> tuple[Float64, str]:
    """Return the nearest of the candidates: squared distances from differences, and positions."""
    differences = rows.reshape(0, 1, search.points.shape[1]) - table.take(at, axis=0)
    exact = differences.reduce("ReduceSumSquare", 2, keep=False)
    lengths, place = exact.smallest(search.count)
    return lengths, search.g.add("GatherElements", [at, place], "neighbours", axis=1)


def _sure(search: _Search, lengths: Float64, shifted: Float64, last: str) -> str:
    """Return whether no point outside the candidates can be as near as the last neighbour, [n, 1].

    Such a point s, at most at the last neighbour's distance D, has ‖s‖ ≤ ‖x‖ + D, so that its rank
    was computed with an error of at most `(d + 6) u (2 ‖x‖ ‖s‖ + ‖s‖²) ≤ 6 (d + 6) u (‖x‖² + D²)`
    (rounding of x, s and ‖s‖², and d + 1 products and sums). It would be a candidate if
    `D² − ‖x‖²` plus that error is below the candidates' largest rank.
    """
    g, bound = search.g, 8 * (search.points.shape[1] + 6) * FLOAT32_UNIT
    length = shifted.reduce("ReduceSumSquare", 1)
    limit = Float64(g, g.cast(Matrix(last, "float32", 1), "float64").name) + length * (1.0 - bound)
    reach = lengths.reduce("ReduceMax", 1) * (1.0 + bound) + SMALLEST
    return (limit.compare("Greater", reach) & length.compare("Less", LARGEST**2)).name


def _again(search: _Search, rows: Matrix) -> list[Matrix]:
    """Return the neighbours of rows from float64 throughout."""

    def form(name: str) -> list[Matrix]:
        return _matrices(search, *_in_float64(search, name))

    return in_batches(search.g, rows, batch_rows(2 * len(search.points), rows.width), form)


def _in_float64(search: _Search, name: str) -> tuple[Float64, str]:
    """Return the neighbours among candidates from a float64 product."""
    g, rows, table = search.g, search.rows(name), search.table
    ranks, _ = ranked(g, rows, search.points, table)
    _, at = _least(g, ranks.name, search.candidates)
    return _decided(search, rows, table, _ordered(g, at, search.candidates))


def _matrices(search: _Search, lengths: Float64, chosen: str) -> list[Matrix]:
    return [
        Matrix(lengths.name, "float64", search.count),
        Matrix(chosen, "int64", search.count),
    ]
