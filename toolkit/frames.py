"""Rows by input name in the form that an estimator was fitted on: arrays, texts, data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# The forms in which an estimator wants its rows: one matrix as an array, a list of texts, of labels
# (integers or booleans, as label encoders take them) or of numbers, one matrix as a data frame, or
# a data frame of single columns of several types.
ARRAY, TEXTS, LABELS, VECTOR = "array", "texts", "labels", "vector"
FRAME, COLUMNS = "frame", "columns"
FORMS = (ARRAY, TEXTS, LABELS, VECTOR, FRAME, COLUMNS)


def to_frame(
    inputs: Mapping[str, np.ndarray], form: str, specs: Sequence[Mapping[str, Any]]
) -> Any:
    """Return rows by input name in the estimator's form, which it may write into.

    specs: for each input its name, dtype, columns and missing, as the manifest has them.
    """
    if form in (ARRAY, TEXTS, LABELS, VECTOR):
        matrix = inputs[specs[0]["name"]]
        if specs[0]["dtype"] != "string":
            return matrix.ravel().copy() if form in (LABELS, VECTOR) else matrix.copy()
        texts = _texts(matrix, specs[0])
        return texts.ravel().tolist() if form == TEXTS else texts
    import pandas

    if form == FRAME:
        matrix = inputs[specs[0]["name"]]
        return pandas.DataFrame(matrix.copy(), columns=list(specs[0]["columns"]))
    return pandas.DataFrame({s["name"]: _restored(inputs[s["name"]], s) for s in specs})


def _restored(values: np.ndarray, spec: Mapping[str, Any]) -> Any:
    if spec["dtype"] != "string":
        return values.ravel()
    import pandas

    # Left to itself, pandas would turn None into NaN, which encoders take for another category.
    return pandas.Series(_texts(values, spec).ravel(), dtype=object)


def _texts(values: np.ndarray, spec: Mapping[str, Any]) -> np.ndarray:
    """Return text as objects, missing where it is "": npz keeps text as fixed-width unicode."""
    if spec["missing"] == "kept":
        missing: Any = ""
    else:
        missing = float("nan") if spec["missing"] == "nan" else None
    out = np.empty(values.shape, dtype=object)
    out.ravel()[:] = [missing if v == "" else str(v) for v in values.ravel()]
    return out
