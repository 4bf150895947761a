"""A user's own rows: .npz, .csv or .parquet, checked before anything is computed from them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput, install
from toolkit.runtime.files import read_bytes
from toolkit.runtime.npz import read_npz
from toolkit.runtime.rows.csv_rows import read_csv
from toolkit.trainer.datasets.columns import as_texts, parse_fields, plain_column

# From the names of a table's feature columns to those that are text, each with the words that
# pandas reads as missing and are texts there; None for all of them.
Texts = Callable[[list[str]], Mapping[str, Collection[str] | None]]


def read_data(
    path: Path, target: str | None, texts: Texts | None = None
) -> tuple[Any, np.ndarray | None, tuple[str, ...]]:
    """Return the rows X, the targets y and the names of the features in the file `path`.

    - `.npz`: X is the array `X` [N, d] of numbers or booleans, y the array `y` ([N] or [N, k]) or
      None where there is none; the features are called x0, x1, … as scikit-learn does.
    - `.csv`, `.parquet`: X is a DataFrame of numbers, booleans and strings (NaN where missing),
      without the column `target`, which is y [N]; y is None without `target`. A column without a
      name is called "Unnamed: " and its place, as pandas does.

    texts: which of the features' columns are text, by their names, whatever a CSV file's fields
    look like: 00123 may be a code, and NA a missing value or a country.
    X and y have N ≥ 1 rows, X at least one column; X may hold NaN; no target is missing or
    infinite, and strings in y are numpy's (dtype U). Raises InvalidInput, one line that names the
    file, the offender and the remedy.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(_READERS)
        raise InvalidInput(f"{path}: unknown ending {path.suffix!r}; give one of {known}")
    X, y, names = reader(path, target, texts)
    if 0 in X.shape:
        raise InvalidInput(
            f"{path}: X has shape {X.shape}; give at least one row and one feature column"
        )
    if y is not None:
        _check_target(path, len(X), y)
        if y.dtype == object:
            y = y.astype(str)  # numpy's own strings: written and read without pickle
    return X, y, names


def _from_npz(
    path: Path, target: str | None, _texts: Texts | None
) -> tuple[Any, np.ndarray | None, tuple[str, ...]]:
    if target not in (None, "y"):
        raise InvalidInput(
            f"{path}: target {target!r} names a column, and an .npz has none; "
            "store the targets as the array 'y' and name no target"
        )
    arrays = read_npz(read_bytes(path), str(path))
    for name in ("X", target):
        if name is not None and name not in arrays:
            raise InvalidInput(
                f"{path}: no array {name!r}; it has {_listed(arrays)}; save it with "
                "numpy.savez(file, X=rows, y=targets)"
            )
    X, y = arrays["X"], arrays.get("y")
    if X.ndim != 2:
        raise InvalidInput(f"{path}: X has shape {X.shape}; give two dimensions, [rows, features]")
    if X.dtype.kind not in "biuf":
        raise InvalidInput(
            f"{path}: X is of type {X.dtype}; give numbers, or use .csv or .parquet for strings"
        )
    return X, y, tuple(f"x{column}" for column in range(X.shape[1]))


def _from_csv(
    path: Path, target: str | None, texts: Texts | None
) -> tuple[Any, np.ndarray | None, tuple[str, ...]]:
    names, *rows = read_csv(read_bytes(path), str(path))
    if not rows:
        raise InvalidInput(f"{path}: has a header but no rows; give at least one row")
    names = [name or f"Unnamed: {place}" for place, name in enumerate(names)]
    _check_names(path, names)
    known = {} if texts is None else texts([name for name in names if name != target])
    columns = {
        name: as_texts(fields, known[name]) if name in known else parse_fields(fields)
        for name, fields in zip(names, zip(*rows, strict=True), strict=True)
    }
    return _table(path, columns, target)


def _from_parquet(
    path: Path, target: str | None, _texts: Texts | None
) -> tuple[Any, np.ndarray | None, tuple[str, ...]]:
    content = read_bytes(path)  # first: a missing file is told before a missing package
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InvalidInput(
            f"{path}: reading .parquet needs pyarrow; {install('parquet')}"
        ) from None
    try:
        table = pyarrow.parquet.read_table(pyarrow.BufferReader(content))
        _check_names(path, table.column_names)
        frame = table.to_pandas()  # a saved index comes back as the index: it is no feature
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise InvalidInput(f"{path}: damaged or not parquet ({reason}); write it again") from None
    columns = {}
    for name in frame:
        values = plain_column(frame[name])
        # Who uses the column says whether it is one: dates may be dropped, flags be missing.
        columns[str(name)] = frame[name].to_numpy(dtype=object) if values is None else values
    return _table(path, columns, target)


def _check_names(path: Path, names: list[str]) -> None:
    before: set[str] = set()
    for position, name in enumerate(names):
        if not name:
            raise InvalidInput(f"{path}: column {position + 1} has no name; name it")
        if name in before:
            raise InvalidInput(f"{path}: the column {name!r} is there twice; rename one of the two")
        before.add(name)


def _table(
    path: Path, columns: dict[str, np.ndarray], target: str | None
) -> tuple[Any, np.ndarray | None, tuple[str, ...]]:
    """Split the columns into a DataFrame and the target."""
    try:
        import pandas as pd
    except ImportError:
        raise InvalidInput(
            f"{path}: reading a table needs pandas; {install('export')}, or give an .npz"
        ) from None
    if target is not None and target not in columns:
        near = difflib.get_close_matches(target, columns, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise InvalidInput(f"{path}: no column {target!r}; {hint}it has {_listed(columns)}")
    rows = len(next(iter(columns.values()), ()))
    y = None if target is None else columns.pop(target)
    # The dtype is given: pandas 3 would turn strings into its own type.
    series = {name: pd.Series(values, dtype=values.dtype) for name, values in columns.items()}
    return pd.DataFrame(series, index=range(rows)), y, tuple(columns)


def _check_target(path: Path, rows: int, y: np.ndarray) -> None:
    if y.ndim not in (1, 2) or len(y) != rows:
        raise InvalidInput(
            f"{path}: y has shape {y.shape} and X has {rows} rows; give one target a row"
        )
    if y.dtype.kind == "f":
        wrong = ~np.isfinite(y)
    elif y.dtype == object:
        wrong = np.array([not isinstance(value, str) for value in y])
    elif y.dtype.kind in "biuU":
        return
    else:
        raise InvalidInput(f"{path}: the targets are of type {y.dtype}; give numbers or strings")
    if wrong.any():
        at = tuple(np.argwhere(wrong)[0])
        value = "missing" if y.dtype == object or np.isnan(y[at]) else str(y[at])
        raise InvalidInput(
            f"{path}: the target of data row {at[0] + 1} is {value}; "
            "give every row a finite target, or leave the row out"
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none"


_READERS = {".npz": _from_npz, ".csv": _from_csv, ".parquet": _from_parquet}
