"""How right a variant is: against the truth, scikit-learn, and itself in a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from toolkit.metrics import (
    LABEL,
    Outputs,
    Scale,
    agreement,
    deviation,
    labelled,
    max_abs,
    mean_abs,
    nmse,
    numeric,
    same_labels,
)

SINGLES = 200  # rows that are run alone to compare with their batch


def metrics(
    task: str, target: np.ndarray | None, outputs: Outputs, classes: Any = None
) -> dict[str, float | None] | None:
    """Return r2, mse, mae of a regressor or accuracy, log_loss of a classifier, else None.

    classes: the labels in the order of the probabilities' columns; log_loss is None without. A
    figure is NaN where predictions are not finite. None where there are no targets.
    """
    if target is None or task not in _METRICS:
        return None
    return _METRICS[task](np.asarray(target), outputs, classes)


def _regression(target: np.ndarray, outputs: Outputs, _: Any) -> dict[str, float | None]:
    predicted = np.asarray(outputs["variable"], dtype=np.float64).reshape(target.shape)
    if not np.isfinite(predicted).all():
        return {"r2": np.nan, "mse": np.nan, "mae": np.nan}
    return {
        "r2": float(r2_score(target, predicted)) if len(target) > 1 else np.nan,
        "mse": float(mean_squared_error(target, predicted)),
        "mae": float(mean_absolute_error(target, predicted)),
    }


def _classification(target: np.ndarray, outputs: Outputs, classes: Any) -> dict[str, float | None]:
    probabilities = outputs.get("probabilities")
    single = target.ndim == 1  # of several labels a row, only the accuracy of whole rows is known
    known = (
        single and probabilities is not None and np.shape(probabilities)[1:] == np.shape(classes)
    )
    return {
        "accuracy": float(same_labels(target, outputs[LABEL]).mean()),
        "log_loss": _log_loss(target, probabilities, np.asarray(classes)) if known else None,
    }


_METRICS: dict[str, Callable[[np.ndarray, Outputs, Any], dict[str, float | None]]] = {
    "regressor": _regression,
    "classifier": _classification,
}


def _log_loss(target: np.ndarray, probabilities: Any, classes: np.ndarray) -> float:
    # As scikit-learn's log_loss on float64, but without its refusal of rows that do not sum to
    # one, which quantized probabilities may not; a label outside the classes has probability 0.
    hit = np.array([same_labels(target, np.full(len(target), c)) for c in classes]).T
    of_true = np.where(hit, np.asarray(probabilities, dtype=np.float64), 0.0).sum(axis=1)
    tiny = np.finfo(np.float64).eps
    return float(-np.log(np.clip(of_true, tiny, 1.0)).mean())


def difference(
    reference: Outputs, outputs: Outputs, scales: Mapping[str, Scale]
) -> dict[str, float | None]:
    """Return how far `outputs` are from scikit-learn's, as `toolkit.metrics` measures it.

    max_abs, mean_abs; nmse; max_rel: the largest deviation in its column's own scale;
    label_agreement. None where there are no numbers, or no labels.
    """
    numbers = numeric(reference)
    return {
        "max_abs": max_abs(reference, outputs),
        "mean_abs": mean_abs(reference, outputs),
        "nmse": nmse(reference, outputs, scales),
        "max_rel": deviation(reference, outputs, scales, numbers)[0] if numbers else None,
        "label_agreement": agreement(reference, outputs) if labelled(reference) else None,
    }


def batch_consistency(
    run: Callable[[Mapping[str, np.ndarray]], Outputs],
    inputs: Mapping[str, np.ndarray],
    whole: Outputs,
    scales: Mapping[str, Scale],
    singles: int = SINGLES,
) -> tuple[float, float]:
    """Return the largest change of a row's numbers between running it alone and in the batch.

    In the outputs' unit, and in their columns' own scale. whole: the outputs of all rows in one
    batch. Up to `singles` rows, evenly spread, are run alone. Where a model gives labels only, 1.0
    twice if any label changes, else 0.0.
    """
    count = len(next(iter(inputs.values())))
    chosen = np.unique(np.linspace(0, count - 1, min(singles, count)).astype(int))
    alone = [run({n: v[i : i + 1] for n, v in inputs.items()}) for i in chosen]
    single = {n: np.concatenate([a[n] for a in alone]) for n in whole}
    batched = {n: np.asarray(v)[chosen] for n, v in whole.items()}
    moved = max_abs(batched, single)
    if moved is None:
        changed = 0.0 if agreement(batched, single) == 1.0 else 1.0
        return changed, changed
    return moved, deviation(batched, single, scales, numeric(batched))[0]
