"""Measuring a bundle: every variant and the estimator itself, the same way, against gates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.bundle import FAILED, FLOAT, MODEL, OK, Bundle, Rows, Variant, open_bundle
from toolkit.errors import CorruptArtifact, InvalidInput
from toolkit.runner import accuracy, cold_start, environment, latency, samples, size, verdict
from toolkit.runner import gates as limits
from toolkit.runner.records import REFERENCE, GateOutcome, Report, Row
from toolkit.runner.reference import answered, scored_rows
from toolkit.runner.subjects import Files, Subject, of_estimator, of_file

__all__ = ["GateOutcome", "Report", "Row", "bench"]

Outputs = dict[str, np.ndarray]


def bench(
    bundle: Bundle | str | Path, X: Any = None, y: Any = None, gates: Iterable[str] | None = None
) -> Report:
    """Measure a bundle's estimator and variants on held-out rows, or on X and y.

    gates: expressions such as "uint8-pack:max_abs<=0.1", beside the defaults of
    `toolkit.runner.gates`. Nothing is written; `toolkit.report.write` does that. Raises
    InvalidInput where gates or rows do not fit the model (before anything is measured) and
    CorruptArtifact where a file of the bundle is damaged.
    """
    bundle = open_bundle(bundle)
    rows = scored_rows(bundle, X, y)
    chosen = limits.choose(gates or (), bundle, targets=rows.target is not None)
    estimator = bundle.estimator()
    rows = answered(bundle, estimator, rows)
    subjects = {REFERENCE: of_estimator(bundle, estimator)}
    subjects |= {
        v.method: of_file(bundle, v.file) for v in bundle.variants if v.status == OK and v.file
    }
    with latency.one_thread():
        outputs, failures = _run(subjects, rows)
        starts = {m: (subjects[m].program, subjects[m].files) for m in outputs}
        measured = _measure(bundle, rows, getattr(estimator, "classes_", None), subjects, outputs)
    # Fresh processes have the machine's memory to themselves: nothing is open here any more.
    subjects.clear()
    measured = {m: _started(row, *starts[m], rows) for m, row in measured.items()}
    noted = {v.method: v.notes for v in bundle.variants}
    made = _with_verdicts(measured, accuracy.noise(rows.outputs), noted)
    table = [made[REFERENCE]]
    table += [
        made.get(v.method) or _unmeasured(bundle, v, failures.get(v.method))
        for v in bundle.variants
    ]
    judged, outcomes = limits.evaluate(chosen, table)
    return Report(
        model=bundle.name,
        task=bundle.task,
        environment=environment.describe(),
        rows=len(rows),
        all_rows=bundle.manifest.get("all_rows"),
        samples=samples.first_rows(rows, {m: o for m, o in outputs.items() if m != REFERENCE}),
        variants=tuple(judged),
        gates=tuple(outcomes),
        budget=bundle.front(),
    )


def _run(subjects: Mapping[str, Subject], rows: Rows) -> tuple[dict[str, Outputs], dict[str, str]]:
    """Return every subject's outputs for all rows, and for those that cannot run them, why."""
    outputs, failures = {}, {}
    for method, subject in subjects.items():
        try:
            outputs[method] = subject.run(rows.inputs)
        except InvalidInput as error:
            # Rows that model.onnx takes and another variant does not are that variant's fault.
            if method in (REFERENCE, FLOAT):
                raise
            failures[method] = f"cannot run the rows that {MODEL} can: {error}"
            continue
        _check_shapes(rows.outputs, outputs[method], subject.file or method)
    return outputs, failures


def _measure(
    bundle: Bundle,
    rows: Rows,
    classes: Any,
    subjects: Mapping[str, Subject],
    outputs: Mapping[str, Outputs],
) -> dict[str, Row]:
    """Return a row for each subject that has outputs, without its start."""
    turns = [(subjects[m].predict, subjects[m].form) for m in outputs]
    times = dict(zip(outputs, latency.by_batch_size(turns, rows.inputs), strict=True))
    found = {}
    for method, got in outputs.items():
        subject = subjects[method]
        found[method] = Row(
            method=method,
            file=subject.file,
            status=OK,
            bytes=len(subject.content),
            bytes_compressed=size.compressed(subject.content),
            size_ratio=size.ratio(_float_bytes(bundle), len(subject.content)),
            metrics=accuracy.metrics(bundle.task, rows.target, got, classes),
            difference=accuracy.difference(rows.outputs, got),
            batch_consistency=accuracy.batch_consistency(
                subject.run, rows.inputs, got, subject.singles
            ),
            latency_us=times[method],
        )
    return found


def _started(row: Row, program: str, files: Files, rows: Rows) -> Row:
    """Return the row with what a fresh process takes to the first prediction."""
    first = {name: values[:1] for name, values in rows.inputs.items()}
    start, peak = cold_start.measure(program, files, first)
    return replace(row, cold_start_ms=start, peak_rss_mb=peak)


def _unmeasured(bundle: Bundle, variant: Variant, failure: str | None) -> Row:
    """Return the row of a variant that is not there, or that could not run the rows."""
    row = Row(
        method=variant.method,
        file=variant.file,
        status=FAILED if failure else variant.status,
        reason=failure or variant.reason,
        bytes=variant.bytes,
        size_ratio=size.ratio(_float_bytes(bundle), variant.bytes),
    )
    return verdict.unmeasured(row, "" if failure else variant.verdict)


def _check_shapes(reference: Outputs, outputs: Outputs, origin: str) -> None:
    for name, expected in reference.items():
        if outputs[name].size != expected.size:
            raise CorruptArtifact(
                f"{origin}: its output {name!r} has the shape {outputs[name].shape}, "
                f"scikit-learn's {expected.shape}; make the file again"
            )


def _with_verdicts(
    rows: Mapping[str, Row], noise: float, notes: Mapping[str, str]
) -> dict[str, Row]:
    base = rows.get(FLOAT)
    return {m: verdict.judged(r, base, noise, notes.get(m, "")) for m, r in rows.items()}


def _float_bytes(bundle: Bundle) -> int | None:
    return bundle.manifest["files"].get(MODEL, {}).get("bytes")
