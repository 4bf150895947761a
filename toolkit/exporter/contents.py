"""What an export writes: the manifest, and the rows for bench, quantizers and devices."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx

import toolkit
from toolkit.bundle import (
    CALIBRATION,
    ESTIMATOR,
    EVALUATION,
    FLOAT,
    MODEL,
    OK,
    Bundle,
    Variant,
    to_npz,
    write_files,
)
from toolkit.exporter.model import Exported
from toolkit.exporter.proof import TOLERANCE, Proof
from toolkit.exporter.schema import Schema, frame, rounded
from toolkit.exporter.session import session_options
from toolkit.exporter.split import Split
from toolkit.exporter.tasks import reference
from toolkit.exporter.tuning import Tuning
from toolkit.metrics import scales_of
from toolkit.runtime import golden
from toolkit.runtime.manifest import GOLDEN, HOME, SCHEMA_VERSION, VARIANT
from toolkit.runtime.schema import FINITE
from toolkit.skops_file import dump_estimator

GOLDEN_ROWS = 32  # held-out ones, and as many adversarial ones


@dataclass(frozen=True)
class Candidate:
    """A graph and its proof, for one type of floating-point inputs."""

    schema: Schema
    exported: Exported
    content: bytes
    proof: Proof


@dataclass(frozen=True)
class Proven:
    """A model and all that its proof was made with.

    task, takes: see `tasks` and `adversarial.which_taken`; hostile: the adversarial rows; tuning:
    why this form of the graph was chosen.
    """

    task: str
    takes: str
    split: Split
    hostile: Mapping[str, np.ndarray]
    chosen: Candidate
    tuning: Tuning


def write_bundle(
    out: Path, name: str, estimator: Any, proven: Proven, all_rows: dict[str, float]
) -> Bundle:
    """Write the model directory of a proven (or disproved) export."""
    task, takes, split = proven.task, proven.takes, proven.split
    hostile, chosen = proven.hostile, proven.chosen
    schema, outputs = chosen.schema, chosen.exported.outputs
    float_variant = Variant(
        FLOAT,
        OK,
        MODEL,
        bytes=len(chosen.content),
        tolerance={"relative": TOLERANCE, "agreement": 1.0},
        session=session_options(chosen.exported.model),
    )
    manifest: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "task": task,
        "estimator": {
            "type": f"{type(estimator).__module__}.{type(estimator).__name__}",
            "summary": " ".join(repr(estimator).split()),
            "input": schema.form,
        },
        "inputs": _inputs(schema, takes),
        "outputs": _described(chosen.exported),
        "opsets": {o.domain or "ai.onnx": o.version for o in chosen.exported.model.opset_import},
        "rows": {"calibration": split.calibration_rows, "held_out": split.rows, "note": split.note},
        "all_rows": all_rows or None,
        "tuning": proven.tuning.summary(),
        "proof": chosen.proof.summary(),
        "versions": _versions(),
        "variants": [asdict(float_variant)],
        "files": {},
    }
    evaluated = reference(estimator, frame(split.held_out, schema), task)
    calibrated = reference(estimator, frame(split.calibration, schema), task)
    replayed = _golden(estimator, split, hostile, schema, task)
    contents = {
        MODEL: (chosen.content, VARIANT),
        golden.NAME: (to_npz(replayed), GOLDEN),
        EVALUATION: (_rows(split.held_out, evaluated, outputs, split.target), HOME),
        CALIBRATION: (
            _rows(split.calibration, calibrated, outputs, split.calibration_target),
            HOME,
        ),
        ESTIMATOR: (dump_estimator(estimator), HOME),
    }
    return write_files(out, manifest, contents)


def _inputs(schema: Schema, takes: str) -> list[dict[str, Any]]:
    """Return the manifest's inputs; takes: a word for each, or one that stands for all."""
    words = takes.split(",")
    if len(words) != len(schema.inputs):
        words = words[:1] * len(schema.inputs)
    return [
        {
            "name": s.name,
            "dtype": s.dtype,
            "shape": [None, s.width],
            "columns": list(s.columns) if s.columns else None,
            "takes": taken if s.dtype in ("float32", "float64", "string") else FINITE,
            "missing": s.missing,
        }
        for s, taken in zip(schema.inputs, words, strict=True)
    ]


def _rows(
    inputs: Mapping[str, np.ndarray],
    outputs: Mapping[str, np.ndarray],
    names: tuple[str, ...],
    target: np.ndarray | None,
) -> bytes:
    content = {f"input_{k}": a for k, a in enumerate(inputs.values())}
    content |= {f"output_{k}": outputs[n] for k, n in enumerate(names)}
    return to_npz(content if target is None else content | {"target": target})


def _golden(
    estimator: Any, split: Split, hostile: Mapping[str, np.ndarray], schema: Schema, task: str
) -> dict[str, np.ndarray]:
    """Return the golden file's arrays.

    Inputs are rounded to what the graph takes, and scikit-learn answers for the rounded values: a
    device holds float32, so the difference that it sees is the graph's alone.
    """
    plain = _spread(split.held_out, GOLDEN_ROWS)
    spiked = _spread(hostile, GOLDEN_ROWS)
    count, more = (len(next(iter(r.values()))) for r in (plain, spiked))
    inputs = {n: np.concatenate([plain[n], spiked[n]]) for n in plain}
    narrow = all(s.dtype != "float64" for s in schema.inputs)
    inputs = rounded(inputs) if narrow else inputs
    outputs = reference(estimator, frame(inputs, schema), task)
    content = {f"input_{k}": _stored(a, narrow) for k, a in enumerate(inputs.values())}
    content |= {f"output_{k}": a for k, a in enumerate(outputs.values())}
    content["adversarial"] = np.arange(count + more) >= count
    answers = reference(estimator, frame(split.held_out, schema), task)
    content |= golden.stored_scales(scales_of(answers), list(outputs))
    if split.target is not None:
        shown = split.target[_positions(split.rows, GOLDEN_ROWS)]
        # The adversarial rows have no truth; their places repeat the last one and are never read.
        content["target"] = np.concatenate([shown, np.repeat(shown[-1:], more, axis=0)])
    return content


def _stored(values: np.ndarray, narrow: bool) -> np.ndarray:
    return values.astype(np.float32) if narrow and values.dtype.kind == "f" else values


def _positions(rows: int, count: int) -> np.ndarray:
    return np.unique(np.linspace(0, rows - 1, min(rows, count)).astype(int))


def _spread(rows: Mapping[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
    at = _positions(len(next(iter(rows.values()))), count)
    return {n: a[at] for n, a in rows.items()}


def _described(exported: Exported) -> list[dict[str, Any]]:
    return [
        {
            "name": o.name,
            "dtype": _dtype_name(o),
            "shape": [d.dim_value or None for d in o.type.tensor_type.shape.dim],
        }
        for o in exported.model.graph.output
    ]


def _dtype_name(output: onnx.ValueInfoProto) -> str:
    if output.type.tensor_type.elem_type == onnx.TensorProto.STRING:
        return "string"
    return onnx.helper.tensor_dtype_to_np_dtype(output.type.tensor_type.elem_type).name


def _versions() -> dict[str, str]:
    packages = ("scikit-learn", "skl2onnx", "onnx", "onnxruntime", "numpy", "skops")
    own = {"python": platform.python_version(), "toolkit": toolkit.__version__}
    return own | {p: version(p) for p in packages}
