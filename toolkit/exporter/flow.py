"""The flow of an export: schema, graph, proof, bundle."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.arguments import texts
from toolkit.bundle import Bundle, is_empty
from toolkit.errors import (
    CorruptArtifact,
    InvalidInput,
    ParityError,
    UnsupportedEstimator,
    guarded,
)
from toolkit.estimators.keeping import keep
from toolkit.exporter.bundle_writer import Candidate, Proven, write_bundle
from toolkit.exporter.fitted_on import told
from toolkit.exporter.grid import FLOAT32, MERGED
from toolkit.exporter.model import Exported, build
from toolkit.exporter.opsets import Target, target_of
from toolkit.exporter.proof.evidence import Evidence, answers_to, proof_rows
from toolkit.exporter.proof.prove import prove
from toolkit.exporter.raw_boosters import as_estimator
from toolkit.exporter.schema import Schema, as_fitted, infer
from toolkit.exporter.session import session_options
from toolkit.exporter.split import Split, split_rows
from toolkit.exporter.tasks import REGRESSOR, task_of
from toolkit.exporter.tuning import AUTO, LATENCY, THROUGHPUT, TUNES, Tuning, measured
from toolkit.runtime.files import plain_path
from toolkit.runtime.manifest import NAME, read_manifest

INPUT_DTYPES = (AUTO, "float32", "float64")

FIT = "give rows of the kind that it was fitted on, or an estimator that exports"


@guarded("estimator", UnsupportedEstimator, FIT)
def export(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    name: str,
    out: str | Path,
    X_test: Any = None,
    y_test: Any = None,
    opset: int | None = None,
    runtime: str | None = None,
    input_dtype: str = AUTO,
    tune: str = AUTO,
    feature_names: Sequence[str] | None = None,
    all_rows: Mapping[str, float] | None = None,
    trusted: Collection[str] = (),
    task: str | None = None,
    force: bool = False,
) -> Bundle:
    """Convert a fitted estimator, prove the graph, and write the model directory `out`.

    X, y: rows [N, …] as the estimator takes them, and targets [N] if there are any. They give the
    schema, the calibration rows and, where no X_test, y_test are given, the held-out rows (a part
    of X that is not used for calibration). runtime: the version of onnxruntime, such as "1.18",
    that is to run it; opset: the ONNX opset, by default the newest that the runtime has, 21 at
    most. input_dtype: the type of the graph's floating-point
    inputs, "float64", "float32" (then scikit-learn on numbers rounded to float32 is what counts),
    or "auto": float64 where only that is right for the data as given.
    tune: what the graph is to be fast at, "latency" (single rows), "throughput" (large batches), or
    "auto": measured on this machine where the two differ, so that another may choose otherwise.
    feature_names: the columns' names where X is an array without; the device then finds columns by
    name. all_rows: figures of a model fitted on all rows, to be kept in the manifest. trusted: the
    full names of types, such as "package.module.Type", that the kept estimator may hold beside
    toolkit's own (see `keep`). task: "regressor" or "classifier" for a lightgbm.Booster,
    xgboost.Booster or catboost.CatBoost, where its objective does not say it. force: write over a
    directory that is not this model's.

    Raises UnsupportedEstimator where it cannot be converted, InvalidInput where the data does not
    fit, and ParityError where the graph differs from the estimator; then the bundle is written all
    the same, with `proof.passed` false.
    """
    out = Path(plain_path(out))
    check_request(name, out, opset, force, runtime)
    estimator = as_estimator(estimator, task)
    proven = convert_and_prove(
        estimator,
        X,
        y,
        X_test=X_test,
        y_test=y_test,
        opset=opset,
        runtime=runtime,
        input_dtype=input_dtype,
        tune=tune,
        feature_names=feature_names,
    )
    reference = keep(estimator, proven.evidence.answers_alike, trusted)
    free = partial(check_request, name, out, opset, force, runtime)
    bundle = write_bundle(out, name, reference, proven, dict(all_rows or {}), free)
    proof = proven.chosen.proof
    if not proof.passed:
        raise ParityError(
            f"{name}: the exported graph differs from scikit-learn {proof.worst()}; "
            f"{proof.advice()}; {out / NAME} has the figures; do not ship it"
        )
    return bundle


@guarded("estimator", UnsupportedEstimator, FIT)
def convert_and_prove(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    X_test: Any = None,
    y_test: Any = None,
    opset: int | None = None,
    runtime: str | None = None,
    input_dtype: str = AUTO,
    tune: str = AUTO,
    feature_names: Sequence[str] | None = None,
) -> Proven:
    """Return the graph with its proof, and the rows on which it was proved; nothing is written.

    Arguments and errors as in `export`, but a failed proof is returned, not raised.
    """
    estimator = as_estimator(estimator)
    target = target_of(opset, runtime)
    feature_names = None if feature_names is None else texts(feature_names, "feature_names")
    _check_estimator(estimator)
    if input_dtype not in INPUT_DTYPES:
        raise InvalidInput(f"input_dtype {input_dtype!r} is none of {', '.join(INPUT_DTYPES)}")
    if tune not in TUNES:
        raise InvalidInput(f"tune {tune!r} is none of {', '.join(TUNES)}")
    table, tests = as_fitted(estimator, X), None if X_test is None else as_fitted(estimator, X_test)
    task, schema = task_of(estimator), infer(table, feature_names, estimator)
    X, X_test = table.X, None if tests is None else tests.X
    split = split_rows(X, y, X_test, y_test, schema)
    _check_target(task, split)
    split = told(split, estimator, X, y, X_test, y_test)
    case = _Case(
        target, split, proof_rows(estimator, schema, task, split), input_dtype == "float32"
    )
    chosen, tuning = _tuned(case, _choose(case, schema, input_dtype), tune)
    return Proven(case.evidence, split, chosen, tuning, target)


@dataclass(frozen=True)
class _Case:
    """All that a candidate is made and proved with, but for its inputs' type and its form.

    rounded: float32 inputs were asked for, so that what counts are numbers rounded to float32.
    """

    target: Target
    split: Split
    evidence: Evidence
    rounded: bool

    def build(self, schema: Schema, compute: str, tune: str) -> Exported:
        """Return the graph for this schema in the form for single rows or for large batches."""
        e, known = self.evidence, self.split.calibration
        ends = e.adversarial.ends
        rows = {n: np.concatenate([a, e.adversarial.rows[n][ends]]) for n, a in known.items()}
        exported = build(
            e.estimator,
            schema,
            self.target.opset,
            e.task,
            e.non_finite,
            tune,
            rows,
            e.grids,
            scale=e.scales.get("variable"),
            compute=compute,
            newest_ml=self.target.ml_opset,
            sparse=e.sparse,
        )
        self.target.check(e.estimator, exported.content)
        return exported

    def proved(self, schema: Schema, compute: str, exported: Exported) -> Candidate:
        """Return the graph with its proof."""
        proof = prove(
            exported.content,
            self.evidence,
            schema,
            exported.traps,
            options=session_options(exported.model),
            rounded=self.rounded,
        )
        return Candidate(schema, compute, exported, exported.content, proof)

    @property
    def exact(self) -> bool:
        """Whether float32 holds every number of the data as it is."""
        grids = [grid for columns in self.evidence.grids.values() for grid in columns]
        return not self.merged and all(g.decimals == 0 or g.dtype == FLOAT32 for g in grids)

    def doubtful(self, candidate: Candidate) -> bool:
        """Tell whether rounding in float32 may decide of rows that the proof has not met.

        It may where trees compare what arithmetic made, and where two numbers of a column's grid
        are one float32 number.
        """
        computed = candidate.exported.compares_computed and candidate.compute == "float32"
        return bool(self.evidence.grids) and (computed or self.merged)

    @property
    def merged(self) -> bool:
        """Whether float32 holds no two neighbours of some column's decimals, or whole numbers."""
        inputs = self.split.held_out
        return any(
            grid.decimals is not None
            and np.nanmax(np.abs(inputs[name][:, c]), initial=0.0) * 10.0**grid.decimals > MERGED
            for name, columns in self.evidence.grids.items()
            for c, grid in enumerate(columns)
        )

    def answers(self, schema: Schema) -> Callable[[Mapping[str, np.ndarray]], Any]:
        """Return scikit-learn's own prediction of rows by input name."""
        e = self.evidence
        return lambda rows: answers_to(e.estimator, rows, schema, e.task)

    def candidate(self, schema: Schema, compute: str) -> Candidate:
        """Return the graph for this schema in the form for single rows, and its proof."""
        return self.proved(schema, compute, self.build(schema, compute, LATENCY))


def _choose(case: _Case, schema: Schema, input_dtype: str) -> Candidate:
    """Return the first candidate that is right, from the fastest on; else that with fewest wrong.

    Float32 inputs; float64 inputs; float64 throughout, whole numbers too. The first of them must
    convert; of the others, some lack an operator for float64. Where trees compare what arithmetic
    made of numbers, its rounding decides for rows that no proof may meet: what is right in float64
    is preferred then.
    """
    wide = schema.with_floats("float64")
    narrow = [] if input_dtype == "float64" else [(schema, "float32")]
    if input_dtype == "float32":
        forms = [*narrow, (schema, "float64")]
    elif case.exact:
        forms = [*narrow, (schema, "float64"), (wide, "float64")]
    else:
        forms = [*narrow, (wide, "float32"), (wide, "float64")]
    tried: list[Candidate] = []
    for form in dict.fromkeys(forms):
        try:
            tried.append(case.candidate(*form))
        except (UnsupportedEstimator, CorruptArtifact):
            if not tried:
                raise
            continue
        if tried[-1].proof.passed and not (tried[-1] is tried[0] and case.doubtful(tried[0])):
            return tried[-1]
    return min(tried, key=lambda one: sum(c.wrong for _, _, c in one.proof.required))


def _tuned(case: _Case, latency: Candidate, tune: str) -> tuple[Candidate, Tuning]:
    """Return the latency form, or the throughput form where that is wanted and proved as well."""
    if tune == LATENCY:
        return latency, Tuning(tune, LATENCY, "asked for")
    if not latency.proof.passed:
        return latency, Tuning(tune, LATENCY, "its proof failed, so that no other form was made")
    exported = case.build(latency.schema, latency.compute, THROUGHPUT)
    if exported.content == latency.content:
        chosen = LATENCY if tune == AUTO else tune
        return latency, Tuning(tune, chosen, "both forms are the same graph")
    tuning = Tuning(tune, THROUGHPUT, "asked for")
    if tune == AUTO:
        rows, answers = case.split.calibration, case.answers(latency.schema)
        tuning = measured(latency.content, exported.content, rows, answers)
    if tuning.chosen == LATENCY:
        return latency, tuning
    throughput = case.proved(latency.schema, latency.compute, exported)
    if throughput.proof.passed:
        return throughput, tuning
    reason = f"the throughput form differs from scikit-learn {throughput.proof.worst()}"
    return latency, replace(tuning, chosen=LATENCY, reason=reason)


def _check_target(task: str, split: Split) -> None:
    """Raise InvalidInput where a regressor's targets are no numbers."""
    for target in (split.target, split.calibration_target):
        if task == REGRESSOR and target is not None and target.dtype.kind not in "fiub":
            raise InvalidInput(
                f"y holds {str(target.ravel()[0])!r}, which is no number, and the estimator is a "
                "regressor; give its targets"
            )


def _check_estimator(estimator: Any) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

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


def check_request(
    name: str, out: Path, opset: int | None, force: bool, runtime: str | None = None
) -> None:
    """Raise InvalidInput for what can be told before anything is loaded or trained."""
    target_of(opset, runtime)
    if not isinstance(name, str):
        raise InvalidInput(f"the name {name!r:.100} is no text; choose letters and dashes")
    if not name or name != Path(name).name or name.startswith("."):
        raise InvalidInput(f"the name {name!r} is no plain file name; choose letters and dashes")
    try:
        if out.is_dir() and not is_empty(out) and not (out / NAME).is_file() and not force:
            raise InvalidInput(
                f"{out}: is not empty and no model directory; choose another with -o, or --force"
            )
        if out.exists() and not out.is_dir():
            raise InvalidInput(f"{out}: is a file; choose a directory with -o")
        if (out / NAME).is_file() and not force:
            _check_owner(name, out)
    except OSError as error:  # a name that is too long, a folder that may not be read
        raise InvalidInput(
            f"{out}: cannot be written ({error.strerror}); choose a writable folder with -o"
        ) from None


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
