"""What kind of model an estimator is, and what scikit-learn itself answers for given rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from toolkit.errors import UnsupportedEstimator

REGRESSOR, CLASSIFIER, OUTLIER = "regressor", "classifier", "outlier_detector"
CLUSTERER, TRANSFORMER = "clusterer", "transformer"

# Each task's outputs: (the graph's name, the estimator's method).
OUTPUTS: dict[str, tuple[tuple[str, str], ...]] = {
    REGRESSOR: (
        ("variable", "predict"),
        ("probabilities", "predict_proba"),  # a classifier's with raw scores, which these are too
    ),
    CLASSIFIER: (("label", "predict"), ("probabilities", "predict_proba")),
    OUTLIER: (("label", "predict"), ("scores", "decision_function")),
    CLUSTERER: (
        ("label", "predict"),
        ("scores", "transform"),
        ("probabilities", "predict_proba"),  # mixtures: the components' shares
    ),
    TRANSFORMER: (("variable", "transform"),),
}

# Methods that exist but raise an error for every row: (class name, method) -> under which setting.
REFUSALS: dict[tuple[str, str], Callable[[Any], bool]] = {
    ("GaussianProcessClassifier", "predict_proba"): (
        lambda e: e.multi_class == "one_vs_one" and len(e.classes_) > 2
    ),
}


def task_of(estimator: Any) -> str:
    """Return the task; UnsupportedEstimator where it can neither predict nor transform."""
    from sklearn.base import is_classifier, is_clusterer, is_outlier_detector, is_regressor

    tests = (
        (CLASSIFIER, is_classifier),
        (REGRESSOR, is_regressor),
        (OUTLIER, is_outlier_detector),
        (CLUSTERER, is_clusterer),
    )
    if hasattr(estimator, "predict"):
        if gives_raw_scores(estimator):
            return REGRESSOR
        for task, is_task in tests:
            if is_task(estimator):
                return task
        if _is_mixture(estimator):
            return CLUSTERER
    if hasattr(estimator, "transform"):
        return TRANSFORMER
    if hasattr(estimator, "predict"):
        return REGRESSOR
    raise UnsupportedEstimator(
        f"{type(estimator).__name__}: has neither predict nor transform for new rows; export an "
        "estimator that has"
    )


def gives_raw_scores(estimator: Any) -> bool:
    """Tell whether it is a classifier whose `predict` gives scores and no labels.

    LightGBM's does that where the objective is a function: it knows no link to probabilities. So
    does CatBoost's plain model, whatever its loss.
    """
    last = _last(estimator)
    library, name = type(last).__module__.partition(".")[0], type(last).__name__
    if library == "lightgbm":
        return hasattr(last, "predict_proba") and callable(getattr(last, "_objective", None))
    return library == "catboost" and name == "CatBoost"


def _last(estimator: Any) -> Any:
    """Return the estimator that answers: the last step of a pipeline, the best of a search."""
    inner = getattr(estimator, "best_estimator_", None)
    if inner is not None:
        return _last(inner)
    return _last(estimator.steps[-1][1]) if hasattr(estimator, "steps") else estimator


def _is_mixture(estimator: Any) -> bool:
    """Tell whether its `predict` gives a component of a density: a clusterer to us."""
    from sklearn.utils import get_tags

    return bool(get_tags(estimator).estimator_type == "density_estimator")


def wanted_outputs(estimator: Any, task: str) -> tuple[tuple[str, str], ...]:
    """Return (output name, method) for what this estimator offers."""
    pairs = OUTPUTS[task]
    if _refuses(estimator, "predict_proba"):
        pairs = tuple((n, m) for n, m in pairs if m != "predict_proba")
    elif task == CLASSIFIER and not hasattr(estimator, "predict_proba"):
        pairs = (("label", "predict"), ("scores", "decision_function"))
    return tuple((n, m) for n, m in pairs if hasattr(estimator, m))


def _refuses(estimator: Any, method: str) -> bool:
    """Tell whether the estimator (a pipeline: its last step) has the method, yet never answers."""
    last = _last(estimator)
    refusal = REFUSALS.get((type(last).__name__, method))
    return refusal is not None and refusal(last)


def reference_outputs(estimator: Any, X: Any, task: str) -> dict[str, np.ndarray]:
    """Return scikit-learn's own outputs by output name: numbers float64 [N, k], labels [N].

    X in the estimator's own form; it is given copies, since a step with copy=False writes into its
    rows. Whatever scikit-learn raises on these rows is passed on.
    """
    outputs = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, method in wanted_outputs(estimator, task):
            values = _answer(getattr(estimator, method), X)
            outputs[name] = _plain(values, name)
    return outputs


# What scikit-learn says to float64 rows where it was fitted on float32 and takes nothing else:
# KMeans and its kin, and NMF.
NARROW = ("Buffer dtype mismatch", "should have the same dtype as X")


def _answer(method: Callable[[Any], Any], X: Any) -> Any:
    """Return the method's answer; in float32 where the estimator was fitted on that alone.

    It is shown float64 rows first. What it refuses is shown once more in float32 if that holds the
    same numbers: a scaler of float32 rows puts their least one below 0 in float64.
    """
    try:
        return _of_batch(method, copied(X))
    except (TypeError, ValueError) as error:
        rows = _narrowed(X, any(said in str(error) for said in NARROW))
        if rows is None:
            raise
        return method(rows)


def _narrowed(X: Any, rounds: bool) -> Any:
    """Return rows of numbers as float32; None for others, and unless `rounds` where that rounds."""
    if getattr(X, "dtype", None) != np.float64 or not hasattr(X, "astype"):
        return X.astype(np.float32) if rounds and hasattr(X, "astype") else None
    with np.errstate(over="ignore"):
        rows = X.astype(np.float32)
    same = rounds or (isinstance(X, np.ndarray) and np.array_equal(rows, X, equal_nan=True))
    return rows if same else None


def _of_batch(method: Callable[[Any], Any], X: Any) -> Any:
    """Return the method's answer, of LabelBinarizer to each row alone if the batch changes it.

    Fitted on two classes it gives one column, but two to a batch with a third value among them.
    """
    answers = method(X)
    estimator = getattr(method, "__self__", None)
    classes = getattr(estimator, "classes_", None)  # None of a TargetEncoder of numbers
    two = classes is not None and len(classes) == 2
    if type(estimator).__name__ != "LabelBinarizer" or not two or answers.shape[1] == 1:
        return answers
    rows = [method(X[i : i + 1]) for i in range(len(X))]
    return np.vstack([r.toarray() if hasattr(r, "toarray") else r for r in rows])


def copied(X: Any) -> Any:
    """Return a copy of rows in an estimator's form: an array, a data frame or a list."""
    return X.copy() if hasattr(X, "copy") else X


def side_by_side(widths: Sequence[int]) -> list[slice]:
    """Return which columns of several outputs' probabilities the contract's one matrix holds.

    scikit-learn gives a list with a matrix [N, classes] for each output. Where every output has
    two classes, `probabilities` [N, outputs] is each one's probability of its second class; else
    all columns of all outputs stand side by side, [N, Σ classes], in the order of the outputs.
    """
    return [slice(1, 2) if set(widths) == {2} else slice(0, w) for w in widths]


def in_one_matrix(probabilities: Sequence[np.ndarray]) -> np.ndarray:
    """Return several outputs' probabilities as `side_by_side` has it."""
    columns = side_by_side([p.shape[1] for p in probabilities])
    return np.concatenate([p[:, c] for p, c in zip(probabilities, columns, strict=True)], axis=1)


def _plain(values: Any, name: str) -> np.ndarray:
    if isinstance(values, list) and name == "probabilities":
        values = in_one_matrix(values)
    if hasattr(values, "toarray"):
        values = values.toarray()
    array = np.asarray(values)
    if name == "label":
        return array
    # Columns of several types that were passed through are objects: text, or numbers among flags.
    if array.dtype.kind not in "fiub" and any(isinstance(v, str) for v in array.ravel()):
        return array.reshape(len(array), -1)
    return np.asarray(array, dtype=np.float64).reshape(len(array), -1)
