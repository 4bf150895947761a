"""The rows that are scored, and scikit-learn's outputs for rows that the user gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from toolkit.arguments import targets
from toolkit.bundle import NOT_APPLICABLE, Bundle, Rows
from toolkit.errors import InvalidInput
from toolkit.exporter.tasks import OUTPUTS, reference_outputs
from toolkit.runner.accuracy import metrics
from toolkit.runner.records import REFERENCE, Row
from toolkit.runner.verdict import unmeasured
from toolkit.runtime.inputs import prepare
from toolkit.runtime.loading import load
from toolkit.runtime.schema import ANY, Input

SCORED = ("regressor", "classifier")  # the tasks whose targets are what they predict


def main_call(task: str) -> str:
    """Return the name of the method that stands behind `Predictor.predict`."""
    return OUTPUTS[task][0][1]


def outputs(
    bundle: Bundle, estimator: Any, inputs: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the estimator's outputs under the names that the manifest gives them."""
    answers = reference_outputs(estimator, bundle.estimator_input(inputs), bundle.task)
    return {o["name"]: answers[o["name"]] for o in bundle.manifest["outputs"]}


def scored_rows(bundle: Bundle, X: Any = None, y: Any = None) -> Rows:
    """Return the bundle's held-out rows, or X and y, these without outputs yet.

    X: an array [N, d] or a data frame. Raises InvalidInput where they do not fit the model, differ
    in length or are empty.
    """
    if X is None:
        if y is not None:
            raise InvalidInput("y is given without X; give both, or neither for the held-out rows")
        rows = bundle.evaluation()
    else:
        rows = _given_rows(bundle, X, y)
    if not len(rows):
        raise InvalidInput(
            f"{bundle.path}: there are no rows to score on; give X with at least one row"
        )
    return rows


def _given_rows(bundle: Bundle, X: Any, y: Any) -> Rows:
    inputs = prepare(X, [_as_given(spec) for spec in bundle.manifest["inputs"]])
    count = len(next(iter(inputs.values())))
    target = None if y is None else targets(y, count)
    if target is not None and bundle.task == "regressor":
        target = _numeric_target(target)
    return Rows(inputs, {}, target)


def answered(bundle: Bundle, estimator: Any, rows: Rows) -> Rows:
    """Return the rows with scikit-learn's outputs, which only rows that the user gave lack.

    Raises InvalidInput where scikit-learn refuses the rows, or the targets have another shape than
    its predictions.
    """
    if rows.outputs:
        return rows
    if bundle.is_own_reference:
        return Rows(rows.inputs, _own(bundle, rows.inputs), rows.target)
    if estimator is None:
        raise InvalidInput(
            f"{bundle.path}: holds no estimator to compare with on other rows "
            f"({bundle.without_estimator}); bench it on its held-out rows, without data"
        )
    try:
        answers = outputs(bundle, estimator, rows.inputs)
    except ValueError as error:
        raise InvalidInput(f"X: scikit-learn refuses these rows ({error}); mend them") from error
    main = answers[bundle.manifest["outputs"][0]["name"]]
    if bundle.task in SCORED and rows.target is not None and rows.target.size != main.size:
        raise InvalidInput(
            f"y has the shape {rows.target.shape}, predictions {main.shape}; give one a prediction"
        )
    return Rows(rows.inputs, answers, rows.target)


def _own(bundle: Bundle, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what model.onnx itself gives, numbers as float64."""
    given = load(bundle.model_path).run(inputs)
    return {n: a.astype(np.float64) if a.dtype.kind == "f" else a for n, a in given.items()}


def reference_classes(bundle: Bundle, estimator: Any) -> Any:
    """Return the labels in the order of the probabilities' columns, None where there are none."""
    if estimator is not None:
        return getattr(estimator, "classes_", None)
    return bundle.manifest["estimator"].get("classes")


def lacking(bundle: Bundle) -> str:
    """Return what the kept estimator lacks, in words, "" where it is whole or not there."""
    left_out = bundle.manifest["estimator"].get("left_out")
    return f"kept without {', '.join(left_out)}, which no answer uses" if left_out else ""


def untimed(bundle: Bundle, rows: Rows) -> Row:
    """Return the estimator's row where the bundle does not hold it: by its answers alone."""
    classes = reference_classes(bundle, None)
    row = Row(
        method=REFERENCE,
        file=None,
        status=NOT_APPLICABLE,
        reason=f"not timed, as it is not in the bundle: {bundle.without_estimator}",
        metrics=metrics(bundle.task, rows.target, rows.outputs, classes),
    )
    return unmeasured(row, "not timed")


def _as_given(spec: dict[str, Any]) -> Input:
    # scikit-learn is asked with the data as given, not with what the graph makes of it.
    shape, columns = spec.get("shape") or [], spec.get("columns")
    return Input(
        name=spec["name"],
        dtype="float64" if spec["dtype"] in ("float16", "float32") else spec["dtype"],
        width=shape[1] if len(shape) == 2 and isinstance(shape[1], int) else None,
        non_finite=spec.get("takes", ANY),
        columns=tuple(columns) if columns else None,
    )


def _numeric_target(target: np.ndarray) -> np.ndarray:
    try:
        target = target.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"y has a value that is no number ({error}); a regressor's targets are"
        ) from None
    if not np.isfinite(target).all():
        at = int(np.argwhere(~np.isfinite(target))[0][0])
        raise InvalidInput(f"y is {target[at]} in row {at}; give finite targets")
    return target
