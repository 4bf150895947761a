"""Rows by input name in the form that an estimator was fitted on: arrays, texts, data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

# The forms in which an estimator wants its rows: one matrix as an array or as a scipy matrix, a
# list of texts, of labels (integers or booleans, as label encoders take them) or of numbers, one
# matrix as a data frame, a data frame of single columns of several types, or an array of objects.
ARRAY, SPARSE, TEXTS, LABELS, VECTOR = "array", "sparse", "texts", "labels", "vector"
FRAME, COLUMNS, OBJECTS = "frame", "columns", "objects"
PAIRS = "pairs"  # of a text and a number, as many as a row has: what a FeatureHasher takes
FORMS = (ARRAY, SPARSE, TEXTS, LABELS, VECTOR, FRAME, COLUMNS, OBJECTS, PAIRS)

# What marks a missing value among objects; "kept" where "" is a text of its own.
NAN, NONE, NA, KEPT = "nan", "none", "na", "kept"

OBJECT, CATEGORY = "object", "category"


@dataclass(frozen=True)
class Column:
    """What is particular about a column of the estimator's data frame.

    name: that of the input or of its column. label: in the data frame, a number, or a MultiIndex'
    levels; None where it is the name. dtype: "object" for numbers among objects, "category" for
    pandas' categories, None for anything else. missing: the mark of a missing number among objects.
    categories: pandas' own, in their order; ordered: whether that order means something; closed:
    whether other values are missing ones to the estimator, and not further categories.
    """

    name: str
    label: Any = None
    dtype: str | None = None
    missing: str | None = None
    categories: tuple[Any, ...] | None = None
    ordered: bool = False
    closed: bool = False

    def summary(self) -> dict[str, Any]:
        """Return the record as the manifest keeps it."""
        return asdict(self) | {"categories": self.categories and list(self.categories)}


def mark_of(value: Any) -> str | None:
    """Return how a value marks a missing one, None where it is one."""
    if value is None:
        return NONE
    if type(value).__name__ in ("NAType", "NaTType"):
        return NA
    return NAN if isinstance(value, float | np.floating) and value != value else None


def to_frame(
    inputs: Mapping[str, np.ndarray],
    form: str,
    specs: Sequence[Mapping[str, Any]],
    columns: Sequence[Mapping[str, Any]] = (),
) -> Any:
    """Return rows by input name in the estimator's form, which it may write into.

    specs: for each input its name, dtype, columns and missing, as the manifest has them; columns:
    the fields of each `Column`, as the manifest has them.
    """
    particular = {c["name"]: c for c in columns}
    if form == PAIRS:
        names, values = (inputs[s["name"]].tolist() for s in specs)
        return [list(zip(n, v, strict=True)) for n, v in zip(names, values, strict=True)]
    if form == OBJECTS:
        return np.stack([_objects(inputs[s["name"]], s["missing"]) for s in specs], axis=1)
    if form == COLUMNS:
        return _framed({s["name"]: _column(inputs[s["name"]], s) for s in specs}, particular)
    matrix = inputs[specs[0]["name"]]
    if form == FRAME:
        return _framed(_split(matrix, specs[0]["columns"], particular), particular)
    if form == SPARSE:
        import scipy.sparse

        return scipy.sparse.csr_matrix(matrix)  # CatBoost takes no csr_array
    if specs[0]["dtype"] != "string":
        return matrix.ravel().copy() if form in (LABELS, VECTOR) else matrix.copy()
    texts = _objects(matrix, specs[0]["missing"])
    return texts.ravel().tolist() if form == TEXTS else texts.reshape(matrix.shape)


def _column(values: np.ndarray, spec: Mapping[str, Any]) -> np.ndarray:
    own = spec["missing"] or NONE  # a manifest of an earlier version may not say
    return values.ravel() if spec["dtype"] != "string" else _objects(values, own)


def _split(matrix: np.ndarray, names: Sequence[str], columns: Mapping[str, Any]) -> Any:
    """Return a matrix as a data frame, or as its columns where some are particular."""
    import pandas

    if not columns:
        return pandas.DataFrame(matrix.copy(), columns=list(names))
    return {name: matrix[:, k] for k, name in enumerate(names)}


def _framed(parts: Any, columns: Mapping[str, Mapping[str, Any]]) -> Any:
    """Return columns by name as a data frame with the types and labels that they had."""
    import pandas

    if isinstance(parts, pandas.DataFrame):
        return parts
    framed = {}
    for name, values in parts.items():
        known = columns.get(name, {})
        if known.get("dtype") == CATEGORY:
            framed[name] = _categorical(values, known)
        elif known.get("dtype") == OBJECT:
            framed[name] = pandas.Series(_numbers(values, known["missing"]), dtype=object)
        elif values.dtype == object:
            # Left to itself, pandas would turn None into NaN, another category to encoders.
            framed[name] = pandas.Series(values, dtype=object)
        else:
            framed[name] = pandas.Series(values)
    frame = pandas.DataFrame(framed)
    labels = [columns.get(name, {}).get("label") for name in frame.columns]
    if any(label is not None for label in labels):
        frame.columns = _labels(labels, list(frame.columns))
    return frame


def _labels(labels: Sequence[Any], names: Sequence[str]) -> Any:
    import pandas

    if all(isinstance(label, list | tuple) for label in labels):
        return pandas.MultiIndex.from_tuples([tuple(label) for label in labels])
    own = [name if label is None else label for label, name in zip(labels, names, strict=True)]
    return pandas.Index(own)


def _categorical(values: np.ndarray, known: Mapping[str, Any]) -> Any:
    """Return values as pandas' categories; those that are none come after them, or are missing."""
    import pandas

    own = list(known["categories"])
    entries = [None if v == "" or v != v else v for v in values.tolist()]
    more = [] if known["closed"] else sorted({v for v in entries if v is not None} - set(own))
    texts = any(isinstance(v, str) for v in own + more)
    categories = pandas.Index(own + more, dtype=object if texts else None)
    return pandas.Categorical(entries, categories=categories, ordered=known["ordered"])


def _objects(values: np.ndarray, missing: str | None) -> np.ndarray:
    """Return values [N] as objects; text is missing where it is "", as npz keeps it."""
    flat = values.ravel()
    if missing is None:
        return flat.astype(object)
    mark = _marking(missing)
    out = np.empty(len(flat), dtype=object)
    out[:] = [mark if v == "" else str(v) for v in flat.tolist()]
    return out


def _numbers(values: np.ndarray, missing: str | None) -> np.ndarray:
    """Return numbers [N] as objects, with this mark for NaN."""
    mark = _marking(missing or NAN)
    out = np.empty(len(values), dtype=object)
    out[:] = [mark if v != v else v for v in values.tolist()]
    return out


def _marking(missing: str) -> Any:
    if missing == KEPT:
        return ""
    if missing == NA:
        import pandas

        return pandas.NA
    return float("nan") if missing == NAN else None
