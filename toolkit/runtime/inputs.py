"""Turning what a caller has (arrays, columns, a data frame) into what a graph takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput, first_line
from toolkit.runtime.schema import ANY, FINITE, MISSING, Input, non_finite_of_columns

# Of numbers so large, sums of squares and cubes overflow in float32.
FAR = 2.0**33

# To have a column of a pandas frame costs as much as a hundred of its values (measured).
FEW_ROWS = 100


def prepare(X: Any, inputs: Sequence[Input]) -> dict[str, np.ndarray]:
    """Return one array an input, each [N, width], of the dtype that the graph takes.

    X: a 2-D array-like where the graph has one input ([N] where it has one column); else a mapping
    or data frame with a column for each input (further columns are passed over), or a 2-D
    array-like with the columns in the graph's order; or a list of mappings, a row each, or one such
    mapping of single values; or lists of (text, number) pairs. For a graph
    with one input a mapping or data frame may also hold its features: they are taken by name where
    the names are known, else in their order. None and NaN in a text column become the empty
    string, toolkit's missing value. Rows are counted from 0 in messages.
    Raises InvalidInput where the width, type, names or non-finite values do not fit.
    """
    if isinstance(X, list | tuple) and X and isinstance(X[0], Mapping):
        X = _columns_of(X)
    if isinstance(X, Mapping) or hasattr(X, "columns"):
        return _from_columns(X, inputs)
    if hasattr(X, "tocsr"):
        X = X.toarray()  # scipy's: a graph takes dense rows
    if len(inputs) == 1:
        return {inputs[0].name: _matrix(X, inputs[0])}
    if len(inputs) == 2 and are_pairs(X):
        parts = parted(X, inputs[0].width or 1)
        return {i.name: _matrix(part, i) for i, part in zip(inputs, parts, strict=True)}
    table = _objects(X)
    if table.ndim != 2 or table.shape[1] != len(inputs):
        raise InvalidInput(
            f"X has the shape {table.shape}, the model takes [N, {len(inputs)}]: "
            f"{listed([i.name for i in inputs])}"
        )
    return {i.name: _matrix(table[:, [k]], i) for k, i in enumerate(inputs)}


def _columns_of(rows: Sequence[Mapping[Any, Any]]) -> dict[Any, list[Any]]:
    """Return the columns of records; each has those of the first, at least."""
    for k, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise InvalidInput(f"row {k} is {row!r:.40}, no mapping by column as row 0 is")
        lacking = next((name for name in rows[0] if name not in row), None)
        if lacking is not None:
            raise InvalidInput(f"row {k} lacks the column {lacking!r}, which row 0 has")
    return {name: [row[name] for row in rows] for name in rows[0]}


def are_pairs(X: Any) -> bool:
    """Tell whether rows are lists of (text, number) pairs, as feature hashing takes them."""
    if not isinstance(X, list | tuple) or not all(isinstance(row, list | tuple) for row in X[:1]):
        return False
    return any(X) and all(isinstance(row, list | tuple) and all(map(_is_pair, row)) for row in X)


def _is_pair(value: Any) -> bool:
    two = isinstance(value, list | tuple) and len(value) == 2
    return two and isinstance(value[0], str) and isinstance(value[1], int | float | np.number)


def parted(X: Sequence[Sequence[Any]], width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the texts and the numbers of rows of pairs, each [N, width].

    Shorter rows end in ("", 0.0), which counts nothing. InvalidInput where a row is longer.
    """
    names = np.full((len(X), width), "", dtype=object)
    values = np.zeros((len(X), width))
    for k, row in enumerate(X):
        if len(row) > width:
            raise InvalidInput(f"row {k} has {len(row)} pairs, the model takes {width} at most")
        for j, (name, value) in enumerate(row):
            names[k, j], values[k, j] = name, value
    return names, values


def surely_taken(rows: np.ndarray, non_finite: str) -> bool:
    """Tell whether every value is one that an input takes; False where `prepare` has to look."""
    if non_finite == ANY or rows.dtype.kind != "f":
        return True
    if non_finite == MISSING:
        return 1 not in np.isinf(rows).tobytes()  # for few values a third of the time of any()
    return 0 not in np.isfinite(rows).tobytes()


def is_near(rows: np.ndarray) -> bool:
    """Tell whether no number is FAR; missing ones are not."""
    if rows.dtype.char not in "fd" or np.vdot(rows, rows) < FAR * FAR:  # nearly always, in one pass
        return True
    return 1 not in (np.abs(rows) >= FAR).tobytes()


def surely_near(rows: np.ndarray, non_finite: str) -> bool:
    """Tell whether every value is taken and none is FAR; False where somebody has to look."""
    if rows.dtype.char in "fd" and np.vdot(rows, rows) < FAR * FAR:
        return True
    return surely_taken(rows, non_finite) and is_near(rows)


def listed(names: Sequence[str]) -> str:
    """Return names for a message, the first twenty of them."""
    return ", ".join(names[:20]) + (" …" if len(names) > 20 else "")


def name_of(label: Any) -> str:
    """Return a column's name: its label, or the labels of a MultiIndex' levels with "_" between."""
    return "_".join(map(str, label)) if isinstance(label, tuple) else str(label)


def _from_columns(X: Any, inputs: Sequence[Input]) -> dict[str, np.ndarray]:
    # A data frame may number its columns; the manifest keeps their names as text.
    labels = {name_of(label): label for label in (X if isinstance(X, Mapping) else X.columns)}
    if not isinstance(X, Mapping) and _is_small(X, labels):
        X = dict(zip(labels.values(), X.to_numpy(dtype=object).T, strict=True))
    if len(inputs) == 1:
        only = inputs[0]
        known = only.columns is not None and set(only.columns) <= labels.keys()
        if known or only.name not in labels:
            names = list(labels if only.columns is None else only.columns)
            return {only.name: _matrix(_joined(X, labels, names, only), only)}
    _require(labels, [i.name for i in inputs])
    return {i.name: _matrix(_column(X[labels[i.name]], i), i) for i in inputs}


def _is_small(X: Any, labels: Mapping[str, Any]) -> bool:
    """Tell whether a pandas frame's values are faster had as objects than column by column."""
    pandas = type(X).__module__.partition(".")[0] == "pandas"
    return pandas and len(X) <= FEW_ROWS and len(labels) == X.shape[1]


def _require(labels: Mapping[str, Any], wanted: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in labels]
    if missing:
        raise InvalidInput(f"X lacks the column {missing[0]!r}; the model takes {listed(wanted)}")


def _joined(X: Any, labels: Mapping[str, Any], names: list[str], spec: Input) -> np.ndarray:
    """Return single columns as one matrix; each is checked under its own name."""
    _require(labels, names)
    if not names:
        raise InvalidInput(f"X has no columns; the model takes {spec.name}")
    parts = []
    for name in names:
        single = spec._replace(name=name, width=1, columns=None)
        parts.append(_matrix(_column(X[labels[name]], single), single))
    lengths = {name: len(part) for name, part in zip(names, parts, strict=True)}
    if len(set(lengths.values())) > 1:
        raise InvalidInput(f"the columns of X differ in their number of rows: {lengths}")
    return np.concatenate(parts, axis=1)


def _column(values: Any, spec: Input) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=object if spec.dtype == "string" else None)
    except ValueError as error:
        raise InvalidInput(
            f"{spec.name} is no column of single values; {first_line(error)}"
        ) from None
    return array.reshape(-1, 1) if array.ndim < 2 else array


def _matrix(X: Any, spec: Input) -> np.ndarray:
    array = _text(X, spec) if spec.dtype == "string" else _numbers(X, spec)
    if array.ndim == 1 and spec.width == 1:  # one value a row
        array = array.reshape(-1, 1)
    if array.ndim != 2:
        raise InvalidInput(
            f"{spec.name} has the shape {np.shape(X)}, the model takes two dimensions, "
            f"[N, {spec.width or 'features'}]; a single row is written [[…]]"
        )
    if spec.width is not None and array.shape[1] != spec.width:
        raise InvalidInput(
            f"{spec.name} has {array.shape[1]} columns, the model takes {spec.width}"
            + (f": {listed(spec.columns)}" if spec.columns else "")
        )
    if spec.dtype == "string":
        none = [t == FINITE for t in non_finite_of_columns(spec.non_finite, array.shape[1])]
        if any(none) and (array[:, none] == "").any():
            row = int(np.argwhere(array[:, none] == "")[0][0])
            raise InvalidInput(
                f"{spec.name} has a missing value in row {row}, the model takes none"
            )
    elif array.dtype.kind == "f" and spec.non_finite != ANY:
        _refuse_non_finite(array, spec)
    return array


def _numbers(X: Any, spec: Input) -> np.ndarray:
    wanted = spec.numpy_dtype
    if isinstance(X, np.ndarray) and X.dtype == wanted:
        return np.ascontiguousarray(X)
    try:
        source = np.asarray(X)
        if source.dtype == object:
            source = _unboxed(source)
        if source.dtype.kind not in "fiub":
            raise TypeError(f"these are of type {source.dtype}")
        with np.errstate(over="ignore", invalid="ignore"):
            array = np.ascontiguousarray(source, dtype=wanted)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput(f"{spec.name} takes numbers ({wanted}); {first_line(error)}") from None
    _refuse_changed(array, source, spec)
    return array


def _unboxed(objects: np.ndarray) -> np.ndarray:
    """Return Python objects as numbers, None and pandas' NA as NaN; TypeError for anything else."""
    values = objects.ravel().tolist()
    if set(map(type, values)) == {float}:  # what most are, at a tenth of the time
        return np.array(values).reshape(objects.shape)
    flat = [np.nan if _is_missing(value) else value for value in values]
    for value in flat:
        # numpy would make numbers of them: of "1.5" and "nan" too, and of days since 1970.
        if isinstance(value, str | bytes | np.datetime64 | np.timedelta64):
            raise TypeError(f"{value!r} is no number")
    if all(isinstance(value, int | np.integer) for value in flat) and flat:
        return np.array(flat).reshape(objects.shape)  # whole: float64 would round beyond 2**53
    return np.array(flat, dtype=np.float64).reshape(objects.shape)


def _refuse_changed(array: np.ndarray, source: np.ndarray, spec: Input) -> None:
    """Raise InvalidInput where the cast made an infinity, or changed a whole number."""
    if array.dtype.kind == "f":
        wrong = (
            np.isinf(array) & np.isfinite(source) if source.dtype.kind == "f" else np.array(False)
        )
        what = "exceeds its range"
    else:
        wrong, what = np.asarray(array != source), "cannot be that"
    if wrong.any():
        at = tuple(np.argwhere(wrong)[0])
        raise InvalidInput(
            f"{spec.name} takes {array.dtype}; the value {source[at]} in row {at[0]} {what}"
        )


def _refuse_non_finite(array: np.ndarray, spec: Input) -> None:
    if np.isfinite(array).all():
        return
    non_finite = non_finite_of_columns(spec.non_finite, array.shape[1])
    finite, numbers = (
        np.array([t in kinds for t in non_finite]) for kinds in ((FINITE,), (FINITE, MISSING))
    )
    bad = (np.isnan(array) & finite) | (np.isinf(array) & numbers)
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        name = dict(enumerate(spec.columns or ())).get(column, column)
        raise InvalidInput(
            f"{spec.name} has {array[row, column]} in row {row}, column {name}, the model takes "
            + ("finite numbers only" if non_finite[column] == FINITE else "numbers and NaN only")
            + ("" if spec.non_finite in (FINITE, MISSING) else " there")
        )


def _objects(X: Any) -> np.ndarray:
    try:
        return np.asarray(X, dtype=object)
    except ValueError as error:
        raise InvalidInput(f"X is no table of rows; {first_line(error)}") from None


def _text(X: Any, spec: Input) -> np.ndarray:
    array = _objects(X)
    # Nearly all of them are text itself, and a call for each would take three times as long.
    values = array.ravel().tolist()
    flat = [v if type(v) is str else _as_text(v, spec) for v in values]
    out = np.empty(len(flat), dtype=object)
    out[:] = flat
    return out.reshape(array.shape)


def _as_text(value: Any, spec: Input) -> str:
    if isinstance(value, str):
        return str(value)
    if _is_missing(value):
        return ""
    raise InvalidInput(f"the text column {spec.name} has the value {value!r}, no text; quote it")


def _is_missing(value: Any) -> bool:
    # pandas' NA is known by its type's name, since pandas may be absent; it has no truth value.
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))
