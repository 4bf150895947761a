"""Turning what a caller has (arrays, columns, a data frame) into what a graph takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput
from toolkit.runtime.schema import ANY, FINITE, Input


def prepare(X: Any, inputs: Sequence[Input]) -> dict[str, np.ndarray]:
    """Return one array an input, each [N, width], of the dtype that the graph takes.

    X: a 2-D array-like where the graph has one input; else a mapping or data frame with a column
    for each input (further columns are passed over), or a 2-D array-like with the columns in the
    graph's order. None and NaN in a text column become the empty string, toolkit's missing value.
    Raises InvalidInput where the width, type, names or non-finite values do not fit.
    """
    if isinstance(X, Mapping) or hasattr(X, "columns"):
        return _from_columns(X, inputs)
    if len(inputs) == 1:
        return {inputs[0].name: _matrix(X, inputs[0])}
    table = np.asarray(X, dtype=object)
    if table.ndim != 2 or table.shape[1] != len(inputs):
        raise InvalidInput(
            f"X has the shape {table.shape}, the model takes [N, {len(inputs)}]: "
            f"{_listed([i.name for i in inputs])}"
        )
    return {i.name: _matrix(table[:, [k]], i) for k, i in enumerate(inputs)}


def _from_columns(X: Any, inputs: Sequence[Input]) -> dict[str, np.ndarray]:
    names = list(X) if isinstance(X, Mapping) else list(X.columns)
    if len(inputs) == 1 and inputs[0].name not in names:
        return {inputs[0].name: _matrix(_stack(X, names, inputs[0]), inputs[0])}
    missing = [i.name for i in inputs if i.name not in names]
    if missing:
        raise InvalidInput(
            f"X lacks the column {missing[0]!r}; the model takes {_listed([i.name for i in inputs])}"
        )
    return {i.name: _matrix(_column(X[i.name], i), i) for i in inputs}


def _column(values: Any, spec: Input) -> Any:
    array = np.asarray(values, dtype=object if spec.dtype == "string" else None)
    return array.reshape(-1, 1) if array.ndim == 1 else array


def _stack(X: Any, names: list, spec: Input) -> Any:
    """Join columns into one matrix, by name where the names are known, else in their order."""
    if spec.columns is not None:
        missing = [c for c in spec.columns if c not in names]
        if missing:
            raise InvalidInput(
                f"X lacks the column {missing[0]!r}; the model takes {_listed(spec.columns)}"
            )
        names = list(spec.columns)
    return np.column_stack([np.asarray(X[name]) for name in names])


def _matrix(X: Any, spec: Input) -> np.ndarray:
    array = _text(X) if spec.dtype == "string" else _numbers(X, spec)
    if array.ndim != 2:
        raise InvalidInput(
            f"{spec.name} has the shape {array.shape}, the model takes two dimensions, "
            f"[N, {spec.width}]; a single row is written [[…]]"
        )
    if spec.width is not None and array.shape[1] != spec.width:
        raise InvalidInput(
            f"{spec.name} has {array.shape[1]} columns, the model takes {spec.width}"
            + (f": {_listed(spec.columns)}" if spec.columns else "")
        )
    if spec.takes == FINITE and spec.dtype == "string" and (array == "").any():
        row = int(np.argwhere(array == "")[0][0])
        raise InvalidInput(f"{spec.name} has a missing value in row {row}, the model takes none")
    return array


def _numbers(X: Any, spec: Input) -> np.ndarray:
    wanted = spec.numpy_dtype
    if isinstance(X, np.ndarray) and X.dtype == wanted:
        array = np.ascontiguousarray(X)
    else:
        array = _cast(X, wanted, spec)
    if wanted.kind == "f" and spec.takes != ANY:
        _refuse_non_finite(array, spec)
    return array


def _cast(X: Any, wanted: np.dtype, spec: Input) -> np.ndarray:
    try:
        source = np.asarray(X)
        if source.dtype == object:  # None is the missing number, as in a data frame
            source = np.where(source == None, np.nan, source)  # noqa: E711
            source = source.astype(np.float64)
        if source.dtype.kind not in "fiub":
            raise TypeError(f"values of type {source.dtype}")
        with np.errstate(over="ignore", invalid="ignore"):
            array = np.ascontiguousarray(source, dtype=wanted)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{spec.name} takes numbers ({wanted}); {_first_line(error)}") from None
    if wanted.kind in "iub" and not np.array_equal(array, source):
        at = tuple(np.argwhere(array != source)[0])
        raise InvalidInput(
            f"{spec.name} takes {wanted}; the value {source[at]} in row {at[0]} cannot be that"
        )
    if wanted.kind == "f" and source.dtype.kind == "f":
        grown = np.isinf(array) & np.isfinite(source)
        if grown.any():
            at = tuple(np.argwhere(grown)[0])
            raise InvalidInput(
                f"{spec.name} takes {wanted}; the value {source[at]} in row {at[0]} exceeds its range"
            )
    return array


def _refuse_non_finite(array: np.ndarray, spec: Input) -> None:
    # The sum is NaN or infinite wherever an element is: one cheap pass for the common case.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(array.sum()):
            return
    bad = ~np.isfinite(array) if spec.takes == FINITE else np.isinf(array)
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        column = at[1] if len(at) > 1 else 0
        name = spec.columns[column] if spec.columns and column < len(spec.columns) else column
        raise InvalidInput(
            f"{spec.name} has {array[at]} in row {at[0]}, column {name}, the model takes "
            + ("finite numbers only" if spec.takes == FINITE else "numbers and NaN only")
        )


def _text(X: Any) -> np.ndarray:
    array = np.asarray(X, dtype=object)
    flat = [_as_text(value) for value in array.ravel()]
    out = np.empty(len(flat), dtype=object)
    out[:] = flat
    return out.reshape(array.shape)


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or value != value or type(value).__name__ == "NAType":
        return ""
    raise InvalidInput(f"a text column has the value {value!r}, which is no text; quote it")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (" …" if len(names) > 20 else "")


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
