"""Rows by input name, as a bundle keeps them, and back into the estimator's form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from toolkit.estimators.frames import COLUMNS, FRAME, OBJECTS, PAIRS, SPARSE, mark_of, to_frame
from toolkit.exporter.schema.given import Given
from toolkit.exporter.schema.spec import Schema
from toolkit.exporter.schema.values import as_array, read_column
from toolkit.runtime.inputs import name_of, parted


def arrays(X: Any, schema: Schema) -> dict[str, np.ndarray]:
    """Return rows as a bundle keeps them: float64, int64, bool, or text with "" for missing.

    X: as `infer` takes it. One array [N, width] an input, by its name.
    """
    X = X.X if isinstance(X, Given) else X
    first = schema.inputs[0]
    if schema.form == PAIRS:
        names, values = parted(X, first.width)
        return {"name": names, "value": values}
    if schema.form in (COLUMNS, FRAME):
        labels = {name_of(label): label for label in X.columns}
        if schema.form == COLUMNS:
            return {s.name: _kept(X[labels[s.name]], s.dtype, s.name) for s in schema.inputs}
        return {first.name: _matrix(X, [labels[name] for name in first.columns or ()])}
    if schema.form == SPARSE:
        return {first.name: np.ascontiguousarray(X.toarray(), dtype=np.float64)}
    array = as_array(X)
    if schema.form == OBJECTS:
        return {s.name: _kept(array[:, k], s.dtype, s.name) for k, s in enumerate(schema.inputs)}
    if array.ndim == 1:
        return {first.name: _kept(array, first.dtype, first.name)}
    if array.dtype.kind in "fiub":
        return {first.name: np.ascontiguousarray(array, dtype=np.float64)}
    parts = [_kept(column, first.dtype, f"{first.name}[{k}]") for k, column in enumerate(array.T)]
    return {first.name: np.concatenate(parts, axis=1)}


def _matrix(X: Any, labels: list[Any]) -> np.ndarray:
    """Return a data frame's columns of numbers as one matrix, float64 [N, columns]."""
    own = X if list(X.columns) == labels else X[labels]
    matrix = own.to_numpy()
    if matrix.dtype.kind in "fiub":
        return np.ascontiguousarray(matrix, dtype=np.float64)
    parts = [_kept(X[label], "float64", name_of(label)) for label in labels]
    return np.concatenate(parts, axis=1)


def _kept(column: Any, dtype: str, name: str) -> np.ndarray:
    values = read_column(column, name).array
    if dtype == "string":
        texts = np.array(["" if mark_of(v) else str(v) for v in values], dtype=object)
        return texts.reshape(-1, 1)
    kinds = {"float32": np.float64, "float64": np.float64, "int64": np.int64, "bool": np.bool_}
    return np.ascontiguousarray(values, dtype=kinds[dtype]).reshape(-1, 1)


def frame(inputs: Mapping[str, np.ndarray], schema: Schema) -> Any:
    """Return kept rows in the form that the estimator wants; the reverse of `arrays`."""
    columns = [c.summary() for c in schema.columns]
    return to_frame(inputs, schema.form, [asdict(s) for s in schema.inputs], columns)


def rounded(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return rows with every number rounded to float32 and held as float64."""
    with np.errstate(over="ignore"):
        return {
            n: a.astype(np.float32).astype(np.float64) if a.dtype.kind == "f" else a
            for n, a in inputs.items()
        }
