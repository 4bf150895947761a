"""Estimators without a converter of ours: skl2onnx converts them alone, we take the nodes over."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from toolkit.errors import first_line
from toolkit.exporter.conversion import Conversion
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value
from toolkit.onnx_graph.domains import ML

# skl2onnx's names of outputs -> ours.
OUTPUTS = {
    "label": "predict",
    "output_label": "predict",
    "probabilities": "predict_proba",
    "output_probability": "predict_proba",
    "scores": "decision_function",
}
DTYPES: dict[int, str] = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.DOUBLE: "float64",
    onnx.TensorProto.INT64: "int64",
    onnx.TensorProto.STRING: "string",
    onnx.TensorProto.BOOL: "bool",
}


def convert_leaf(est: Any, x: Value, g: Conversion) -> Outputs:
    """Return the outputs of skl2onnx's graph for one estimator, its nodes taken into `g`.

    Raises Unconvertible where skl2onnx has no converter or fails.
    """
    matrix = g.matrix(x)
    model = _skl2onnx(est, matrix, g.opset)
    custom = {o.domain for o in model.opset_import} - {"", "ai.onnx", ML}
    if custom:
        raise Unconvertible(f"skl2onnx has operators of {sorted(custom)[0]!r} alone for it, so it")
    names = {"": ""} | {model.graph.input[0].name: matrix.name}
    for constant in model.graph.initializer:
        names[constant.name] = g.name(constant.name)
        g.constants[names[constant.name]] = _array(constant)
    for node in model.graph.node:
        for output in node.output:
            names.setdefault(output, g.name(output))
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.name = ""
        copy.input[:] = [names[i] for i in node.input]
        copy.output[:] = [names[o] for o in node.output]
        g.nodes.append(copy)
    return {
        _kind(o.name, est): _shaped(
            g, Matrix(names[o.name], _dtype(o), _width(o, est)), o.type.tensor_type.shape.dim
        )
        for o in model.graph.output
    }


def _kind(name: str, est: Any) -> str:
    """Return scikit-learn's name of an output of skl2onnx's; a clusterer's scores are distances."""
    single = "transform" if hasattr(est, "transform") else "predict"
    kind = OUTPUTS.get(name, single)
    if kind == "predict_proba" and not hasattr(est, kind):
        kind = "decision_function"  # what it calls probabilities are scores
    return kind if hasattr(est, kind) else single


def _skl2onnx(est: Any, x: Matrix, opset: int) -> onnx.ModelProto:
    from skl2onnx import convert_sklearn
    from skl2onnx.common import data_types
    from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator

    kinds = {
        "float32": data_types.FloatTensorType,
        "float64": data_types.DoubleTensorType,
        "int64": data_types.Int64TensorType,
        "string": data_types.StringTensorType,
        "bool": data_types.BooleanTensorType,
    }
    classifies = getattr(est, "_estimator_type", None) == "classifier" or hasattr(est, "classes_")
    options = {id(est): {"zipmap": False}} if classifies else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return convert_sklearn(
                est,
                initial_types=[("x", kinds[x.dtype]([None, x.width]))],
                target_opset={"": opset, "ai.onnx.ml": 3},
                options=options,
            )
    # skl2onnx raises whatever its converters stumble on; all of it means: not convertible.
    except Exception as error:
        if isinstance(error, MissingShapeCalculator | MissingConverter):
            raise Unconvertible("neither toolkit nor skl2onnx has a converter, so it") from error
        raise Unconvertible(
            f"skl2onnx fails with {type(error).__name__} ({first_line(error)}), so it"
        ) from error


def _array(constant: onnx.TensorProto) -> Any:
    array = numpy_helper.to_array(constant)
    if constant.data_type == onnx.TensorProto.STRING:
        decoded = [s.decode() if isinstance(s, bytes) else str(s) for s in array.ravel().tolist()]
        return np.array(decoded, dtype=object).reshape(array.shape)
    return array


def _dtype(output: onnx.ValueInfoProto) -> str:
    return DTYPES[int(output.type.tensor_type.elem_type)]


def _shaped(g: Conversion, x: Matrix, dims: Any) -> Matrix:
    """Return labels as [N] and numbers as [N, width]: skl2onnx gives some labels as [N, 1]."""
    if len(dims) == (2 if x.width else 1) or (len(dims) == 2 and dims[1].dim_value != 1):
        return x
    shape = g.constant([-1, x.width] if x.width else [-1], "int64", "shape")
    return Matrix(g.add("Reshape", [x.name, shape], "shaped"), x.dtype, x.width)


def _width(output: onnx.ValueInfoProto, est: Any) -> int:
    """Return the declared number of columns, 0 for labels; what is not declared is looked up."""
    dims = output.type.tensor_type.shape.dim
    if output.name.endswith("label"):
        return 0
    if len(dims) == 2 and dims[1].dim_value:
        return dims[1].dim_value
    if hasattr(est, "transform"):
        return len(est.get_feature_names_out())
    return len(getattr(est, "classes_", [0]))
