"""Equal constants are written once; what a node adds its own stays its own."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from toolkit.exporter.passes.deduplicate_initializers import LEAST_VALUES, apply
from toolkit.onnx_graph import kernel_sums
from toolkit.onnx_graph.kernel_sums import KernelSum

TABLE = np.arange(2.0 * LEAST_VALUES).reshape(LEAST_VALUES, 2)


def reading(*tables: np.ndarray) -> onnx.ModelProto:
    """A model in which one node reads each table."""
    names = [f"table{k}" for k in range(len(tables))]
    nodes = [helper.make_node("Transpose", [name], [f"turned_{name}"]) for name in names]
    constants = [numpy_helper.from_array(t, n) for t, n in zip(tables, names, strict=True)]
    return helper.make_model(helper.make_graph(nodes, "g", [], [], constants))


@pytest.mark.parametrize(
    ("other", "kept"),
    [
        (TABLE, 1),
        (-TABLE, 2),
        (TABLE.T.copy(), 2),
        (TABLE.astype("float32"), 2),
    ],
    ids=["equal", "other", "turned", "narrower"],
)
def test_equal_matrices_are_one(other: np.ndarray, kept: int) -> None:
    model = reading(TABLE, other)
    assert apply(model) == (kept == 1)
    names = {t.name for t in model.graph.initializer}
    assert len(names) == kept
    assert {n.input[0] for n in model.graph.node} == names
    assert not apply(model)


def test_vectors_and_small_matrices_stay() -> None:
    vector, small = np.ones(LEAST_VALUES), np.eye(2)
    assert not apply(reading(vector, vector, small, small))


def test_metadata_names_the_one_that_is_left() -> None:
    model = reading(TABLE, TABLE)
    told = KernelSum("table1", "dual", "offset", "X", "total", 0.5, [0.0], [1.0])
    helper.set_model_props(model, {"other": "x", kernel_sums.KEY: kernel_sums.written([told])})
    assert apply(model)
    assert kernel_sums.of(model) == [told.renamed({"table1": "table0"})]
    assert model.metadata_props[0].value == "x"
