"""Graphs and calibration rows made by hand, so that the quantizers are tested on their own."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from toolkit.bundle import Rows
from toolkit.quantizer.calibration import Calibration

RNG = np.random.default_rng(0)
WIDTH = 6


def model_of(nodes, constants, output="variable", width=WIDTH, columns=None):
    """A checked model with the input X [N, width] and one float output."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [None, columns])],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


def floats(*shape, scale=1.0):
    return (RNG.normal(size=shape) * scale).astype(np.float32)


def linear(weights=None, bias=None):
    """One Gemm, as the exporter writes a linear model."""
    weights = floats(WIDTH, 1) if weights is None else weights
    bias = floats(weights.shape[1]) if bias is None else bias
    return model_of(
        [helper.make_node("Gemm", ["X", "w", "b"], ["variable"])],
        {"w": weights, "b": bias},
        width=len(weights),
    )


def network(hidden=64):
    """Two layers, large enough for every method to be smaller than the graph."""
    return model_of(
        [
            helper.make_node("Gemm", ["X", "w0", "b0"], ["h"]),
            helper.make_node("Relu", ["h"], ["r"]),
            helper.make_node("Gemm", ["r", "w1", "b1"], ["variable"]),
        ],
        {
            "w0": floats(WIDTH, hidden),
            "b0": floats(hidden),
            "w1": floats(hidden, 1) / np.float32(hidden**0.5),
            "b1": floats(1),
        },
    )


def without_weights():
    return model_of([helper.make_node("Relu", ["X"], ["variable"])], {})


def in_attributes():
    """A linear model as skl2onnx alone writes it, its coefficients in an attribute."""
    node = helper.make_node(
        "LinearRegressor",
        ["X"],
        ["variable"],
        domain="ai.onnx.ml",
        coefficients=[1.0] * WIDTH,
        intercepts=[0.5],
    )
    return of_ml(node)


def trees():
    """A stump, its parameters in attributes."""
    node = helper.make_node(
        "TreeEnsemble",
        ["X"],
        ["variable"],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function=1,
        post_transform=0,
        tree_roots=[0],
        nodes_featureids=[0],
        nodes_truenodeids=[0],
        nodes_trueleafs=[1],
        nodes_falsenodeids=[1],
        nodes_falseleafs=[1],
        leaf_targetids=[0, 0],
        nodes_splits=numpy_helper.from_array(np.zeros(1, np.float32)),
        nodes_modes=numpy_helper.from_array(np.zeros(1, np.uint8)),
        leaf_weights=numpy_helper.from_array(np.array([-1.0, 1.0], np.float32)),
    )
    return of_ml(node)


def of_ml(node):
    """A graph of one node of ai.onnx.ml."""
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, WIDTH])],
        [helper.make_tensor_value_info("variable", TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def calibration(width=WIDTH, rows=200, scale=1.0):
    X = floats(rows, width, scale=scale)
    return Calibration({"X": X}, Rows({"X": X.astype(np.float64)}, {}, None))


def initializers(model):
    return {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
