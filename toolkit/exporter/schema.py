"""What a model takes, read from sample rows: one matrix, or a column for each feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput, UnsupportedEstimator
from toolkit.exporter.graph import Graph, Matrix, Table, Value
from toolkit.frames import ARRAY, COLUMNS, FRAME, LABELS, TEXTS, VECTOR, to_frame

FLOATS = ("float32", "float64")


@dataclass(frozen=True)
class Spec:
    """One graph input: [N, width] of `dtype`; `columns` are the feature names where known.

    missing: how the estimator's data marks missing text, "none" or "nan"; scikit-learn's encoders
    take them for different categories. "kept" where no text is missing and "" is a text of its own;
    None where the column is no text.
    """

    name: str
    dtype: str
    width: int
    columns: tuple[str, ...] | None = None
    missing: str | None = None


@dataclass(frozen=True)
class Schema:
    """The inputs, and the form in which the estimator wants its rows.

    form: "array" (one matrix), "texts", "labels" and "vector" (one text, integer or number a row),
    "frame" (one matrix, a data frame for the estimator), "columns" (an input a column, a data
    frame for the estimator).
    """

    form: str
    inputs: tuple[Spec, ...]

    def with_floats(self, dtype: str) -> Schema:
        """Return the schema with floating-point inputs of this type."""
        specs = tuple(replace(s, dtype=dtype) if s.dtype in FLOATS else s for s in self.inputs)
        return Schema(self.form, specs)


def infer(X: Any, feature_names: Sequence[str] | None = None) -> Schema:
    """Return the schema of sample rows, with float32 for numbers.

    X: [N, d] numbers, or text throughout; [N] texts or numbers; or a pandas or polars data frame,
    one input if all its columns are numbers (or booleans), else one a column. feature_names: of
    the columns of an array. Raises InvalidInput for anything else, naming it, and
    UnsupportedEstimator for rows that are dictionaries or sets.
    """
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        return _infer_frame(X)
    _refuse_objects(X)
    array = _values(X)
    if not array.size or array.ndim not in (1, 2):
        raise InvalidInput(f"X has the shape {array.shape}; give at least one row, [N, features]")
    if array.ndim == 1 and array.dtype.kind in "iub":
        return Schema(LABELS, (Spec("X", "bool" if array.dtype.kind == "b" else "int64", 1),))
    if array.dtype.kind == "O" and _all_text(array):
        if array.ndim == 1:
            return Schema(TEXTS, (Spec("X", "string", 1, missing="kept"),))
        return Schema(ARRAY, (Spec("X", "string", array.shape[1], missing=_missing_text(array)),))
    if array.dtype.kind not in "fiub":
        raise InvalidInput(
            f"X is an array of {array.dtype}; give numbers, or a data frame for columns of text"
        )
    if array.ndim == 1:  # what IsotonicRegression takes; all others refuse it themselves
        return Schema(VECTOR, (Spec("X", "float32", 1),))
    columns = None if feature_names is None else tuple(feature_names)
    if columns is not None and len(columns) != array.shape[1]:
        raise InvalidInput(
            f"{len(columns)} feature names are given for {array.shape[1]} columns; give one each"
        )
    return Schema(ARRAY, (Spec("X", "float32", array.shape[1], columns),))


def _refuse_objects(X: Any) -> None:
    """Raise UnsupportedEstimator where rows are dictionaries or sets, which no tensor holds."""
    first = X[0] if isinstance(X, list | tuple) and len(X) else None
    if isinstance(first, dict | set | frozenset | bytes):
        raise UnsupportedEstimator(
            f"rows of type {type(first).__name__}: a graph takes tensors of numbers or text; give "
            "a data frame, and an estimator that takes it, such as OneHotEncoder"
        )


def _infer_frame(X: Any) -> Schema:
    names = [str(c) for c in X.columns]
    if not len(X) or not names:
        raise InvalidInput(f"X has the shape {tuple(X.shape)}; give at least one row and column")
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise InvalidInput(f"X has two columns named {twice!r}; give each its own name")
    kinds = [_column_dtype(X[c], str(c)) for c in X.columns]
    if all(kind != "string" for kind in kinds):
        return Schema(FRAME, (Spec("X", "float32", len(names), tuple(names)),))
    specs = [
        Spec(name, kind, 1, missing=_missing_text(X[column]) if kind == "string" else None)
        for column, name, kind in zip(X.columns, names, kinds, strict=True)
    ]
    return Schema(COLUMNS, tuple(specs))


def _missing_text(column: Any) -> str:
    values = _values(column).ravel()
    if any(isinstance(v, float) for v in values):
        return "nan"
    return "kept" if any(isinstance(v, str) and v == "" for v in values) else "none"


def _column_dtype(column: Any, name: str) -> str:
    values = _values(column)
    if values.dtype.kind == "f":
        return "float32"
    if values.dtype.kind in "iu":
        return "int64"
    if values.dtype.kind == "b":
        return "bool"
    for value in values:
        if not isinstance(value, str) and not _is_missing(value):
            raise InvalidInput(
                f"column {name!r} has the value {value!r} ({type(value).__name__}); a column holds "
                "numbers or text"
            )
    return "string"


def _values(column: Any) -> np.ndarray:
    """Return a data frame's column as numpy numbers, or as objects where it is text."""
    try:
        values = np.asarray(column)
    except ValueError:
        raise InvalidInput(_ragged(column)) from None
    if values.dtype.kind in "fiub":
        return values
    if values.dtype.kind in "MmcV":
        raise InvalidInput(f"a column of {values.dtype} is neither numbers nor text; convert it")
    return np.asarray(column if values.dtype.kind in "OUS" else list(column), dtype=object)


def _ragged(rows: Any) -> str:
    """Return what is wrong with rows that are no array, for a message."""
    lengths = [len(r) if hasattr(r, "__len__") else 1 for r in rows]
    other = next((i for i, n in enumerate(lengths) if n != lengths[0]), None)
    if other is None:
        return "X holds rows of several shapes; give [N, features]"
    return (
        f"X is ragged: row {other} has {lengths[other]} values and row 0 has {lengths[0]}; give "
        "each row as many"
    )


def _all_text(values: np.ndarray) -> bool:
    return all(isinstance(v, str) or _is_missing(v) for v in values.ravel())


def _is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ == "NAType" or bool(value != value)


def arrays(X: Any, schema: Schema) -> dict[str, np.ndarray]:
    """Return rows as a bundle keeps them: float64, int64, bool, or text with "" for missing.

    One array [N, width] an input, by its name.
    """
    if schema.form == COLUMNS:
        return {s.name: _kept(_values(X[s.name]), s.dtype) for s in schema.inputs}
    if schema.form == LABELS:
        return {schema.inputs[0].name: _kept(_values(X), schema.inputs[0].dtype)}
    if schema.inputs[0].dtype == "string":
        values = _values(X)
        columns = values.reshape(len(values), -1).T
        kept = np.concatenate([_kept(c, "string") for c in columns], axis=1)
        return {schema.inputs[0].name: kept}
    matrix = X.to_numpy() if hasattr(X, "to_numpy") else np.asarray(X)
    kept = np.ascontiguousarray(matrix, dtype=np.float64)
    return {schema.inputs[0].name: kept.reshape(-1, 1) if schema.form == VECTOR else kept}


def _kept(values: np.ndarray, dtype: str) -> np.ndarray:
    if dtype == "string":
        texts = np.array(["" if _is_missing(v) else str(v) for v in values], dtype=object)
        return texts.reshape(-1, 1)
    kinds = {"float32": np.float64, "float64": np.float64, "int64": np.int64, "bool": np.bool_}
    return np.ascontiguousarray(values, dtype=kinds[dtype]).reshape(-1, 1)


def frame(inputs: Mapping[str, np.ndarray], schema: Schema) -> Any:
    """Return kept rows in the form that the estimator wants; the reverse of `arrays`."""
    return to_frame(inputs, schema.form, [asdict(s) for s in schema.inputs])


def declare(schema: Schema, g: Graph) -> Value:
    """Return the graph's inputs as the value that the first converter gets.

    A wide graph casts float32 to float64 at once.
    """
    given = [Matrix(g.name(s.name), s.dtype, s.width) for s in schema.inputs]
    g.inputs |= {m.name: m for m in given}
    taken = [g.cast(m, "float64") if g.wide and m.dtype == "float32" else m for m in given]
    matrices = [(s.name, m) for s, m in zip(schema.inputs, taken, strict=True)]
    return Table(tuple(matrices)) if schema.form == COLUMNS else matrices[0][1]


def rounded(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return rows with every number rounded to float32 and held as float64."""
    with np.errstate(over="ignore"):
        return {
            n: a.astype(np.float32).astype(np.float64) if a.dtype.kind == "f" else a
            for n, a in inputs.items()
        }
