"""The flow of an export: schema, graph, proof, bundle."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from toolkit import stages
from toolkit.arguments import texts
from toolkit.bundle import Bundle, is_empty
from toolkit.errors import (
    CorruptArtifact,
    InvalidInput,
    ParityError,
    UnsupportedEstimator,
    guarded,
)
from toolkit.estimators.asking import one_by_one
from toolkit.estimators.keeping import keep
from toolkit.exporter.bundle_writer import Proven, write_bundle
from toolkit.exporter.candidates import Case, choose, tuned
from toolkit.exporter.fitted_on import told
from toolkit.exporter.opsets import target_of
from toolkit.exporter.proof.evidence import proof_rows
from toolkit.exporter.raw_boosters import as_estimator
from toolkit.exporter.schema import as_fitted, infer
from toolkit.exporter.split import Split, split_rows
from toolkit.exporter.tasks import REGRESSOR, task_of
from toolkit.exporter.tuning import AUTO, TUNES
from toolkit.runtime.files import plain_path
from toolkit.runtime.manifest import NAME, read_manifest

INPUT_DTYPES = (AUTO, "float32", "float64")

LICENSE = 200  # letters of a licence's name

FIT = "give rows of the kind that it was fitted on, or an estimator that exports"


@one_by_one()
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
    license: str | None = None,
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
    xgboost.Booster or catboost.CatBoost, where its objective does not say it. license: the
    model's licence, best an SPDX expression such as "Apache-2.0", for its card and its bill of
    materials. force: write over a directory that is not this model's.

    Raises UnsupportedEstimator where it cannot be converted, InvalidInput where the data does not
    fit, and ParityError where the graph differs from the estimator; then the bundle is written all
    the same, with `proof.passed` false.
    """
    out = Path(plain_path(out))
    check_request(name, out, opset, force, runtime)
    check_license(license)
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
    stages.at("keeping the estimator")
    reference = keep(estimator, proven.evidence.answers_alike, trusted)
    free = partial(check_request, name, out, opset, force, runtime)
    bundle = write_bundle(out, name, reference, proven, dict(all_rows or {}), free, license)
    proof = proven.chosen.proof
    if not proof.passed:
        raise ParityError(
            f"{name}: the exported graph differs from scikit-learn {proof.worst()}; "
            f"{proof.advice()}; {out / NAME} has the figures; do not ship it"
        )
    return bundle


@one_by_one()
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
    stages.at("asking scikit-learn for the rows of the proof")
    case = Case(target, split, proof_rows(estimator, schema, task, split), input_dtype == "float32")
    chosen, tuning = tuned(case, choose(case, schema, input_dtype), tune)
    return Proven(case.evidence, split, chosen, tuning, target)


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


def check_license(license: str | None) -> None:
    """Raise InvalidInput where what is to stand as the licence is no short line of text."""
    if license is None:
        return
    line = isinstance(license, str) and license.strip() and license.isprintable()
    if line and len(license) <= LICENSE:
        return
    raise InvalidInput(
        f"license {license!r:.100}: is no line of up to {LICENSE} letters; give an SPDX expression "
        "such as Apache-2.0"
    )


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
