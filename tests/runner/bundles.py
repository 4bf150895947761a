"""Bundles made by hand, so that the bench is tested without the exporter and the quantizers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from toolkit.bundle import (
    ESTIMATOR,
    EVALUATION,
    FLOAT,
    MODEL,
    NOT_APPLICABLE,
    OK,
    Bundle,
    Variant,
    to_npz,
    write_files,
)
from toolkit.estimators.skops_file import dump_estimator
from toolkit.runtime import golden
from toolkit.runtime.manifest import GOLDEN, HOME, VARIANT

TIGHT = {"relative": 1e-4, "agreement": 1.0}
ROWS = 120


def graph(task, nodes, outputs, parameters, non_finite="finite", width=3):
    """A serialized model with one float32 input X [N, width]; outputs: {name: (type, shape)}."""
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info(n, t, s) for n, (t, s) in outputs.items()],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in parameters.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    helper.set_model_props(model, {"toolkit.task": task, "toolkit.takes": non_finite})
    onnx.checker.check_model(model)
    return model.SerializeToString()


def linear(coef, intercept, batch_dependent=False, task="regressor") -> bytes:
    """X·coef + intercept; batch-dependent: a tenth of the batch's largest prediction is added."""
    weights = np.asarray(coef, dtype=np.float32).reshape(-1, 1)
    parameters = {"W": weights, "b": np.array([intercept], dtype=np.float32)}
    last = "plain" if batch_dependent else "variable"
    nodes = [helper.make_node("Gemm", ["X", "W", "b"], [last])]
    if batch_dependent:
        parameters["tenth"] = np.array([0.1], dtype=np.float32)
        parameters["axes"] = np.array([0], dtype=np.int64)
        nodes += [
            helper.make_node("ReduceMax", ["plain", "axes"], ["most"], keepdims=1),
            helper.make_node("Mul", ["most", "tenth"], ["share"]),
            helper.make_node("Add", ["plain", "share"], ["variable"]),
        ]
    outputs = {"variable": (TensorProto.FLOAT, [None, 1])}
    return graph(task, nodes, outputs, parameters, width=len(weights))


def logistic(coef, intercept, labels) -> bytes:
    """Softmax over X·coefᵀ + intercept, and the label of the largest (text)."""
    nodes = [
        helper.make_node("Gemm", ["X", "W", "b"], ["z"]),
        helper.make_node("Softmax", ["z"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["z"], ["at"], axis=1, keepdims=0),
        helper.make_node("Gather", ["names", "at"], ["label"]),
    ]
    outputs = {
        "label": (TensorProto.STRING, [None]),
        "probabilities": (TensorProto.FLOAT, [None, len(labels)]),
    }
    weights = np.asarray(coef, dtype=np.float32).T
    parameters = {
        "W": np.ascontiguousarray(weights),
        "b": np.asarray(intercept, dtype=np.float32),
        "names": np.array(labels, dtype=object),
    }
    return graph("classifier", nodes, outputs, parameters, width=len(weights))


def write_bundle(
    path: Path,
    task: str,
    estimator: object,
    evaluation: Mapping[str, np.ndarray],
    outputs: list[dict],
    variants: list[tuple[Variant, bytes | None]],
    name: str = "hand-made",
    width: int = 3,
) -> Bundle:
    """A bundle with these variants; evaluation: the arrays of evaluation.npz."""
    columns = [f"x{k}" for k in range(width)]
    manifest = {
        "schema_version": 1,
        "name": name,
        "task": task,
        "estimator": {"type": "hand", "summary": "hand", "input": "array"},
        "inputs": [
            {
                "name": "X",
                "dtype": "float32",
                "shape": [None, width],
                "columns": columns,
                "takes": "finite",
            }
        ],
        "outputs": outputs,
        "opsets": {"": 18},
        "files": {},
        "variants": [variant.record() for variant, _ in variants],
        "proof": {"passed": True},
        "versions": {},
        "all_rows": {"r2": 0.75, "mse": 0.25},
    }
    contents = {v.file: (content, VARIANT) for v, content in variants if v.file and content}
    contents[ESTIMATOR] = (dump_estimator(estimator), HOME)
    contents[EVALUATION] = (to_npz(evaluation), HOME)
    contents[golden.NAME] = (to_npz(_golden(evaluation)), GOLDEN)
    return write_files(path, manifest, contents)


def _golden(evaluation: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    few = {n: a[:8] for n, a in evaluation.items()}
    return few | {"adversarial": np.zeros(8, dtype=bool)}


def variant(method: str, content: bytes, file: str = "") -> tuple[Variant, bytes]:
    """A kept variant."""
    file = file or (MODEL if method == FLOAT else f"model.{method}.onnx")
    return Variant(method, OK, file, bytes=len(content), tolerance=TIGHT), content


def absent(method: str, reason: str = "nothing here to quantize") -> tuple[Variant, None]:
    """A method that did not apply, and would have made a larger file."""
    return Variant(method, NOT_APPLICABLE, None, reason, bytes=1000), None


def regression_rows() -> tuple[np.ndarray, np.ndarray]:
    """Rows [120, 3] and their targets, with noise."""
    rng = np.random.default_rng(7)
    X = rng.normal(size=(ROWS, 3))
    return X, X @ [1.5, -2.0, 0.5] + 3.0 + 0.3 * rng.normal(size=ROWS)


def linear_bundle(path: Path, extra: list | None = None, name: str = "hand-made") -> Bundle:
    """A LinearRegression with model.onnx, a slightly wrong variant, and one that did not apply."""
    from sklearn.linear_model import LinearRegression

    X, y = regression_rows()
    model = LinearRegression().fit(X, y)
    coef, intercept = model.coef_, float(model.intercept_)
    made = [
        variant(FLOAT, linear(coef, intercept)),
        variant("uint8-pack", linear(coef + 0.01, intercept), "model.uint8-pack.onnx"),
        absent("dynamic-uint8"),
        *(extra or []),
    ]
    outputs = [{"name": "variable", "dtype": "float32", "shape": [None, 1]}]
    arrays = {"input_0": X, "output_0": model.predict(X).reshape(-1, 1), "target": y}
    return write_bundle(path, "regressor", model, arrays, outputs, made, name)


def classifier_bundle(path: Path, extra: list | None = None) -> Bundle:
    """A LogisticRegression of three text classes on two features."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(3)
    X = rng.normal(size=(ROWS, 2))
    y = np.array(["ant", "bee", "cat"])[np.digitize(X[:, 0] + 0.3 * X[:, 1], [-0.5, 0.5])]
    model = LogisticRegression().fit(X, y)
    labels = [str(c) for c in model.classes_]
    made = [variant(FLOAT, logistic(model.coef_, model.intercept_, labels)), *(extra or [])]
    outputs = [
        {"name": "label", "dtype": "string", "shape": [None]},
        {"name": "probabilities", "dtype": "float32", "shape": [None, 3]},
    ]
    arrays = {
        "input_0": X,
        "output_0": model.predict(X),
        "output_1": model.predict_proba(X),
        "target": y,
    }
    return write_bundle(path, "classifier", model, arrays, outputs, made, width=2)
