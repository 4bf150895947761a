"""What an export writes: the manifest, and the rows for bench, quantizers and devices."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice, zip_longest
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
from toolkit.estimators.keeping import Kept, without_addresses
from toolkit.exporter.model import Exported
from toolkit.exporter.opsets import Target
from toolkit.exporter.proof.edits import Adversarial
from toolkit.exporter.proof.evidence import ADVERSARIAL, HELD_OUT, Evidence, answers_to
from toolkit.exporter.proof.prove import AS_GIVEN, ROUNDED, Proof
from toolkit.exporter.schema import Schema
from toolkit.exporter.session import session_options
from toolkit.exporter.split import Split
from toolkit.exporter.tuning import Tuning
from toolkit.precision import TOLERANCE
from toolkit.runtime import golden
from toolkit.runtime.manifest import GOLDEN, HOME, SCHEMA_VERSION, VARIANT
from toolkit.runtime.schema import FINITE

GOLDEN_ROWS = 32  # held-out ones, and as many adversarial ones

Rows = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Candidate:
    """A graph and its proof, for one type of floating-point inputs and of what is computed."""

    schema: Schema
    compute: str
    exported: Exported
    content: bytes
    proof: Proof


@dataclass(frozen=True)
class Proven:
    """A model and all that its proof was made with.

    tuning: why this form of it was chosen; target: what it was written for.
    """

    evidence: Evidence
    split: Split
    chosen: Candidate
    tuning: Tuning
    target: Target


def write_bundle(
    out: Path,
    name: str,
    kept: Kept,
    proven: Proven,
    all_rows: dict[str, float],
    check: Callable[[], None],
    license: str | None = None,
) -> Bundle:
    """Write the model directory of a proven (or disproved) export.

    kept: the estimator's copy. check: raises where the directory has become another model's.
    license: the model's, as its maker states it.
    """
    evidence, split, chosen = proven.evidence, proven.split, proven.chosen
    estimator = evidence.estimator
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
        "task": evidence.task,
        "estimator": {
            "type": f"{type(estimator).__module__}.{type(estimator).__name__}",
            "summary": without_addresses(" ".join(repr(estimator).split())),
        }
        | schema.summary()
        | kept.summary()
        | {"classes": _classes(estimator)},
        "inputs": _inputs(schema, evidence.non_finite),
        "outputs": described(chosen.exported.model),
        "opsets": {o.domain or "ai.onnx": o.version for o in chosen.exported.model.opset_import},
        "runtime": proven.target.runtime,
        "rows": {
            "calibration": split.calibration_rows,
            "held_out": split.rows,
            "fitted": split.fitted,
            "note": split.note,
        },
        "license": license,
        "all_rows": all_rows or None,
        "tuning": proven.tuning.summary(),
        "proof": chosen.proof.summary(),
        "versions": versions(),
        "variants": [float_variant.record()],
        "files": {},
    }
    calibrated = answers_to(estimator, split.calibration, schema, evidence.task)
    replayed = _golden(proven)
    contents = {
        MODEL: (chosen.content, VARIANT),
        golden.NAME: (to_npz(replayed), GOLDEN),
        EVALUATION: (_evaluation(proven), HOME),
        CALIBRATION: (
            rows_of_bundle(split.calibration, calibrated, outputs, split.calibration_target),
            HOME,
        ),
    }
    if kept.content is not None:
        contents[ESTIMATOR] = (kept.content, HOME)
    return write_files(out, manifest, contents, check)


def _classes(estimator: Any) -> list[Any] | None:
    """Return a classifier's labels in the order of the probabilities' columns."""
    classes = getattr(estimator, "classes_", None)
    if not isinstance(classes, np.ndarray) or classes.ndim != 1:
        return None
    plain = classes.tolist()
    return plain if all(isinstance(c, str | int | float) for c in plain) else None


def _inputs(schema: Schema, non_finite: str) -> list[dict[str, Any]]:
    """Return the manifest's inputs; non_finite: a policy for each, or one for all."""
    words = non_finite.split(",")
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
            "words": None if s.words is None else list(s.words),
        }
        for s, taken in zip(schema.inputs, words, strict=True)
    ]


def rows_of_bundle(
    inputs: Mapping[str, np.ndarray],
    outputs: Mapping[str, np.ndarray],
    names: tuple[str, ...],
    target: np.ndarray | None,
) -> bytes:
    """Return rows as npz bytes: inputs, the outputs of these names, and targets if any."""
    content = {f"input_{k}": a for k, a in enumerate(inputs.values())}
    content |= {f"output_{k}": outputs[n] for k, n in enumerate(names)}
    return to_npz(content if target is None else content | {"target": target})


def _evaluation(proven: Proven) -> bytes:
    """Return the held-out rows with scikit-learn's answers, but for ties, which measure nothing."""
    comparison = proven.chosen.proof.comparisons[AS_GIVEN][HELD_OUT]
    at = np.flatnonzero(~comparison.excused)
    inputs, answers = proven.evidence.sets[HELD_OUT], proven.evidence.expected[HELD_OUT]
    target = proven.split.target
    return rows_of_bundle(
        {n: a[at] for n, a in inputs.items()},
        {n: a[at] for n, a in answers.items()},
        proven.chosen.exported.outputs,
        None if target is None else target[at],
    )


def _golden(proven: Proven) -> dict[str, np.ndarray]:
    """Return the golden file's arrays.

    Inputs are stored as the graph takes them, with the answers that it owes: what a device replays
    is what was proved. Ties, which may fall either way on another processor, are left out.
    """
    evidence, target = proven.evidence, proven.split.target
    rounds = proven.chosen.proof.reference == ROUNDED
    plain, spiked = (_settled(proven, name) for name in (HELD_OUT, ADVERSARIAL))
    plain = plain[_positions(len(plain), GOLDEN_ROWS)]
    spiked = _of_all_kinds(evidence.adversarial, spiked, GOLDEN_ROWS)
    parts: list[tuple[Rows, Rows]] = []
    for name, at in ((HELD_OUT, plain), (ADVERSARIAL, spiked)):
        if rounds:
            rows, answers, positions = evidence.narrow[name]
            at = np.searchsorted(positions, at)
        else:
            rows, answers = evidence.sets[name], evidence.expected[name]
        parts.append(({n: a[at] for n, a in rows.items()}, {n: a[at] for n, a in answers.items()}))
    inputs, outputs = (
        {n: np.concatenate([part[k][n] for part in parts]) for n in parts[0][k]} for k in (0, 1)
    )
    narrow = all(s.dtype != "float64" for s in proven.chosen.schema.inputs)
    content = {f"input_{k}": _stored(a, narrow) for k, a in enumerate(inputs.values())}
    content |= {f"output_{k}": a for k, a in enumerate(outputs.values())}
    content |= golden.stored_scales(evidence.scales, list(outputs))
    content["adversarial"] = np.arange(len(plain) + len(spiked)) >= len(plain)
    if target is not None:
        shown = target[plain]
        # The adversarial rows have no truth; their places repeat the last one and are never read.
        content["target"] = np.concatenate([shown, np.repeat(shown[-1:], len(spiked), axis=0)])
    return content


def _settled(proven: Proven, name: str) -> np.ndarray:
    """Return which rows of a set the graph owes an answer that is not left to chance."""
    proof = proven.chosen.proof
    comparison = proof.comparisons[proof.reference].get(name)
    if comparison is None:
        return np.zeros(0, dtype=np.int64)
    at = np.flatnonzero(~comparison.excused)
    if proof.reference == ROUNDED:
        at = np.array(proven.evidence.narrow[name][2], dtype=np.int64)[at]
    return at


def _of_all_kinds(adversarial: Adversarial, positions: np.ndarray, count: int) -> np.ndarray:
    """Return so many of these positions of adversarial rows, one of each kind in turn."""
    kinds: dict[str, list[int]] = {}
    for at in positions.tolist():
        kinds.setdefault(adversarial.kinds[at] if len(adversarial) else "", []).append(at)
    turns = (at for turn in zip_longest(*kinds.values()) for at in turn if at is not None)
    return np.sort(np.array(list(islice(turns, count)), dtype=np.int64))


def _stored(values: np.ndarray, narrow: bool) -> np.ndarray:
    return values.astype(np.float32) if narrow and values.dtype.kind == "f" else values


def _positions(rows: int, count: int) -> np.ndarray:
    return np.unique(np.linspace(0, rows - 1, min(rows, count)).astype(int))


def described(model: onnx.ModelProto) -> list[dict[str, Any]]:
    """Return the manifest's outputs: names, types, and shapes with None for what is open."""
    return [
        {
            "name": o.name,
            "dtype": _dtype_name(o),
            "shape": [d.dim_value or None for d in o.type.tensor_type.shape.dim],
        }
        for o in model.graph.output
    ]


def _dtype_name(output: onnx.ValueInfoProto) -> str:
    if output.type.tensor_type.elem_type == onnx.TensorProto.STRING:
        return "string"
    return onnx.helper.tensor_dtype_to_np_dtype(output.type.tensor_type.elem_type).name


def versions() -> dict[str, str]:
    """Return the versions of what took part, by name."""
    packages = ("scikit-learn", "skl2onnx", "onnx", "onnxruntime", "numpy", "skops")
    own = {"python": platform.python_version(), "toolkit": toolkit.__version__}
    return own | {p: version(p) for p in packages}
