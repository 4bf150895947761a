"""Numbers that are given otherwise: as texts, or with None among them where NaN is meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput
from toolkit.exporter.schema.told import kind_of, told
from toolkit.exporter.schema.values import NUMBER, as_array
from toolkit.exporter.tasks import reference_outputs, task_of
from toolkit.runtime.fields import is_missing, is_number
from toolkit.runtime.inputs import are_pairs, name_of

TEXTS = ("object", "str", "string")  # pandas' types that hold texts
TRIED = 20  # rows on which a change is shown to matter to nothing


def as_numbers(estimator: Any, X: Any) -> Any:
    """Return an array of texts that all stand for numbers as these, where no step takes text."""
    rows = isinstance(X, list | tuple | np.ndarray) and not are_pairs(X)
    array = as_array(X) if rows else np.zeros(0)
    if array.ndim != 2 or array.dtype.kind not in "OU":
        return X
    records = told(estimator)
    takes = {kind_of(records.get(k, ())) for k in range(array.shape[1])}
    texts = all(isinstance(v, str) for v in array.ravel().tolist())
    return _floats(array) if takes == {NUMBER} and texts and _are_digits(array) else X


def numbers_in(estimator: Any, X: Any, places: Sequence[int] | None = None) -> Any:
    """Return a frame in which texts are the numbers that they stand for, where it takes numbers."""
    if not hasattr(X, "iloc"):
        return X
    import pandas

    records = told(estimator, [name_of(label) for label in X.columns])
    columns, changed = {}, False
    for k, label in enumerate(X.columns):
        own = X.iloc[:, k]
        texts = own.dropna().to_numpy(dtype=object) if own.dtype.name in TEXTS else ()
        takes = kind_of(records.get(k if places is None else places[k], ()))
        only_texts = len(texts) and all(isinstance(v, str) for v in texts)
        if takes == NUMBER and only_texts and _are_digits(texts):
            own, changed = pandas.to_numeric(own, errors="coerce"), True
        columns[label] = own
    return _without_none(estimator, pandas.DataFrame(columns, index=X.index) if changed else X)


def _without_none(estimator: Any, X: Any) -> Any:
    """Return a frame with NaN for None among numbers: a graph has one missing number.

    Raises InvalidInput where the estimator tells the two apart.
    """
    columns = {}
    for k, label in enumerate(X.columns):
        values = X.iloc[:, k].to_numpy() if X.dtypes.iloc[k].name == "object" else np.zeros(0)
        nones = [v is None for v in values]
        if any(nones) and not any(isinstance(v, str) for v in values):
            columns[label] = X.iloc[:, k].mask(nones, np.nan)
    if not columns:
        return X
    changed = X.copy()
    for label, column in columns.items():
        changed[label] = column.astype(object)
    if not alike(estimator, X, changed, compared=True, rows=len(X)):
        raise InvalidInput(
            f"column {name_of(next(iter(columns)))!r} holds None among numbers, which the "
            "estimator does not take for missing as it does NaN, and a graph has one missing "
            "number; replace None by NaN and fit again"
        )
    return changed


def _are_digits(texts: Any) -> bool:
    return all(is_number(v) or is_missing(v) for v in np.ravel(np.asarray(texts, dtype=object)))


def _floats(texts: np.ndarray) -> np.ndarray:
    flat = [float(v) if is_number(v) else np.nan for v in texts.ravel().tolist()]
    return np.array(flat).reshape(texts.shape)


def alike(estimator: Any, whole: Any, less: Any, compared: bool, rows: int = TRIED) -> bool:
    """Tell whether the estimator answers changed rows, and as it does those that they were."""
    task = task_of(estimator)
    try:
        without = reference_outputs(estimator, less.head(rows), task)
        wanted = reference_outputs(estimator, whole.head(rows), task) if compared else without
    except Exception:  # whatever it raises, it needs them
        return False
    return all(
        np.array_equal(without[n], a, equal_nan=a.dtype.kind == "f") for n, a in wanted.items()
    )
