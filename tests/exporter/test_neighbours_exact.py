"""Neighbours from float32 candidates are those of float64: ties, duplicates, offsets, any batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import onnx
import pytest
from onnx import NodeProto, helper
from sklearn.neighbors import KNeighborsRegressor

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.batching import batch_rows
from toolkit.exporter.formulas.knn_search import euclidean_neighbours
from toolkit.exporter.graph import initializer
from toolkit.exporter.model import build
from toolkit.exporter.schema import infer
from toolkit.exporter.values import ELEMENT, Matrix
from toolkit.onnx_graph.subgraphs import inside
from toolkit.runtime.session import open_session

Run = Callable[[np.ndarray], list[np.ndarray]]

RNG = np.random.default_rng(0)
MANY = 2500  # points enough that they are searched block by block


def search(points: np.ndarray, count: int, dtype: str = "float32") -> Run:
    """Return the graph that gives each row's neighbours, as rows of distances and of positions."""
    g = Conversion(dispatch=lambda *_: {})
    x = Matrix("X", dtype, points.shape[1])
    found, at = euclidean_neighbours(g, x, points, count)
    return runner(g, x, {"distances": found, "positions": at})


def runner(g: Conversion, x: Matrix, outputs: dict[str, Matrix]) -> Run:
    """Return a function of rows that runs the graph."""
    graph = helper.make_graph(
        [*g.nodes, *(helper.make_node("Identity", [m.name], [n]) for n, m in outputs.items())],
        "g",
        [helper.make_tensor_value_info("X", ELEMENT[x.dtype], [None, x.width])],
        [
            helper.make_tensor_value_info(n, ELEMENT[m.dtype], [None, m.width])
            for n, m in outputs.items()
        ],
        [initializer(n, a) for n, a in g.constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", g.opset)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    session = open_session(model.SerializeToString(), "test")
    return lambda rows: session.run(None, {"X": rows.astype(x.dtype)})


def expected(points: np.ndarray, rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return squared distances in order and positions; of equal ones the first comes first."""
    squares = ((rows[:, None, :] - points[None]) ** 2).sum(axis=2)
    at = np.argsort(squares, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(squares, at, axis=1), at


def grid(count: int) -> np.ndarray:
    """Return whole numbers: most rows have ties at the last neighbour."""
    return RNG.integers(0, 6, size=(count, 3)).astype(float)


POINTS = {
    "normal": RNG.normal(size=(MANY, 5)),
    "few": RNG.normal(size=(40, 5)),
    "ties": grid(MANY),
    "duplicates": np.repeat(RNG.normal(size=(MANY // 25, 4)), 25, axis=0),
    "all-the-same": np.ones((MANY, 3)),
    "offset": RNG.normal(size=(MANY, 4)) + 1e6,
    "far-ones": RNG.normal(size=(MANY, 4)) * 10.0 ** RNG.integers(-4, 5, size=(MANY, 1)),
    "tiny": RNG.normal(size=(MANY, 4)) * 1e-25,
    "huge": RNG.normal(size=(MANY, 4)) * 1e18,
    "close": 1.0 + RNG.normal(size=(MANY, 3)) * 1e-6,
    "wide": RNG.normal(size=(900, 150)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", POINTS)
def test_neighbours_are_those_of_float64(name: str, dtype: str) -> None:
    points = POINTS[name].astype(np.float32).astype(float)
    count = 5
    run = search(points, count, dtype)
    rows = np.concatenate([
        points[:: max(1, len(points) // 40)],
        points[:40] + RNG.normal(size=points[:40].shape) * points.std(axis=0),
        points.mean(axis=0) + 1e3 * RNG.normal(size=(5, points.shape[1])) * points.std(),
        np.zeros((1, points.shape[1])),
    ])  # fmt: skip
    rows = rows.astype(np.float32).astype(float)
    squares, at = expected(points, rows, count)
    found, chosen = run(rows)
    np.testing.assert_array_equal(chosen, at)
    # Sums of squares in another order: a few roundings of float64.
    np.testing.assert_allclose(found, squares, rtol=1e-12)


@pytest.mark.parametrize("count", [300, MANY])
def test_what_float32_cannot_tell_apart_is_decided_in_float64(count: int) -> None:
    """Points on a sphere about the row: their distances differ by less than float32's rounding."""
    points = RNG.normal(size=(count, 4))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    points *= 1.0 + 1e-9 * RNG.permutation(count)[:, None]
    rows = np.zeros((3, 4))
    squares, at = expected(points, rows, 5)
    found, chosen = search(points, 5)(rows)
    np.testing.assert_array_equal(chosen, at)
    np.testing.assert_allclose(found, squares, rtol=1e-12)


@pytest.mark.parametrize("points", [MANY, 300])
def test_any_batch_gives_the_same(points: int) -> None:
    table = RNG.normal(size=(points, 4))
    run, chunk, most = search(table, 3), batch_rows(points // 2, 4), batch_rows(0)
    rows = RNG.normal(size=(2 * most + 1, 4)).astype(np.float32)
    squares, at = expected(table, rows.astype(float), 3)
    for batch in (0, 1, 2, 3, chunk - 1, chunk, chunk + 1, most, most + 1, len(rows)):
        found, chosen = run(rows[:batch])
        assert found.shape == (batch, 3)
        np.testing.assert_array_equal(chosen, at[:batch])
        np.testing.assert_allclose(found, squares[:batch], rtol=1e-12)


@pytest.mark.parametrize("count", [1, 30, 37, 38, 39, 40])
def test_as_many_neighbours_as_points(count: int) -> None:
    points, rows = RNG.normal(size=(40, 3)), RNG.normal(size=(9, 3))
    rows = rows.astype(np.float32).astype(float)
    np.testing.assert_array_equal(search(points, count)(rows)[1], expected(points, rows, count)[1])


def test_rows_beyond_what_float32_products_hold() -> None:
    points = RNG.normal(size=(MANY, 3))
    rows = np.array([[3e38, -3e38, 3e38], [1e30, 0, 0], [-1e20, 1e20, 0], [0, 0, 0]])
    rows = rows.astype(np.float32).astype(float)
    found, chosen = search(points, 4)(rows)
    assert np.isfinite(found).all()
    # So far away all points are equally near in float64 as well; a distance is all that is owed.
    np.testing.assert_allclose(found, expected(points, rows, 4)[0], rtol=1e-6)
    np.testing.assert_array_equal(chosen[3], expected(points, rows[3:], 4)[1][0])


@pytest.mark.parametrize(("points", "forms"), [(MANY, 3), (300, 2)])
def test_weights_are_constants_of_the_graph_that_multiplies_by_them(
    points: int, forms: int
) -> None:
    """Else onnxruntime does not pack them, but copies them for every chunk."""
    g = Conversion(dispatch=lambda *_: {})
    euclidean_neighbours(g, Matrix("X", "float32", 4), RNG.normal(size=(points, 4)), 3)
    products = list(products_in(g.nodes))
    assert len(products) == forms  # of one row, of few, and of a chunk of many
    for product, beside in products:
        assert product.input[1] in beside


def products_in(nodes: Iterable[NodeProto]) -> Iterator[tuple[NodeProto, set[str]]]:
    """Yield products, those in graphs inside nodes too, with the tensors made in the same graph."""
    nodes = list(nodes)
    made = {name for node in nodes for name in node.output}
    for node in nodes:
        if node.op_type == "MatMul":
            yield node, made
        for graph in inside(node):
            yield from products_in(graph.node)


def test_the_points_are_stored_once() -> None:
    X = RNG.normal(size=(MANY, 4))
    model = KNeighborsRegressor(3).fit(X, X[:, 0])
    content = build(model, infer(X), 21, "regressor", "finite").content
    large = [i for i in onnx.load_from_string(content).graph.initializer if np.prod(i.dims) > 1000]
    assert [tuple(i.dims) for i in large] == [(MANY, 4), (MANY,)]
