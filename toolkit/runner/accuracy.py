"""How right a variant is: against the truth, scikit-learn, and itself in a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

LABEL = "label"
SINGLES = 200  # rows that are run alone to compare with their batch

Outputs = Mapping[str, np.ndarray]


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
    given = outputs.get("probabilities")
    single = target.ndim == 1  # of several labels a row, only the accuracy of whole rows is known
    known = single and given is not None and np.shape(given)[1:] == np.shape(classes)
    return {
        "accuracy": agreement(target, outputs[LABEL]),
        "log_loss": _log_loss(target, given, np.asarray(classes)) if known else None,
    }


_METRICS: dict[str, Callable[[np.ndarray, Outputs, Any], dict[str, float | None]]] = {
    "regressor": _regression,
    "classifier": _classification,
}


def _log_loss(target: np.ndarray, probabilities: Any, classes: np.ndarray) -> float:
    # As scikit-learn's log_loss on float64, but without its refusal of rows that do not sum to
    # one, which quantized probabilities may not; a label outside the classes has probability 0.
    hit = np.array([same_labels(target, np.full(len(target), c)) for c in classes]).T
    given = np.where(hit, np.asarray(probabilities, dtype=np.float64), 0.0).sum(axis=1)
    tiny = np.finfo(np.float64).eps
    return float(-np.log(np.clip(given, tiny, 1.0)).mean())


def same_labels(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return, for each row, whether all its labels are equal; text never equals a number."""
    a, b = (np.asarray(v).reshape(len(v), -1) for v in (a, b))
    text = [v.dtype.kind in "OUS" for v in (a, b)]
    if a.shape != b.shape or text[0] != text[1]:
        return np.zeros(len(a), dtype=bool)
    if text[0]:
        a, b = a.astype(str), b.astype(str)
    return np.asarray((a == b).all(axis=1))


def agreement(a: np.ndarray, b: np.ndarray) -> float:
    """Return the share of rows whose labels are equal."""
    return float(same_labels(a, b).mean())


def difference(reference: Outputs, outputs: Outputs) -> dict[str, float | None]:
    """Return how far `outputs` are from scikit-learn's, over all numeric outputs together.

    max_abs, mean_abs; nmse: squared error / squared deviation from the reference's column means,
    both summed (0 where a constant reference is met exactly, infinite where it is not); max_rel:
    largest |difference| / max(1, |reference|); label_agreement. None where there are no numbers,
    or no labels. A non-finite number counts as infinitely far from all but its own kind.
    """
    found: dict[str, float | None] = dict.fromkeys(
        ("max_abs", "mean_abs", "nmse", "max_rel", "label_agreement")
    )
    if labels := labelled(reference):
        found["label_agreement"] = min(agreement(reference[n], outputs[n]) for n in labels)
    expected, got = numbers(reference), numbers({n: outputs[n] for n in reference})
    if expected is None or got is None:
        return found
    apart = distance(expected, got)
    with np.errstate(over="ignore", invalid="ignore"):
        relative = np.where(apart == 0, 0.0, apart / np.fmax(1.0, np.abs(expected)))
        squared = float(np.square(apart).sum())
    found |= {
        "max_abs": float(apart.max()),
        "mean_abs": float(apart.mean()),
        "nmse": _ratio(squared, _spread(expected)),
        "max_rel": float(np.where(np.isnan(relative), np.inf, relative).max()),
    }
    return found


def numbers(outputs: Outputs) -> np.ndarray | None:
    """Return the numeric outputs side by side as float64 [N, k], None where there are none."""
    columns = [
        np.asarray(values, dtype=np.float64).reshape(len(values), -1)
        for name, values in outputs.items()
        if name not in labelled(outputs)
    ]
    return np.concatenate(columns, axis=1) if columns else None


def labelled(outputs: Outputs) -> list[str]:
    """Return the names of labels and of other text, such as what an imputer gives."""
    return [n for n, v in outputs.items() if n == LABEL or np.asarray(v).dtype.kind in "OUS"]


def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return |a − b|; equal infinities and two NaN are 0 apart, a NaN and a number infinitely."""
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(a - b)
    apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, apart)
    return np.where(np.isnan(apart), np.inf, apart)


def _spread(values: np.ndarray) -> float:
    """Sum of squared deviations from the column means, over the finite values."""
    finite = np.isfinite(values)
    count = np.maximum(finite.sum(axis=0), 1)
    mean = np.where(finite, values, 0.0).sum(axis=0) / count
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.square(np.where(finite, values - mean, 0.0)).sum())


def _ratio(part: float, whole: float) -> float:
    if part == 0:
        return 0.0
    return part / whole if whole > 0 else float("inf")


def batch_consistency(
    run: Callable[[Mapping[str, np.ndarray]], Outputs],
    inputs: Mapping[str, np.ndarray],
    whole: Outputs,
    singles: int = SINGLES,
) -> float:
    """Return the largest change of a row's numbers between running it alone and in the batch.

    whole: the outputs of all rows in one batch. Up to `singles` rows, evenly spread, are run
    alone. Where a model gives labels only, 1.0 if any label changes, else 0.0.
    """
    count = len(next(iter(inputs.values())))
    chosen = np.unique(np.linspace(0, count - 1, min(singles, count)).astype(int))
    alone = [run({n: v[i : i + 1] for n, v in inputs.items()}) for i in chosen]
    single = {n: np.concatenate([a[n] for a in alone]) for n in whole}
    batched = {n: np.asarray(v)[chosen] for n, v in whole.items()}
    a, b = numbers(batched), numbers(single)
    if a is None or b is None:
        same = [same_labels(batched[n], single[n]).all() for n in labelled(batched)]
        return 0.0 if all(same) else 1.0
    return float(distance(a, b).max())


def noise(reference: Outputs) -> float:
    """Return the batch effect that float32 arithmetic alone may have on outputs like these.

    1e-4 of their standard deviation and 1e-6 of their largest magnitude, in their unit.
    """
    values = numbers(reference)
    if values is None:
        return 0.0
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0
    return float(1e-4 * np.sqrt(_spread(values) / values.size) + 1e-6 * np.abs(finite).max())
