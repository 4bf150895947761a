"""Below a root the children's ids differ, whoever writes the operator.

Where they are equal, onnxruntime up to 1.23 takes the tree for a single leaf, and up to 1.29 a
single leaf for another one. `scripts/floors` runs this file with the lowest version.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from toolkit.exporter.trees.ensemble import Ensemble, concatenate, tree
from toolkit.exporter.trees.nodes import attributes
from toolkit.quantizer.trees.forests import find_forests
from toolkit.runtime.pack.forest import Forest
from toolkit.runtime.pack.forest.nodes import to_node, twinned
from toolkit.runtime.session import open_session

Shape = float | tuple["Shape", "Shape"]  # a leaf's value, or the two children of a split

LEAVES = st.integers(0, 3).map(float)  # few, so that leaves are shared
SHAPES: st.SearchStrategy[Shape] = st.recursive(
    LEAVES, lambda below: st.tuples(below, below), max_leaves=8
)
LONE, STUMP = 1.0, (0.0, 1.0)
LEFT: Shape = ((0.0, 2.0), 1.0)  # its root's children are split 1 and leaf 1
RIGHT: Shape = (1.0, (0.0, 2.0))
SAME: Shape = (2.0, 2.0)


def ensemble_of(shapes: list[Shape], targets: int = 1) -> Ensemble:
    """Return the trees, all on one feature, their targets by turns."""
    return concatenate([_tree(s, k % targets) for k, s in enumerate(shapes)], np.zeros(targets))


def _tree(shape: Shape, target: int) -> Ensemble:
    left: list[int] = []
    right: list[int] = []
    values: list[float] = []

    def grow(part: Shape) -> int:
        at = len(values)
        for column in (left, right, values):
            column.append(0)
        if isinstance(part, tuple):
            left[at], right[at] = grow(part[0]), grow(part[1])
        else:
            values[at] = part
        return at

    grow(shape)
    leaf = np.array(left) == 0
    threshold = np.arange(len(values), dtype=float)
    return tree(
        np.zeros(len(values), int),
        threshold,
        np.array(left),
        np.array(right),
        leaf,
        np.array(values),
        target=target,
    )


def exported(ensemble: Ensemble) -> onnx.NodeProto:
    head = helper.make_node("TreeEnsemble", ["X"], ["y"], domain="ai.onnx.ml")
    return onnx.NodeProto.FromString(
        head.SerializeToString() + attributes(ensemble, "float32", ml_opset=5)
    )


def read(node: onnx.NodeProto) -> Forest:
    model = helper.make_model(helper.make_graph([node], "forest", [], []))
    return find_forests(model)[0]


def unpacked(ensemble: Ensemble) -> onnx.NodeProto:
    """The node as a pack's reader writes it: from the nodes in level order."""
    return onnx.NodeProto.FromString(to_node(read(exported(ensemble))))


WRITERS = pytest.mark.parametrize("write", [exported, unpacked])


def ids_of(node: onnx.NodeProto) -> tuple[np.ndarray, int]:
    """Return the ids of the roots' children [T, 2], and the number of the leaves' rows."""
    a = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    ids = np.stack([a["nodes_truenodeids"], a["nodes_falsenodeids"]], axis=1)
    rows = len(numpy_helper.to_array(a["leaf_weights"]))
    assert rows == len(a["leaf_targetids"])
    return ids[a["tree_roots"]], rows


@WRITERS
@given(shapes=st.lists(SHAPES, min_size=1, max_size=6), targets=st.sampled_from([1, 2]))
@example(shapes=[LONE], targets=1)
@example(shapes=[STUMP, LONE, STUMP], targets=2)
@example(shapes=[LEFT], targets=1)
@example(shapes=[RIGHT, RIGHT], targets=1)
@example(shapes=[SAME, LEFT], targets=1)
def test_the_children_of_a_root_have_different_ids(
    write: Callable[[Ensemble], onnx.NodeProto], shapes: list[Shape], targets: int
) -> None:
    ensemble = ensemble_of(shapes, targets)
    node = write(ensemble)
    ids, _ = ids_of(node)
    assert (ids[:, 0] != ids[:, 1]).all()
    want, got = read(exported(ensemble)), read(node)
    np.testing.assert_array_equal(got.split, want.split)
    np.testing.assert_array_equal(got.threshold, want.threshold)
    np.testing.assert_array_equal(got.leaf_values(), want.leaf_values())
    np.testing.assert_array_equal(got.leaf_targets(), want.leaf_targets())
    assert sorted(got.leaf_values().ravel()) == sorted(ensemble.values[ensemble.leaf])


@WRITERS
@pytest.mark.parametrize("shape", [LEFT, RIGHT, SAME, LONE], ids=["left", "right", "same", "lone"])
def test_without_twins_the_ids_would_be_equal(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[Ensemble], onnx.NodeProto], shape: Shape
) -> None:
    """The examples above are of the kind that went wrong, and a twin is all that they cost."""
    ensemble = ensemble_of([shape])
    _, rows = ids_of(write(ensemble))
    nothing = np.zeros(0, dtype=np.int64)
    for module in ("toolkit.exporter.trees.nodes", "toolkit.runtime.pack.forest.nodes"):
        monkeypatch.setattr(f"{module}.twinned", lambda ids, leaf, rows: (ids, nothing))
    ids, fewer = ids_of(write(ensemble))
    assert ids[0, 0] == ids[0, 1]
    assert rows == fewer + 1


@WRITERS
@given(shapes=st.lists(SHAPES, min_size=1, max_size=6))
@example(shapes=[STUMP, LONE, LONE])
@example(shapes=[STUMP, LEFT, RIGHT, SAME])
def test_onnxruntime_takes_every_row_to_its_leaves(
    write: Callable[[Ensemble], onnx.NodeProto], shapes: list[Shape]
) -> None:
    ensemble = ensemble_of(shapes)
    X = np.arange(-0.5, len(ensemble.leaf), dtype=np.float32).reshape(-1, 1)
    assert answers(write(ensemble), X).tolist() == [walked(ensemble, x) for x in X.ravel()]


def answers(node: onnx.NodeProto, X: np.ndarray) -> np.ndarray:
    ends = [helper.make_tensor_value_info(n, 1, [None, 1]) for n in "Xy"]
    graph = helper.make_graph([node], "forest", ends[:1], ends[1:])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return open_session(model.SerializeToString(), "here").run(None, {"X": X})[0].ravel()


def walked(e: Ensemble, x: float) -> float:
    """The sum of the leaves that x comes to, node by node."""
    total = 0.0
    for node in e.roots:
        while not e.leaf[node]:
            node = (e.left if x <= e.threshold[node] else e.right)[node]
        total += e.values[node]
    return total


def test_roots_share_a_twin_and_others_keep_their_ids() -> None:
    ids = np.array([[4, 4], [4, 4], [2, 4], [3, 3], [0, 1]])
    leaf = np.array([[False, True], [True, True], [True, True], [True, False], [False, False]])
    got, twins = twinned(ids, leaf, rows=5)
    assert got.tolist() == [[4, 6], [4, 6], [2, 4], [5, 3], [0, 1]]
    assert twins.tolist() == [3, 4]
