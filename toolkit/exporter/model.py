"""From an estimator and a schema to a finished ONNX model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import onnx
from onnx import helper

from toolkit.errors import InvalidInput, UnsupportedEstimator, first_line
from toolkit.exporter import passes
from toolkit.exporter.conversion import Conversion
from toolkit.exporter.dispatch import convert
from toolkit.exporter.graph import MOST_COLUMNS, initializer
from toolkit.exporter.grid import Grids
from toolkit.exporter.opsets import IR_VERSIONS, ML_OPSETS
from toolkit.exporter.passes.fuse_classifier import packed_weights
from toolkit.exporter.schema import Schema, declare
from toolkit.exporter.tasks import REGRESSOR, wanted_outputs
from toolkit.exporter.trees.pending import place_trees
from toolkit.exporter.tuning import LATENCY
from toolkit.exporter.values import ELEMENT, Matrix
from toolkit.metrics import Scale
from toolkit.onnx_graph import kernel_sums
from toolkit.onnx_graph.domains import CONTRIBUTED, ML, contributed_types
from toolkit.onnx_graph.subgraphs import made_by, rename, walk
from toolkit.runtime.predictor import NON_FINITE_KEY, TASK_KEY
from toolkit.runtime.wire import GRAPH_NODE, MODEL_GRAPH, head

# What protobuf can hold in one message; external data is refused by the runtime on purpose.
LARGEST = (1 << 31) - 1


@dataclass(frozen=True)
class Exported:
    """A model's bytes, its outputs' names in order, and the traps that were mended.

    compares_computed: whether trees compare what arithmetic made of the inputs (`Conversion`).
    """

    content: bytes
    outputs: tuple[str, ...]
    traps: tuple[str, ...]
    compares_computed: bool = False

    @cached_property
    def model(self) -> onnx.ModelProto:
        """The model, parsed; what is serialized from it again is larger than `content`."""
        return onnx.load_from_string(self.content)


def build(
    estimator: Any,
    schema: Schema,
    opset: int,
    task: str,
    non_finite: str,
    tune: str = LATENCY,
    rows: Mapping[str, np.ndarray] | None = None,
    grids: Grids | None = None,
    scale: Scale | None = None,
    compute: str = "float32",
    newest_ml: int | None = None,
    sparse: frozenset[int] = frozenset(),
) -> Exported:
    """Return the estimator as a checked ONNX model with the contract's input and output names.

    tune: "latency" or "throughput", what the graph is to be fast at; rows: sample rows by input
    name (`Conversion`); grids: of the data's columns, by input name. scale: that of a regressor's
    answers on held-out rows; where float32 is too coarse for them the graph gives float64. compute:
    "float64" for a graph whose numbers are float64 throughout, whole numbers too, even where its
    inputs are float32. newest_ml: the newest ai.onnx.ml whose trees the runtime has, by default
    that of the opset. sparse: see `Conversion.sparse`.
    Raises UnsupportedEstimator where a part of it cannot be converted, InvalidInput where a column
    has the name of an output.
    """
    _check_names(schema, [name for name, _ in wanted_outputs(estimator, task)])
    wide = compute == "float64"
    floats = "float64" if wide or any(s.dtype == "float64" for s in schema.inputs) else "float32"
    g = Conversion(
        opset=opset,
        floats=floats,
        wide=wide,
        dispatch=convert,
        tune=tune,
        rows=rows or {},
        grids=grids or {},
        sparse=sparse,
    )
    source = declare(schema, g)
    tensors = g.convert(estimator, source, scale if task == REGRESSOR else None)
    outputs = {
        name: tensors[kind] for name, kind in wanted_outputs(estimator, task) if kind in tensors
    }
    missing = [k for n, k in wanted_outputs(estimator, task) if n not in outputs]
    if missing:
        raise UnsupportedEstimator(
            f"{type(estimator).__name__}: its converter gives no {missing[0]}, so that it cannot "
            "be exported"
        )
    ml_opset, trees = place_trees(g, ML_OPSETS[opset] if newest_ml is None else newest_ml)
    model = _assemble(g, schema, outputs, ml_opset)
    metadata = {TASK_KEY: task, NON_FINITE_KEY: non_finite}
    if g.kernel_sums:
        metadata[kernel_sums.KEY] = kernel_sums.written(g.kernel_sums)
    helper.set_model_props(model, metadata)
    passes.run(model)
    _check_size(estimator, model, trees)
    _check_width(estimator, g, model)
    kept_apart = {node.output[0]: more for node, more in trees} | packed_weights(model)
    content = _serialized(model, kept_apart)
    _check(content, estimator)
    traps = tuple(dict.fromkeys(g.traps))
    return Exported(content, tuple(outputs), traps, g.compares_computed)


def _check_names(schema: Schema, outputs: list[str]) -> None:
    """Raise InvalidInput where an input and an output would share a name: ONNX forbids it."""
    for spec in schema.inputs:
        if spec.name in outputs:
            raise InvalidInput(
                f"the column {spec.name!r} has the name of an output ({', '.join(outputs)}); "
                "rename it and fit again"
            )


def _check_size(
    estimator: Any, model: onnx.ModelProto, trees: list[tuple[onnx.NodeProto, bytes]]
) -> None:
    """Raise UnsupportedEstimator where the parameters alone are more than a model's file holds."""
    size = sum(len(t.raw_data) for t in model.graph.initializer) + sum(len(c) for _, c in trees)
    if size >= LARGEST:
        raise UnsupportedEstimator(
            f"{type(estimator).__name__}: its parameters take {size:,} bytes, and an ONNX file "
            f"holds {LARGEST:,}; fit fewer or smaller trees, or on fewer rows"
        )


def _check_width(estimator: Any, g: Conversion, model: onnx.ModelProto) -> None:
    """Raise UnsupportedEstimator where sparse rows are read as a matrix too wide for a batch."""
    names = [name for node in model.graph.node for name in node.output]
    width = max((g.too_wide.get(name, 0) for name in names), default=0)
    if width:
        raise UnsupportedEstimator(
            f"{type(estimator).__name__}: {width:,} columns of a hash or of categories that are "
            f"read as a matrix take {width * 4:,} bytes a row; set n_features or max_categories to "
            f"{MOST_COLUMNS:,} or less, or read them by a linear model"
        )


def _check(content: bytes, estimator: Any) -> None:
    """Run ONNX's checker with strict shape inference; what it refuses is not supported."""
    try:
        onnx.checker.check_model(content, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise UnsupportedEstimator(
            f"{type(estimator).__name__}: its graph is not valid ONNX ({first_line(error)}); "
            "replace the estimator by one that exports"
        ) from error


def _serialized(model: onnx.ModelProto, attributes: dict[str, bytes]) -> bytes:
    """Return the model's bytes; the nodes with a first output named there get these attributes.

    Serialized messages concatenate to their merge: a node's attributes are appended to its bytes.
    """
    if not attributes:
        return bytes(model.SerializeToString(deterministic=True))
    chunks = []
    for node in model.graph.node:
        own = node.SerializeToString(deterministic=True)
        more = attributes.get(node.output[0], b"")
        chunks += [head(GRAPH_NODE, len(own) + len(more)), own, more]
    del model.graph.node[:]
    chunks.append(model.graph.SerializeToString(deterministic=True))
    model.ClearField("graph")
    start = model.SerializeToString(deterministic=True)
    return b"".join([start, head(MODEL_GRAPH, sum(map(len, chunks))), *chunks])


def _assemble(
    g: Conversion, schema: Schema, outputs: dict[str, Matrix], ml_opset: int
) -> onnx.ModelProto:
    inputs = [
        helper.make_tensor_value_info(s.name, ELEMENT[s.dtype], [None, s.width])
        for s in schema.inputs
    ]
    taken = {s.name for s in schema.inputs} | set(outputs)
    names = _output_names(g, outputs, taken)
    results = [
        helper.make_tensor_value_info(n, ELEMENT[m.dtype], [None, m.width] if m.width else [None])
        for n, m in outputs.items()
    ]
    for node in g.nodes:
        rename(node, names)
    g.kernel_sums[:] = [s.renamed(names) for s in g.kernel_sums]
    for name, matrix in outputs.items():
        if names.get(matrix.name) != name:  # an input, or a tensor that is another output already
            inner = names.get(matrix.name, matrix.name)
            g.nodes.append(helper.make_node("Identity", [inner], [name]))
    constants = [initializer(names.get(n, n), a) for n, a in g.constants.items()]
    types = contributed_types(g.nodes)
    graph = helper.make_graph(g.nodes, "toolkit", inputs, results, constants, value_info=types)
    opsets = [helper.make_opsetid("", g.opset)]
    versions = {ML: ml_opset, CONTRIBUTED: 1}
    opsets += [
        helper.make_opsetid(d, versions[d])
        for d in sorted({n.domain for n in walk(g.nodes)} - {""})
    ]
    return helper.make_model(
        graph, opset_imports=opsets, ir_version=IR_VERSIONS[g.opset], producer_name="toolkit"
    )


def _output_names(g: Conversion, outputs: dict[str, Matrix], taken: set[str]) -> dict[str, str]:
    """Return new names of tensors: outputs get the contract's, others make way for them."""
    produced = {o for n in g.nodes for o in made_by(n)}
    names: dict[str, str] = {}
    for name, matrix in outputs.items():
        if matrix.name in produced and matrix.name not in names:
            names[matrix.name] = name
    for tensor in produced | set(g.constants):
        if tensor in taken and tensor not in names:
            names[tensor] = g.name(f"{tensor}_")
    return names
