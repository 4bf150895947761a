"""The flow of an export: schema, graph, proof, bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.bundle import Bundle
from toolkit.errors import (
    CorruptArtifact,
    InvalidInput,
    ParityError,
    UnsupportedEstimator,
    first_line,
)
from toolkit.exporter.adversarial import accepted, accepted_positions, adversarial_rows, which_taken
from toolkit.exporter.contents import Candidate, Proven, write_bundle
from toolkit.exporter.fitted_on import told
from toolkit.exporter.model import Exported, build
from toolkit.exporter.opsets import DEFAULT_OPSET, OPSETS
from toolkit.exporter.proof import prove
from toolkit.exporter.schema import Schema, frame, infer, rounded
from toolkit.exporter.session import session_options
from toolkit.exporter.split import Split, split_rows
from toolkit.exporter.tasks import reference, task_of
from toolkit.exporter.tuning import AUTO, LATENCY, THROUGHPUT, TUNES, Tuning, measured
from toolkit.runtime.manifest import NAME, read_manifest

INPUT_DTYPES = (AUTO, "float32", "float64")


def export(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    name: str,
    out: str | Path,
    X_test: Any = None,
    y_test: Any = None,
    opset: int = DEFAULT_OPSET,
    input_dtype: str = AUTO,
    tune: str = AUTO,
    feature_names: Sequence[str] | None = None,
    all_rows: Mapping[str, float] | None = None,
    force: bool = False,
) -> Bundle:
    """Convert a fitted estimator, prove the graph, and write the model directory `out`.

    X, y: rows [N, …] as the estimator takes them, and targets [N] if there are any. They give the
    schema, the calibration rows and, where no X_test, y_test are given, the held-out rows (a part
    of X that is not used for calibration). input_dtype: the type of the graph's floating-point
    inputs, "float32", "float64", or "auto": float64 where only that matches the data as given.
    tune: what the graph is to be fast at, "latency" (single rows), "throughput" (large batches), or
    "auto": measured on this machine where the two differ, so that another may choose otherwise.
    feature_names: the columns' names where X is an array without; the device then finds columns by
    name. all_rows: figures of a model fitted on all rows, to be kept in the manifest. force: write
    over a directory that is not this model's.

    Raises UnsupportedEstimator where it cannot be converted, InvalidInput where the data does not
    fit, and ParityError where the graph differs from the estimator; then the bundle is written all
    the same, with `proof.passed` false.
    """
    out = Path(out)
    check_request(name, out, opset, force)
    proven = convert_and_prove(
        estimator,
        X,
        y,
        X_test=X_test,
        y_test=y_test,
        opset=opset,
        input_dtype=input_dtype,
        tune=tune,
        feature_names=feature_names,
    )
    bundle = write_bundle(out, name, estimator, proven, dict(all_rows or {}))
    proof = proven.chosen.proof
    if not proof.passed:
        raise ParityError(
            f"{name}: the exported graph differs from scikit-learn {proof.worst()}; "
            f"{out / NAME} has the figures; do not ship it"
        )
    return bundle


def convert_and_prove(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    X_test: Any = None,
    y_test: Any = None,
    opset: int = DEFAULT_OPSET,
    input_dtype: str = AUTO,
    tune: str = AUTO,
    feature_names: Sequence[str] | None = None,
) -> Proven:
    """Return the graph with its proof, and the rows on which it was proved; nothing is written.

    Arguments and errors as in `export`, but a failed proof is returned, not raised.
    """
    _check_estimator(estimator, opset)
    if input_dtype not in INPUT_DTYPES:
        raise InvalidInput(f"input_dtype {input_dtype!r} is none of {', '.join(INPUT_DTYPES)}")
    if tune not in TUNES:
        raise InvalidInput(f"tune {tune!r} is none of {', '.join(TUNES)}")
    task, schema = task_of(estimator), infer(X, feature_names)
    split = split_rows(X, y, X_test, y_test, schema)
    split = told(split, estimator, X, y, X_test, y_test)
    _check_answers(estimator, split, schema, task)
    split = _answered(estimator, split, schema, task)
    takes = which_taken(estimator, split.held_out, schema, task)
    hostile = adversarial_rows(estimator, split.held_out, schema, takes)
    hostile = accepted(estimator, hostile, schema, task)
    case = _Case(estimator, opset, task, takes, split, hostile)
    chosen, tuning = _tuned(case, _choose(case, schema, input_dtype), tune)
    return Proven(task, takes, split, hostile, chosen, tuning)


def _answered(estimator: Any, split: Split, schema: Schema, task: str) -> Split:
    """Return the split without the held-out rows that scikit-learn refuses in float32 alone."""
    kept = accepted_positions(estimator, rounded(split.held_out), schema, task)
    if len(kept) in (0, split.rows):
        return split
    if len(accepted_positions(estimator, split.held_out, schema, task)) < split.rows:
        return split  # rows that are refused as given are the caller's error
    target = None if split.target is None else split.target[kept]
    return replace(split, held_out={n: a[kept] for n, a in split.held_out.items()}, target=target)


@dataclass(frozen=True)
class _Case:
    """All that a candidate is made and proved with, but for its inputs' type and its form."""

    estimator: Any
    opset: int
    task: str
    takes: str
    split: Split
    hostile: Mapping[str, np.ndarray]

    def build(self, schema: Schema, tune: str) -> Exported:
        """Return the graph for this schema in the form for single rows or for large batches."""
        known = self.split.calibration
        rows = {n: np.concatenate([a, self.hostile[n]]) for n, a in known.items()}
        return build(self.estimator, schema, self.opset, self.task, self.takes, tune, rows)

    def proved(self, schema: Schema, exported: Exported) -> Candidate:
        """Return the graph with its proof."""
        proof = prove(
            exported.content,
            self.estimator,
            schema,
            self.task,
            self.split.held_out,
            self.hostile,
            exported.traps,
            options=session_options(exported.model),
        )
        return Candidate(schema, exported, exported.content, proof)

    def answers(self, schema: Schema) -> Callable[[Mapping[str, np.ndarray]], Any]:
        """Return scikit-learn's own prediction of rows by input name."""
        return lambda rows: reference(self.estimator, frame(rows, schema), self.task)

    def candidate(self, schema: Schema) -> Candidate:
        """Return the graph for this schema in the form for single rows, and its proof."""
        return self.proved(schema, self.build(schema, LATENCY))


def _choose(case: _Case, schema: Schema, input_dtype: str) -> Candidate:
    """Return the float32 candidate, or the float64 one where only that matches the given data."""
    if input_dtype == "float64":
        return case.candidate(schema.with_floats("float64"))
    narrow = case.candidate(schema)
    if input_dtype == "float32" or (narrow.proof.passed and narrow.proof.exact_data):
        return narrow
    try:
        wide = case.candidate(schema.with_floats("float64"))
    except (UnsupportedEstimator, CorruptArtifact):  # no such operator for float64
        return narrow
    return wide if wide.proof.passed else narrow


def _tuned(case: _Case, latency: Candidate, tune: str) -> tuple[Candidate, Tuning]:
    """Return the latency form, or the throughput form where that is wanted and proved as well."""
    if tune == LATENCY:
        return latency, Tuning(tune, LATENCY, "asked for")
    if not latency.proof.passed:
        return latency, Tuning(tune, LATENCY, "its proof failed, so that no other form was made")
    exported = case.build(latency.schema, THROUGHPUT)
    if exported.content == latency.content:
        chosen = LATENCY if tune == AUTO else tune
        return latency, Tuning(tune, chosen, "both forms are the same graph")
    tuning = Tuning(tune, THROUGHPUT, "asked for")
    if tune == AUTO:
        rows, answers = case.split.calibration, case.answers(latency.schema)
        tuning = measured(latency.content, exported.content, rows, answers)
    if tuning.chosen == LATENCY:
        return latency, tuning
    throughput = case.proved(latency.schema, exported)
    if throughput.proof.passed:
        return throughput, tuning
    reason = f"the throughput form differs from scikit-learn {throughput.proof.worst()}"
    return latency, replace(tuning, chosen=LATENCY, reason=reason)


def _check_estimator(estimator: Any, opset: int) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    _check_opset(opset)
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        raise InvalidInput(
            f"{type(estimator).__name__} is not fitted; call its fit first"
        ) from None
    except TypeError:
        raise UnsupportedEstimator(
            f"{type(estimator).__name__}: is no scikit-learn estimator; export one that is"
        ) from None


def _check_opset(opset: int) -> None:
    if opset not in OPSETS:
        raise InvalidInput(f"opset {opset} is not one of {OPSETS[0]} to {OPSETS[-1]}; choose one")


def check_request(name: str, out: Path, opset: int, force: bool) -> None:
    """Raise InvalidInput for what can be told before anything is loaded or trained."""
    _check_opset(opset)
    if not name or name != Path(name).name or name.startswith("."):
        raise InvalidInput(f"the name {name!r} is no plain file name; choose letters and dashes")
    if out.is_dir() and any(out.iterdir()) and not (out / NAME).is_file() and not force:
        raise InvalidInput(
            f"{out}: is not empty and no model directory; choose another with -o, or --force"
        )
    if out.exists() and not out.is_dir():
        raise InvalidInput(f"{out}: is a file; choose a directory with -o")
    if (out / NAME).is_file() and not force:
        _check_owner(name, out)


def _check_owner(name: str, out: Path) -> None:
    """Raise InvalidInput where the model directory is another model's, or nobody can tell."""
    try:
        held = read_manifest(out)["name"]
    except CorruptArtifact:
        raise InvalidInput(
            f"{out}: its {NAME} is damaged, so it is not known whose it is; --force writes over it"
        ) from None
    if held != name:
        raise InvalidInput(
            f"{out}: holds the model {held!r}, not {name!r}; choose another with -o, or --force"
        )


def _check_answers(estimator: Any, split: Split, schema: Schema, task: str) -> None:
    """Raise InvalidInput where scikit-learn itself refuses the given rows."""
    try:
        reference(estimator, frame({n: a[:2] for n, a in split.held_out.items()}, schema), task)
    except Exception as error:
        texts = [repr(i.name) for i in schema.inputs if i.dtype == "string"]
        held = f"; as text were read: {', '.join(texts)}" if texts else ""
        raise InvalidInput(
            f"the rows do not fit {type(estimator).__name__} ({first_line(error)}){held}; give the "
            "data that it was fitted on"
        ) from error
