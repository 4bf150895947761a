"""Two classes from one score: the label at zero, and probabilities at the far ends."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.binary_sigmoid import binary_sigmoid
from toolkit.exporter.graph import initializer
from toolkit.exporter.values import Matrix
from toolkit.runtime.session import open_session

TINY = float(np.finfo(np.float32).tiny)
RAW = np.array([-90, -1, -TINY, -0.0, 0.0, TINY, 1, 20, 90], np.float32).reshape(-1, 1)


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("zero_is_second", [False, True])
def test_labels_and_probabilities(scale, zero_is_second):
    g = Conversion(dispatch=lambda *_: {})
    index, p = binary_sigmoid(
        g, Matrix(g.name("raw"), "float32", 1), scale, zero_is_second=zero_is_second
    )
    graph = helper.make_graph(
        g.nodes,
        "g",
        [helper.make_tensor_value_info("raw", TensorProto.FLOAT, [None, 1])],
        [
            helper.make_tensor_value_info(index.name, TensorProto.INT64, [None]),
            helper.make_tensor_value_info(p.name, TensorProto.FLOAT, [None, 2]),
        ],
        [initializer(n, a) for n, a in g.constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    labels, got = open_session(model.SerializeToString(), "test").run(None, {"raw": RAW})
    second = RAW[:, 0] >= 0 if zero_is_second else RAW[:, 0] > 0
    np.testing.assert_array_equal(labels, second)
    exact = 1 / (1 + np.exp(-scale * RAW[:, 0].astype(np.float64)))
    # A few float32 roundings; onnxruntime's sigmoid is flat beyond about 18.
    np.testing.assert_allclose(got[:, 1], exact, atol=1e-7)
    np.testing.assert_allclose(got[:, 0], 1 - exact, atol=1e-7)
