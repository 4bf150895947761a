"""The flow of a bench: contenders opened, run, timed by turns, judged; nothing is written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from toolkit import stages
from toolkit.bundle import FAILED, FLOAT, MODEL, OK, Bundle, Rows, Variant, open_bundle
from toolkit.errors import CorruptArtifact, InvalidInput
from toolkit.estimators.asking import one_by_one
from toolkit.metrics import Scale
from toolkit.runner import (
    accuracy,
    cold_start,
    environment,
    latency,
    memory,
    proved,
    samples,
    scored,
    size,
    verdict,
)
from toolkit.runner import gates as limits
from toolkit.runner.contenders import Contender, Files, groups
from toolkit.runner.dominance import dominated
from toolkit.runner.outcome import Report
from toolkit.runner.recommendation import BALANCE, check_goal, recommend
from toolkit.runner.records import ITSELF, REFERENCE, Row, Times
from toolkit.runner.reference import (
    answered,
    lacking,
    reference_classes,
    scored_rows,
    untimed,
)

Outputs = dict[str, np.ndarray]
Scales = Mapping[str, Scale]


@one_by_one()
def bench(
    bundle: Bundle | str | Path,
    X: Any = None,
    y: Any = None,
    gates: Iterable[str] | None = None,
    trusted: Collection[str] = (),
    goal: str = BALANCE,
    within: Iterable[str] = (),
) -> Report:
    """Measure a bundle's estimator and variants on held-out rows, or on X and y.

    gates: expressions such as "uint8-pack:max_abs<=0.1", beside the defaults of
    `toolkit.runner.gates` and the first of all, the bundle's proof. A bundle whose proof failed is
    measured like any other, and every variant of it fails. goal, within: what the recommended file
    is to be, and what it may lose (`toolkit.runner.recommendation`). trusted: see
    `Bundle.estimator`. Without the estimator in the bundle its answers to the held-out rows are
    compared with all the same, but it is not timed, and no other rows can be scored. Nothing is
    written;
    `toolkit.report.write` does that. Raises InvalidInput where gates or rows do not fit the model
    (before anything is measured) and CorruptArtifact where a file of the bundle is damaged.
    """
    bundle = open_bundle(bundle)
    rows = scored_rows(bundle, X, y)
    within = check_goal(goal, within)
    chosen = limits.choose(gates or (), bundle, targets=rows.target is not None)
    proof = proved.proof_of(bundle)
    estimator = bundle.estimator(trusted) if bundle.keeps_estimator else None
    rows = answered(bundle, estimator, rows)
    measured = _measured(bundle, estimator, rows, bundle.golden().scales)
    # Fresh processes have the machine's memory to themselves: nothing is open here any more.
    starts = {m: _started(one, rows) for m, one in measured.rows.items()}
    table = [starts.get(REFERENCE) or untimed(bundle, rows)]
    table += [
        starts.get(v.method) or _unmeasured(bundle, v, measured.failures.get(v.method))
        for v in bundle.variants
    ]
    predicted = {m: o for m, o in measured.outputs.items() if m != REFERENCE}
    held, outcomes = limits.evaluate(chosen, table)
    notes = {REFERENCE: lacking(bundle)} | {v.method: v.notes for v in bundle.variants}
    judged = _judged(held, measured, notes)
    named = ITSELF if bundle.is_own_reference else REFERENCE
    if named == ITSELF:  # there is no estimator whose row could stand first
        judged = [verdict.against(row, ITSELF) for row in judged if row.method != REFERENCE]
    report = Report(
        model=bundle.name,
        task=bundle.task,
        environment=environment.describe() | measured.turns,
        rows=len(rows),
        all_rows=bundle.manifest.get("all_rows"),
        samples=samples.first_rows(rows, predicted),
        variants=tuple(proved.marked(judged, proof)),
        gates=(proved.gate(proof), *outcomes),
        budget=bundle.front(),
        proof=proved.recorded(bundle, proof),
        scores=scored.about(bundle, estimator, rows, rows_given=X is not None),
        reference=named,
    )
    return replace(report, recommended=recommend(report, goal, within))


@dataclass(frozen=True)
class Timed:
    """A row without its start; what starts it; model.onnx's times by batch size in its turns.

    batch: how far a row moves with its batch, in its columns' own scale.
    """

    row: Row
    program: str
    files: Files
    base: Times | None
    batch: float


@dataclass(frozen=True)
class Measured:
    """By method: rows, outputs for all rows, why others cannot run; turns: who took them apart."""

    rows: dict[str, Timed]
    outputs: dict[str, Outputs]
    failures: dict[str, str]
    turns: dict[str, str]


def _measured(bundle: Bundle, estimator: Any, rows: Rows, scales: Scales) -> Measured:
    """Return the figures of all contenders; as many are open at once as memory allows."""
    all_found = Measured({}, {}, {}, {})
    classes = reference_classes(bundle, estimator)
    with latency.one_thread():
        for contenders in groups(bundle, estimator):
            if all_found.rows:
                most = f"{len(contenders)} at a time, {FLOAT} always among them"
                all_found.turns.setdefault("turns", most)
            new = {m: s for m, s in contenders.items() if m not in all_found.outputs}
            outputs, failures = _run(new, rows)
            all_found.outputs.update(outputs)
            all_found.failures.update(failures)
            all_found.rows.update(_measure(bundle, rows, scales, classes, contenders, outputs))
            del contenders, new  # before the next are opened
            memory.give_back()
    return all_found


def _run(
    contenders: Mapping[str, Contender], rows: Rows
) -> tuple[dict[str, Outputs], dict[str, str]]:
    """Return every contender's outputs for all rows, and for those that cannot run them, why."""
    outputs, failures = {}, {}
    for method, contender in contenders.items():
        stages.at(f"running {method}")
        try:
            outputs[method] = contender.run(rows.inputs)
        except InvalidInput as error:
            # Rows that model.onnx takes and another variant does not are that variant's fault.
            if method in (REFERENCE, FLOAT):
                raise
            failures[method] = f"cannot run the rows that {MODEL} can: {error}"
            continue
        _check_shapes(rows.outputs, outputs[method], contender.file or method)
    return outputs, failures


def _measure(
    bundle: Bundle,
    rows: Rows,
    scales: Scales,
    classes: Any,
    contenders: Mapping[str, Contender],
    outputs: Mapping[str, Outputs],
) -> dict[str, Timed]:
    """Return the figures of each contender that has outputs, timed by turns with model.onnx's."""
    timed = [m for m in contenders if m in outputs or m == FLOAT]
    turns = [(contenders[m].predict, contenders[m].form) for m in timed]
    times = dict(zip(timed, latency.by_batch_size(turns, rows.inputs), strict=True))
    timed_rows = {}
    for method, got in outputs.items():
        contender = contenders[method]
        moved, batch = accuracy.batch_consistency(
            contender.run, rows.inputs, got, scales, contender.singles
        )
        row = Row(
            method=method,
            file=contender.file,
            status=OK,
            bytes=contender.size.bytes,
            bytes_compressed=contender.size.compressed,
            size_ratio=size.ratio(_float_bytes(bundle), contender.size.bytes),
            metrics=accuracy.metrics(bundle.task, rows.target, got, classes),
            difference=accuracy.difference(rows.outputs, got, scales),
            batch_consistency=moved,
            latency_us=times[method],
            standard=_is_standard(bundle, contender.file),
        )
        timed_rows[method] = Timed(row, contender.program, contender.files, times.get(FLOAT), batch)
    return timed_rows


def _is_standard(bundle: Bundle, file: str | None) -> bool | None:
    entry = bundle.manifest["files"].get(file) or {}
    return (entry.get("requires") or {}).get("standard")


def _started(timed: Timed, rows: Rows) -> Row:
    """Return the row with what a fresh process takes to the first prediction."""
    stages.at(f"starting {timed.row.method}")
    first = {name: values[:1] for name, values in rows.inputs.items()}
    start = cold_start.measure(timed.program, timed.files, first)
    return replace(
        timed.row,
        cold_start_ms=start.median_ms,
        cold_start_range_ms=start.range_ms,
        peak_rss_mb=start.peak_mb,
    )


def _judged(rows: Iterable[Row], measured: Measured, notes: Mapping[str, str]) -> list[Row]:
    """Return the rows, those that were measured with their verdicts."""
    rows = list(rows)
    beaten = dominated(rows, {m: one.base for m, one in measured.rows.items()})
    judged = []
    for row in rows:
        one = measured.rows.get(row.method)
        if one is not None:
            row = replace(row, dominated_by=beaten.get(row.method))
            row = verdict.judged(row, one.base, one.batch, notes.get(row.method, ""))
        judged.append(row)
    return judged


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


def _float_bytes(bundle: Bundle) -> int | None:
    return bundle.manifest["files"].get(MODEL, {}).get("bytes")
