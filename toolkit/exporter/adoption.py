"""A graph from elsewhere as a bundle: what counts is the file itself, on the caller's rows."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from toolkit import metrics, stages
from toolkit.arguments import targets
from toolkit.bundle import (
    CALIBRATION,
    EVALUATION,
    FLOAT,
    MODEL,
    OK,
    Bundle,
    Variant,
    to_npz,
    write_files,
)
from toolkit.errors import UnsupportedEstimator
from toolkit.estimators.frames import ARRAY, FRAME
from toolkit.exporter.bundle_writer import GOLDEN_ROWS, described, rows_of_bundle, versions
from toolkit.exporter.flow import check_request
from toolkit.exporter.split import parts
from toolkit.exporter.tasks import CLASSIFIER, REGRESSOR, TRANSFORMER
from toolkit.precision import TOLERANCE
from toolkit.runtime import golden
from toolkit.runtime.inputs import prepare
from toolkit.runtime.manifest import GOLDEN, HOME, ITSELF, SCHEMA_VERSION, VARIANT
from toolkit.runtime.predictor import PROBABILITIES, Predictor

WHY = "the reference is the file itself"


def adopt(
    model: bytes,
    origin: str,
    X: Any,
    y: Any = None,
    *,
    name: str,
    out: str | Path,
    force: bool = False,
) -> Bundle:
    """Write a model directory `out` around an ONNX file, which stays as it is, byte for byte.

    X: rows as `toolkit.runtime.inputs.prepare` takes them; a quarter of them, 1024 at most,
    calibrates and the rest is held out (of fewer than 8 all are both). y: targets [N], from which
    scores come where the graph gives a label, or one column of numbers. The reference that variants
    are compared with is what the file itself gives for these rows, in onnxruntime.

    Raises InvalidInput where the rows do not fit or `out` is another model's, CorruptArtifact where
    onnxruntime refuses the file, and UnsupportedEstimator where it takes no rows [N, width].
    """
    out = Path(out)
    check_request(name, out, None, force)
    predictor = Predictor(model, origin)
    _check_rows(predictor)
    stages.at(f"running {origin}")
    inputs = prepare(X, predictor.inputs)
    answers = _answers(predictor, inputs)
    count = len(next(iter(inputs.values())))
    target = None if y is None else targets(y, count)
    parsed = onnx.load_model_from_string(model)
    held, known = parts(count)
    manifest = _manifest(name, predictor, parsed, answers, target, (len(known), len(held)))
    manifest["variants"] = [_variant(len(model)).record()]
    names = tuple(answers)
    rows = {
        file: rows_of_bundle(
            {n: a[at] for n, a in inputs.items()},
            {n: a[at] for n, a in answers.items()},
            names,
            None if target is None else target[at],
        )
        for file, at in ((EVALUATION, held), (CALIBRATION, known))
    }
    contents = {
        MODEL: (model, VARIANT),
        golden.NAME: (to_npz(_golden(inputs, answers, target, held)), GOLDEN),
        **{file: (content, HOME) for file, content in rows.items()},
    }
    return write_files(out, manifest, contents, partial(check_request, name, out, None, force))


def _check_rows(predictor: Predictor) -> None:
    for node in predictor.session.get_inputs():
        shape = node.shape
        if len(shape) != 2 or isinstance(shape[0], int):
            raise UnsupportedEstimator(
                f"{predictor.origin}: its input {node.name!r} has the shape {shape}; toolkit takes "
                "graphs of rows, [N, width] with N left open; export it so"
            )


def _answers(predictor: Predictor, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return its outputs for all rows, numbers as float64; InvalidInput where one has no rows."""
    count = len(next(iter(inputs.values())))
    answers = {}
    for name, values in predictor.run(inputs).items():
        if values.ndim == 0 or len(values) != count:
            raise UnsupportedEstimator(
                f"{predictor.origin}: its output {name!r} has the shape {values.shape} for {count} "
                "rows; toolkit compares outputs with a row for each row"
            )
        answers[name] = values.astype(np.float64) if values.dtype.kind == "f" else values
    return answers


def _variant(size: int) -> Variant:
    tolerance = {"relative": TOLERANCE, "agreement": 1.0}
    return Variant(FLOAT, OK, MODEL, bytes=size, tolerance=tolerance)


def _task(answers: dict[str, np.ndarray], target: np.ndarray | None) -> str:
    """Return what kind of model it is by the names and shapes of what it gives."""
    if "label" in answers and PROBABILITIES in answers:
        return CLASSIFIER
    numbers = answers.get("variable")
    if target is not None and numbers is not None and numbers.size == target.size:
        return REGRESSOR
    return TRANSFORMER


def _manifest(
    name: str,
    predictor: Predictor,
    parsed: onnx.ModelProto,
    answers: dict[str, np.ndarray],
    target: np.ndarray | None,
    rows: tuple[int, int],
) -> dict[str, Any]:
    alone = all(i.dtype != "string" for i in predictor.inputs) and len(predictor.inputs) == 1
    dtype = next((i.dtype for i in predictor.inputs if i.dtype.startswith("float")), "none")
    return {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "task": _task(answers, target),
        "estimator": {
            "type": ITSELF,
            "summary": f"a graph of {len(parsed.graph.node)} nodes, as it was given",
            "input": ARRAY if alone else FRAME,
            "columns": [],
            "kept": False,
            "left_out": [],
            "why": WHY,
            "classes": None,
        },
        "inputs": [
            {
                "name": i.name,
                "dtype": i.dtype,
                "shape": [None, i.width],
                "columns": None,
                "takes": i.non_finite,
                "missing": None,
                "words": None,
            }
            for i in predictor.inputs
        ],
        "outputs": described(parsed),
        "opsets": {o.domain or "ai.onnx": o.version for o in parsed.opset_import},
        "runtime": None,
        "license": None,
        "rows": {
            "calibration": rows[0],
            "held_out": rows[1],
            "fitted": "unknown",
            "note": "given with the file; held out from calibration",
        },
        "all_rows": None,
        "tuning": {"requested": "none", "chosen": "none", "reason": "as given", "ratios": {}},
        "proof": {
            "passed": True,
            "tolerance": TOLERANCE,
            "input_dtype": dtype,
            "comparisons": {},
            "reference": WHY,
        },
        "versions": versions(),
        "variants": [],
        "files": {},
    }


def _golden(
    inputs: dict[str, np.ndarray],
    answers: dict[str, np.ndarray],
    target: np.ndarray | None,
    held: np.ndarray,
) -> dict[str, np.ndarray]:
    at = held[np.unique(np.linspace(0, len(held) - 1, min(len(held), GOLDEN_ROWS)).astype(int))]
    content = {f"input_{k}": a[at] for k, a in enumerate(inputs.values())}
    content |= {f"output_{k}": a[at] for k, a in enumerate(answers.values())}
    scales = metrics.scales_of({n: a[held] for n, a in answers.items()})
    content |= golden.stored_scales(scales, list(answers))
    content["adversarial"] = np.zeros(len(at), dtype=bool)
    return content if target is None else content | {"target": target[at]}
