"""Random graphs with a product, the label of its scores, and what else may read them."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FEATURES = 3
KINDS = {"f": TensorProto.FLOAT, "i": TensorProto.INT64, "O": TensorProto.STRING}


class Drawn:
    """Nodes, constants and outputs as they are drawn."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.outputs: dict[str, tuple[int, list[int | None]]] = {}

    def add(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def constant(self, name, values):
        self.constants[name] = np.asarray(values)
        return name

    def model(self) -> onnx.ModelProto:
        results = [helper.make_tensor_value_info(n, *how) for n, how in self.outputs.items()]
        graph = helper.make_graph(
            self.nodes,
            "g",
            [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, FEATURES])],
            results,
            [numpy_helper.from_array(a, n) for n, a in self.constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
        onnx.checker.check_model(model, full_check=True)
        return model


def random_classifier(seed: int) -> onnx.ModelProto:
    """Two classes by one score, or several by as many; sometimes what looks alike and is not."""
    rng = np.random.default_rng(seed)
    drawn = Drawn()
    wide = int(rng.integers(2, 5))
    shape = str(rng.choice(["several", "mirrored", "sign"]))
    columns = wide if shape == "several" else 1
    kind = "float32" if rng.random() < 0.85 else "float64"
    source = "X" if kind == "float32" else drawn.add("Cast", ["X"], "cast", to=TensorProto.DOUBLE)
    weights = drawn.constant("w", rng.integers(-2, 3, (FEATURES, columns)).astype(kind))
    bias = drawn.constant("b", rng.integers(-1, 2, columns).astype(kind))
    scores = drawn.add("Gemm", [source, weights, bias], "scores")
    if shape == "mirrored":
        sides = [[-1.0, 1.0]] if rng.random() < 0.8 else [[1.0, -1.0]]
        names = [drawn.constant("m", np.array(sides, kind)), drawn.constant("z", np.zeros(2, kind))]
        scores, inner = drawn.add("Gemm", [scores, *names], "sides"), scores
        if rng.random() < 0.2:
            _output(drawn, inner, kind, 1)
    index = _index(drawn, rng, scores, kind, shape)
    _label(drawn, rng, index, 2 if shape != "several" else wide)
    for operator in rng.choice(["Sigmoid", "Softmax", "Neg", ""], int(rng.integers(0, 3))):
        name = f"{operator or 'out'}{len(drawn.nodes)}"
        read = drawn.add(operator, [scores], name) if operator else scores
        _output(drawn, read, kind, {"several": wide, "mirrored": 2, "sign": 1}[shape])
    return drawn.model()


def _index(drawn, rng, scores, kind, shape):
    if shape != "sign":
        more = {"select_last_index": 1} if rng.random() < 0.15 else {}
        return drawn.add("ArgMax", [scores], "index", axis=1, keepdims=0, **more)
    limit = drawn.constant("limit", np.array([0.0 if rng.random() < 0.8 else 1.0], kind))
    above = drawn.add("Greater", [scores, limit], "above")
    number = drawn.add("Cast", [above], "number", to=TensorProto.INT64)
    return drawn.add("Reshape", [number, drawn.constant("flat", np.array([-1]))], "index")


def _label(drawn, rng, index, classes):
    tables = [np.arange(classes) * 3 - 1, np.linspace(0, 1, classes).astype(np.float32)]
    texts = np.array([f"class {k} Łódź" for k in range(classes)], dtype=object)
    table = [None, *tables, texts][int(rng.integers(0, 4))]
    if table is None or rng.random() < 0.2:
        drawn.outputs[index] = TensorProto.INT64, [None]
    if table is not None:
        name = drawn.add("Gather", [drawn.constant("classes", table), index], "label", axis=0)
        drawn.outputs[name] = KINDS[table.dtype.kind], [None]


def _output(drawn, name, kind, width):
    number = TensorProto.FLOAT if kind == "float32" else TensorProto.DOUBLE
    drawn.outputs[name] = number, [None, width]
