"""The schema of a model: from what was fitted, and where that does not say, from sample rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput
from toolkit.estimators.frames import (
    ARRAY,
    CATEGORY,
    COLUMNS,
    FRAME,
    KEPT,
    LABELS,
    OBJECT,
    OBJECTS,
    PAIRS,
    SPARSE,
    TEXTS,
    VECTOR,
    Column,
)
from toolkit.exporter.booster_categories import categories_of
from toolkit.exporter.schema.given import Given, is_frame
from toolkit.exporter.schema.marks import text_mark
from toolkit.exporter.schema.spec import Schema, Spec
from toolkit.exporter.schema.told import Told, kind_of, told, words_of
from toolkit.exporter.schema.values import (
    BOOL,
    FLOAT,
    INT,
    NUMBER,
    TEXT,
    Values,
    as_array,
    read_column,
    whole_beyond,
)
from toolkit.exporter.tasks import reference_outputs, task_of
from toolkit.runtime.fields import NA_TEXTS
from toolkit.runtime.inputs import are_pairs, name_of

DTYPES = {FLOAT: "float32", INT: "int64", BOOL: "bool", TEXT: "string"}
TRIED = 8  # rows at most that are tried for one into which a missing number may be put


@dataclass(frozen=True)
class _Field:
    """A column of the rows: its name, its values, and what the estimator tells of it."""

    name: str
    values: Values
    told: Sequence[Told]


def infer(X: Any, feature_names: Sequence[str] | None = None, estimator: Any = None) -> Schema:
    """Return the schema of sample rows, with float32 for numbers.

    X: [N, d] numbers, text or both; [N] texts or numbers; a scipy matrix; or a pandas or polars
    data frame, one input if all its columns are numbers (or booleans), else one a column; or what
    `as_fitted` made of any of them. feature_names: of the columns of an array. estimator: the
    fitted one; what it tells of missing values counts more than what the sample happens to hold.
    Whole numbers where it takes missing ones become floating-point ones. Raises InvalidInput for
    rows that are no table of numbers and text.
    """
    table = X if isinstance(X, Given) else Given(X)
    X = table.X
    known = {} if estimator is None else told(estimator, _names_in(X))
    if table.texts_from is not None:
        return Schema(TEXTS, (Spec("X", "string", 1, (table.texts_from,), KEPT),))
    if are_pairs(X):
        width = max(map(len, X))
        specs = Spec("name", "string", width, missing=KEPT), Spec("value", "float32", width)
        return Schema(PAIRS, specs)
    if hasattr(X, "tocsr"):
        _check_shape(X.shape)
        return Schema(SPARSE, (Spec("X", "float32", X.shape[1], _named(feature_names, X.shape)),))
    if is_frame(X):
        return _of_frame(table, known, estimator)
    array = as_array(X)
    _check_shape(array.shape)
    if array.ndim == 1:
        return _of_values(array)
    return _of_array(X, array, feature_names, known, estimator)


def _names_in(X: Any) -> list[str]:
    """Return the names of a data frame's columns."""
    return [name_of(label) for label in X.columns] if is_frame(X) else []


def _check_shape(shape: tuple[int, ...]) -> None:
    if 0 in shape or len(shape) not in (1, 2):
        raise InvalidInput(f"X has the shape {shape}; give at least one row, [N, features]")


def _named(names: Sequence[str] | None, shape: tuple[int, ...]) -> tuple[str, ...] | None:
    if names is not None and len(names) != shape[1]:
        raise InvalidInput(
            f"{len(names)} feature names are given for {shape[1]} columns; give one each"
        )
    return None if names is None else tuple(names)


def _of_values(array: np.ndarray) -> Schema:
    """Return the schema of one value a row."""
    values = read_column(array, "X")
    if values.kind in (INT, BOOL):
        return Schema(LABELS, (Spec("X", DTYPES[values.kind], 1),))
    if values.kind == TEXT:
        return Schema(TEXTS, (Spec("X", "string", 1, missing=KEPT),))
    return Schema(VECTOR, (Spec("X", "float32", 1),))  # IsotonicRegression; others refuse it


def _of_array(
    X: Any,
    array: np.ndarray,
    feature_names: Sequence[str] | None,
    known: Mapping[int, list[Told]],
    estimator: Any,
) -> Schema:
    columns = _named(feature_names, array.shape)
    if array.dtype.kind in "fiub":
        return Schema(ARRAY, (Spec("X", "float32", array.shape[1], columns),))
    names = columns or tuple(f"x{k}" for k in range(array.shape[1]))
    fields = [
        _Field(name, read_column(array[:, k], name), known.get(k, []))
        for k, name in enumerate(names)
    ]
    kinds = {_kind(f) for f in fields}
    if TEXT not in kinds:
        return Schema(ARRAY, (Spec("X", "float32", array.shape[1], columns),))
    if kinds == {TEXT}:
        mark = text_mark([f.values for f in fields], [t for f in fields for t in f.told], "X")
        spec = Spec("X", "string", array.shape[1], columns, mark, _words(fields))
        return Schema(ARRAY, (spec,))
    return Schema(OBJECTS, tuple(_spec(f, _kind(f)) for f in fields))


def _of_frame(table: Given, known: Mapping[int, list[Told]], estimator: Any) -> Schema:
    X, places = table.X, table.places
    fields = []
    for k, label in enumerate(X.columns):
        at = places[k] if places is not None else k
        name = name_of(label)
        fields.append(_Field(name, read_column(X[label], name), known.get(at, [])))
    closed = bool(categories_of(_last(estimator)))
    particular = [
        _column(f, label, X[label], closed) for f, label in zip(fields, X.columns, strict=True)
    ]
    columns = tuple(c for c in particular if c is not None)
    kinds = [_kind(f) for f in fields]
    if TEXT not in kinds and not any(whole_beyond(f.values) for f in fields):
        names = tuple(f.name for f in fields)
        return Schema(FRAME, (Spec("X", "float32", len(names), names),), columns, places)
    if estimator is not None:
        kinds = [
            FLOAT
            if _may_miss(kind, X[label])
            and not whole_beyond(f.values)  # float64 would merge them
            and _accepts_missing(estimator, X, label)
            else kind
            for f, kind, label in zip(fields, kinds, X.columns, strict=True)
        ]
    specs = tuple(_spec(f, kind) for f, kind in zip(fields, kinds, strict=True))
    return Schema(COLUMNS, specs, columns, places)


def _kind(f: _Field) -> str:
    """Return what a column holds; where all is missing, what the estimator tells."""
    empty = f.values.kind == TEXT and not any(isinstance(v, str) for v in f.values.array)
    empty = empty or (f.values.kind == FLOAT and bool(np.isnan(f.values.array).all()))
    if not empty or not f.told:
        return f.values.kind
    return {TEXT: TEXT, NUMBER: FLOAT}.get(kind_of(f.told) or "", f.values.kind)


def _spec(f: _Field, kind: str) -> Spec:
    if kind != TEXT:
        return Spec(f.name, DTYPES[kind], 1)
    mark, words = text_mark([f.values], f.told, f.name), _words([f])
    return Spec(f.name, "string", 1, missing=mark, words=words)


def _words(fields: Sequence[_Field]) -> tuple[str, ...] | None:
    """Return the words that pandas reads as missing and that are texts of these columns."""
    known = [words_of(f.told) for f in fields if f.told]
    if any(words is None for words in known):
        return None
    held = {v for f in fields for v in f.values.array if isinstance(v, str)} & NA_TEXTS
    return tuple(sorted(held.union(*(w for w in known if w is not None)) - {""}))


def _last(estimator: Any) -> Any:
    """Return a pipeline's last step: what reads categories that those before it pass on."""
    while hasattr(estimator, "steps"):
        estimator = estimator.steps[-1][1]
    return estimator


def _column(f: _Field, label: Any, column: Any, closed: bool) -> Column | None:
    """Return what is particular about a data frame's column, None where nothing is."""
    own = None if isinstance(label, str) else getattr(label, "item", lambda: label)()
    dtype: Any = getattr(column, "dtype", None)
    name = getattr(dtype, "name", "")
    if name == "category":
        values = tuple(getattr(v, "item", lambda v=v: v)() for v in dtype.categories)
        ordered = bool(dtype.ordered)
        return Column(f.name, own, CATEGORY, None, values, ordered, closed)
    if name == "object" and f.values.kind != TEXT:
        mark = next((m for m in ("none", "nan", "na") if m in f.values.marks), "nan")
        return Column(f.name, own, OBJECT, missing=mark)
    return None if own is None else Column(f.name, own)


def _may_miss(kind: str, column: Any) -> bool:
    """Tell whether numbers that are all there might have been missing.

    Whole numbers; flags only where the column's type has a missing value, as pandas' boolean.
    """
    nullable = not isinstance(getattr(column, "dtype", np.dtype(bool)), np.dtype)
    return kind == INT or (kind == BOOL and nullable)


def _accepts_missing(estimator: Any, X: Any, label: Any) -> bool:
    """Tell whether the estimator answers a row of X in which this number is missing."""
    if not hasattr(X, "iloc"):
        return False
    task = task_of(estimator)
    for k in range(min(TRIED, len(X))):
        row = X.iloc[[k]].copy()
        row[label] = np.nan
        try:
            reference_outputs(estimator, row, task)
        except Exception:  # any refusal, of this row or of all
            continue
        return True
    return False
