"""Rows made to find disagreement: extremes, tree thresholds ±1 ulp, missing values, categories."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from toolkit.exporter.schema import Schema, frame
from toolkit.exporter.tasks import reference
from toolkit.runtime.schema import ANY, FINITE, MISSING

UNSEEN = ("not-seen-in-fitting", "Ünseen ⟂ категория")
THRESHOLDS = 400  # at most so many thresholds, spread evenly over all trees

Rows = dict[str, np.ndarray]


def adversarial_rows(
    estimator: Any, inputs: Mapping[str, np.ndarray], schema: Schema, takes: str
) -> Rows:
    """Return rows by input name that are likely to part a wrong graph from its estimator.

    inputs: sample rows as a bundle keeps them (float64, text); takes: "finite", "nan" or "any".
    Every row is a sample row with something changed:

    - each numeric column at its smallest and largest value, and one range beyond either; all
      columns at once; all zeros (in sample range and type)
    - tree thresholds, rounded to float32, and the float32 before and after each
    - NaN in each column and in all, where the estimator takes it; infinities likewise
    - an unseen and a non-ASCII category, and a missing one where taken, in each text column
    """
    made = [
        *_extremes(inputs),
        *_at_thresholds(estimator, inputs, schema),
        *_non_finite(inputs, takes),
        *_categories(inputs, takes),
    ]
    return {n: np.concatenate([r[n] for r in made]) for n in inputs} if made else dict(inputs)


def which_taken(estimator: Any, inputs: Mapping[str, np.ndarray], schema: Schema, task: str) -> str:
    """Return "any", "nan" or "finite": what non-finite or missing values scikit-learn takes.

    Tried on the estimator itself: NaN (or a missing text) in one column after the other; the first
    column that is taken decides.
    """
    taken = FINITE
    for value, answer in ((np.nan, MISSING), (np.inf, ANY)):
        if any(_answers(estimator, r, schema, task) for r in _spoiled(inputs, value)):
            taken = answer
        else:
            break
    return taken


def accepted(estimator: Any, rows: Rows, schema: Schema, task: str) -> Rows:
    """Return the rows that scikit-learn answers; what it refuses cannot be compared."""
    if _answers(estimator, rows, schema, task):
        return rows
    count = len(next(iter(rows.values())))
    kept = [
        i
        for i in range(count)
        if _answers(estimator, {n: a[[i]] for n, a in rows.items()}, schema, task)
    ]
    return {n: a[kept] for n, a in rows.items()}


def _answers(estimator: Any, rows: Mapping[str, np.ndarray], schema: Schema, task: str) -> bool:
    try:
        reference(estimator, frame(rows, schema), task)
    except Exception:  # any refusal of scikit-learn's, or of what it calls, is the answer "no"
        return False
    return True


def _base(inputs: Mapping[str, np.ndarray], row: int = 0) -> Rows:
    count = len(next(iter(inputs.values())))
    return {n: a[[row % count]].copy() for n, a in inputs.items()}


def _cells(inputs: Mapping[str, np.ndarray], kinds: str) -> list[tuple[str, int]]:
    return [(n, c) for n, a in inputs.items() if a.dtype.kind in kinds for c in range(a.shape[1])]


def _extremes(inputs: Mapping[str, np.ndarray]) -> Iterator[Rows]:
    cells = _cells(inputs, "fi")
    corners: list[Rows] = [_base(inputs) for _ in range(3)]
    for k, (name, column) in enumerate(cells):
        values = inputs[name][:, column]
        values = values[np.isfinite(values)] if values.dtype.kind == "f" else values
        if not len(values):
            continue
        low, high = values.min(), values.max()
        for value in (low, high, low - (high - low), high + (high - low)):
            row = _base(inputs, k)
            row[name][0, column] = value
            yield row
        for corner, value in zip(corners, (low, high, min(max(0, low), high)), strict=True):
            corner[name][0, column] = value
    if cells:
        yield from corners


def _at_thresholds(
    estimator: Any, inputs: Mapping[str, np.ndarray], schema: Schema
) -> Iterator[Rows]:
    if len(inputs) != 1:
        return
    (name, sample), before, trees = (
        next(iter(inputs.items())),
        _before(estimator),
        _final(estimator),
    )
    pairs = np.array(sorted(set(_thresholds(trees))))
    if not len(pairs):
        return
    chosen = pairs[np.linspace(0, len(pairs) - 1, min(len(pairs), THRESHOLDS)).astype(int)]
    for k, (feature, threshold) in enumerate(chosen):
        feature = int(feature)
        raw = _raw_threshold(before, sample, schema, feature, threshold)
        if raw is None or feature >= sample.shape[1] or not np.isfinite(raw):
            continue
        at = np.float32(raw)
        for value in (
            at,
            np.nextafter(at, np.float32(-np.inf)),
            np.nextafter(at, np.float32(np.inf)),
        ):
            row = _base(inputs, k)
            row[name][0, feature] = value
            yield row


def _before(estimator: Any) -> list[Any]:
    steps = [s for _, s in getattr(estimator, "steps", [])]
    return [s for s in steps[:-1] if s is not None and s != "passthrough"]


def _final(estimator: Any) -> Any:
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


def _thresholds(estimator: Any) -> Iterator[tuple[int, float]]:
    """Yield (feature, threshold) of every split of every tree below the estimator."""
    if hasattr(estimator, "tree_"):
        split = estimator.tree_.children_left != -1
        yield from zip(
            estimator.tree_.feature[split].tolist(),
            estimator.tree_.threshold[split].tolist(),
            strict=True,
        )
    for iteration in getattr(estimator, "_predictors", []):
        for predictor in iteration:
            nodes = predictor.nodes[~predictor.nodes["is_leaf"].astype(bool)]
            yield from zip(
                nodes["feature_idx"].tolist(), nodes["num_threshold"].tolist(), strict=True
            )
    for inner in np.ravel(getattr(estimator, "estimators_", np.array([], dtype=object))):
        if hasattr(inner, "tree_"):
            yield from _thresholds(inner)


def _raw_threshold(
    before: list[Any], sample: np.ndarray, schema: Schema, feature: int, threshold: float
) -> float | None:
    """Return the threshold in the units of the input, through the steps before the trees."""
    value = np.array(threshold)
    if not before:
        return float(value)
    row = np.zeros((1, sample.shape[1]))
    row[0, feature] = threshold
    for step in reversed(before):
        if (
            not hasattr(step, "inverse_transform")
            or getattr(step, "n_features_in_", 0) != row.shape[1]
        ):
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                row = np.asarray(step.inverse_transform(row), dtype=np.float64)
        except (ValueError, TypeError, AttributeError):
            return None
    return float(row[0, feature])


def _spoiled(inputs: Mapping[str, np.ndarray], value: float) -> Iterator[Rows]:
    """Yield a sample row for each column with `value` there ("" for NaN in text)."""
    for k, (name, column) in enumerate(_cells(inputs, "f")):
        row = _base(inputs, k)
        row[name][0, column] = value
        yield row
    if np.isnan(value):
        for k, (name, column) in enumerate(_cells(inputs, "O")):
            row = _base(inputs, k)
            row[name][0, column] = ""
            yield row


def _non_finite(inputs: Mapping[str, np.ndarray], takes: str) -> Iterator[Rows]:
    if takes == FINITE:
        return
    for value in (np.nan,) if takes == MISSING else (np.nan, np.inf, -np.inf):
        yield from _spoiled(inputs, value)
        everywhere = _base(inputs)
        for name, column in _cells(inputs, "f"):
            everywhere[name][0, column] = value
        yield everywhere


def _categories(inputs: Mapping[str, np.ndarray], takes: str) -> Iterator[Rows]:
    texts = UNSEEN if takes == FINITE else (*UNSEEN, "")
    for k, (name, column) in enumerate(_cells(inputs, "O")):
        known = list(dict.fromkeys(inputs[name][:, column].tolist()))[:50]
        for text in (*texts, *(t for t in known if t)):
            row = _base(inputs, k)
            row[name][0, column] = text
            yield row
