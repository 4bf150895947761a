"""What a model card says: gathered from the manifest, the rows and the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.runtime import golden
from toolkit.runtime.npz import read_npz
from toolkit.runtime.schema import non_finite_of_columns

MODEL = "model.onnx"
NAMED = 40  # columns that have a line each
TEXTS, LETTERS = 4, 24  # texts of a column that are shown, and how long they may be


@dataclass(frozen=True)
class Given:
    """One input of the graph and an example row for it.

    width: its columns; values: of the row, as the graph takes them: floats, ints, bools or texts.
    """

    name: str
    dtype: str
    width: int
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Answer:
    """One output and the reference's answer to the example row, flat."""

    name: str
    dtype: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Column:
    """A column that the model takes: its name, type, missing values, and what calibration held."""

    name: str
    dtype: str
    missing: str
    held: str


@dataclass(frozen=True)
class Facts:
    """All that the card and its programs say of a model.

    config: session options of model.onnx by onnxruntime's own key. recommended, figures: of the
    report, None where nothing has been measured. hidden: how many columns have no line.
    """

    manifest: Mapping[str, Any]
    inputs: tuple[Given, ...]
    outputs: tuple[Answer, ...]
    columns: tuple[Column, ...]
    hidden: int
    config: dict[str, str]
    report: Mapping[str, Any] | None


def gathered(
    manifest: Mapping[str, Any],
    golden_rows: bytes | None,
    calibration: bytes | None,
    report: Mapping[str, Any] | None,
) -> Facts:
    """Return the facts; golden_rows, calibration: the files' bytes, None where they are not there.

    Without golden rows the example row is of zeros and empty texts, and has no answer.
    """
    inputs, outputs = _example(manifest, golden_rows)
    held = {} if calibration is None else read_npz(calibration, "calibration.npz")
    columns = [
        column
        for k, spec in enumerate(manifest["inputs"])
        for column in _columns(spec, held.get(f"input_{k}"), inputs[k].width)
    ]
    session = manifest["files"].get(MODEL, {}).get("session") or {}
    return Facts(
        manifest=manifest,
        inputs=inputs,
        outputs=outputs,
        columns=tuple(columns[:NAMED]),
        hidden=max(0, len(columns) - NAMED),
        config={str(k): str(v) for k, v in (session.get("config") or {}).items()},
        report=report,
    )


def _example(
    manifest: Mapping[str, Any], golden_rows: bytes | None
) -> tuple[tuple[Given, ...], tuple[Answer, ...]]:
    rows = None if golden_rows is None else golden.read(golden_rows, golden.NAME, manifest)
    plain: Any = [] if rows is None else np.flatnonzero(~rows.adversarial)
    given, answers = [], []
    for spec in manifest["inputs"]:
        shape = list(spec.get("shape") or [])
        width = shape[1] if len(shape) == 2 else 1
        if rows is not None and len(plain):
            values = rows.inputs[spec["name"]][plain[0]].ravel()
        else:
            values = np.array([""] if spec["dtype"] == "string" else [0]).repeat(width or 1)
        given.append(Given(spec["name"], spec["dtype"], len(values), _as_taken(values, spec)))
    for spec in manifest["outputs"]:
        values = np.zeros(0)
        if rows is not None and len(plain):
            values = np.ravel(rows.outputs[spec["name"]][plain[0]])
        answers.append(Answer(spec["name"], spec["dtype"], tuple(values.tolist())))
    return tuple(given), tuple(answers)


def _as_taken(values: np.ndarray, spec: Mapping[str, Any]) -> tuple[Any, ...]:
    if spec["dtype"] == "string":
        return tuple(str(v) for v in values.tolist())
    typed = values.astype(spec["dtype"])
    if typed.dtype == np.float32:  # the shortest number that is the same in float32
        return tuple(float(str(v)) for v in typed)
    return tuple(typed.tolist())


def _columns(spec: Mapping[str, Any], held: np.ndarray | None, width: int) -> list[Column]:
    names = spec.get("columns") or [
        spec["name"] if width == 1 else f"{spec['name']}[{k}]" for k in range(width)
    ]
    takes = non_finite_of_columns(spec.get("takes") or "finite", width)
    return [
        Column(
            str(name),
            spec["dtype"],
            {"finite": "none", "nan": "allowed", "any": "allowed, and infinities"}[takes[k]],
            "" if held is None else _held(held.reshape(len(held), -1)[:, k]),
        )
        for k, name in enumerate(names)
    ]


def _held(values: np.ndarray) -> str:
    """Return the range of numbers, or how many texts there were and some of them."""
    if values.dtype.kind in "OUS":
        texts = sorted({str(v) for v in values.tolist()} - {""})
        short = [t for t in texts if len(t) <= LETTERS][:TEXTS]
        more = ", …" if len(texts) > len(short) else ""
        shown = f": {', '.join(short)}{more}" if short else ""
        return f"{len(texts)} different{shown}"
    if values.dtype.kind == "b":
        return "true or false"
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not len(finite):
        return "no number"
    return f"{finite.min():.6g} to {finite.max():.6g}"
