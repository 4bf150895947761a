"""Rows as somebody has them, brought into the form that the estimator was fitted on.

Its own columns, in its own order, of its own types; what it never saw is left out, and said.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput, ToolkitWarning, UnsupportedEstimator
from toolkit.exporter.booster_categories import categories_of
from toolkit.exporter.schema.told import as_spelt, columns_of, kind_of, names_of, takes_texts, told
from toolkit.exporter.schema.values import NUMBER, NoColumn, as_array, read_column
from toolkit.exporter.tasks import reference, task_of
from toolkit.runtime.fields import is_missing, is_number
from toolkit.runtime.inputs import name_of

INDEX = "Unnamed: "  # what pandas calls a column without a name, such as an index that was written
TEXTS = ("object", "str", "string")  # pandas' types that hold texts
TRIED = 20  # rows on which a column is shown to matter to nothing


@dataclass(frozen=True)
class Given:
    """X in the estimator's form; places: which of its columns these are, None where they are all.

    texts_from: the name of the column that the texts were in, where they are no table any more.
    """

    X: Any
    places: tuple[int, ...] | None = None
    texts_from: str | None = None


def as_fitted(estimator: Any, X: Any) -> Given:
    """Return rows in the form that the estimator was fitted on.

    - A data frame for one that was fitted on a data frame: its columns by name, in its order.
      Others are left out with a warning (ToolkitWarning). So are columns that hold neither numbers
      nor text, or are not there, where the estimator answers alike without them.
    - The single column of a data frame for a vectorizer, which takes texts.
    - pandas' categories for a booster that was fitted on them.
    - Anything else as it is.

    Raises InvalidInput, naming the columns, where there are too many or too few.
    """
    if hasattr(X, "tocsr"):
        return Given(X)
    if isinstance(X, Mapping):
        raise InvalidInput(
            f"X is a {type(X).__name__}; give a data frame (pandas.DataFrame(X)) or an array"
        )
    _refuse_objects(X)
    if is_frame(X):
        _check_labels(X)
    names = names_of(estimator)
    if names is not None and not is_frame(X):
        X = _as_frame(X, names)
    if not is_frame(X):
        return Given(_as_numbers(estimator, X))
    if takes_texts(estimator):
        return _texts(estimator, X)
    if names is None:
        own = _categorical(estimator, _of_width(estimator, X))
        return Given(_numbers_in(estimator, own))
    given = _named(estimator, X, names)
    return replace(given, X=_numbers_in(estimator, given.X, given.places))


def is_frame(X: Any) -> bool:
    """Tell whether rows are a pandas or polars data frame."""
    return hasattr(X, "columns") and hasattr(X, "dtypes")


def _check_labels(X: Any) -> None:
    names = [name_of(label) for label in X.columns]
    if not len(X) or not names:
        raise InvalidInput(f"X has the shape {tuple(X.shape)}; give at least one row and column")
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise InvalidInput(f"X has two columns named {twice!r}; give each its own name")


def _refuse_objects(X: Any) -> None:
    """Raise UnsupportedEstimator where rows are dictionaries or sets, which no tensor holds."""
    first = X[0] if isinstance(X, list | tuple) and len(X) else None
    if isinstance(first, dict | set | frozenset | bytes):
        raise UnsupportedEstimator(
            f"rows of type {type(first).__name__}: a graph takes tensors of numbers or text; give "
            "a data frame, and an estimator that takes it, such as OneHotEncoder"
        )


def _as_frame(X: Any, names: Sequence[str]) -> Any:
    """Return the rows of an array as a data frame with the fitted names, where they fit."""
    import pandas

    array = as_array(X)
    if array.ndim != 2 or array.shape[1] != len(names):
        return X
    frame = pandas.DataFrame(array, columns=list(names))
    return frame.infer_objects() if array.dtype == object else frame


def _as_numbers(estimator: Any, X: Any) -> Any:
    """Return an array of texts that all stand for numbers as these, where no step takes text."""
    array = as_array(X) if isinstance(X, list | tuple | np.ndarray) else np.zeros(0)
    if array.ndim != 2 or array.dtype.kind not in "OU":
        return X
    records = told(estimator)
    takes = {kind_of(records.get(k, ())) for k in range(array.shape[1])}
    texts = all(isinstance(v, str) for v in array.ravel().tolist())
    return _floats(array) if takes == {NUMBER} and texts and _are_digits(array) else X


def _numbers_in(estimator: Any, X: Any, places: Sequence[int] | None = None) -> Any:
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
        if takes == NUMBER and len(texts) and all(isinstance(v, str) for v in texts):
            if _are_digits(texts):
                own, changed = pandas.to_numeric(own, errors="coerce"), True
        columns[label] = own
    return _without_none(estimator, pandas.DataFrame(columns, index=X.index) if changed else X)


def _without_none(estimator: Any, X: Any) -> Any:
    """Return a frame with NaN for None among numbers: a graph has one missing number.

    Raises InvalidInput where the estimator tells the two apart.
    """
    found = {}
    for k, label in enumerate(X.columns):
        values = X.iloc[:, k].to_numpy() if X.dtypes.iloc[k].name == "object" else np.zeros(0)
        nones = [v is None for v in values]
        if any(nones) and not any(isinstance(v, str) for v in values):
            found[label] = X.iloc[:, k].mask(nones, np.nan)
    if not found:
        return X
    changed = X.copy()
    for label, column in found.items():
        changed[label] = column.astype(object)
    if not _alike(estimator, X, changed, compared=True, rows=len(X)):
        raise InvalidInput(
            f"column {name_of(next(iter(found)))!r} holds None among numbers, which the estimator "
            "does not take for missing as it does NaN, and a graph has one missing number; replace "
            "None by NaN and fit again"
        )
    return changed


def _are_digits(texts: Any) -> bool:
    return all(is_number(v) or is_missing(v) for v in np.ravel(np.asarray(texts, dtype=object)))


def _floats(texts: np.ndarray) -> np.ndarray:
    flat = [float(v) if is_number(v) else np.nan for v in texts.ravel().tolist()]
    return np.array(flat).reshape(texts.shape)


def _texts(estimator: Any, X: Any) -> Given:
    labels = [label for label in X.columns if not str(label).startswith(INDEX)]
    if len(labels) != 1:
        raise InvalidInput(
            f"{type(estimator).__name__} takes one column of texts, and the data has "
            f"{_listed(X.columns)}; name the target's column (--target), and give no other"
        )
    return Given(X[labels[0]], texts_from=name_of(labels[0]))


def _of_width(estimator: Any, X: Any) -> Any:
    """Return the columns for an estimator that knows no names, without one of row numbers."""
    width = columns_of(estimator)
    if width is None or X.shape[1] == width:
        return X
    indexes = [label for label in X.columns if str(label).startswith(INDEX)]
    if len(indexes) == 1 and X.shape[1] == width + 1:
        _warn(f"column {str(indexes[0])!r} has no name of its own, as row numbers that were "
              "written to a file; it is left out")  # fmt: skip
        return X[[label for label in X.columns if label not in indexes]]
    raise InvalidInput(
        f"{type(estimator).__name__} was fitted on {width} columns, and the data has "
        f"{_listed(X.columns)}; name the target's column (--target), and give no other"
    )


def _named(estimator: Any, X: Any, names: Sequence[str]) -> Given:
    """Return the columns that the estimator was fitted on, but for those that it does not need."""
    labels = {name_of(label): label for label in X.columns}
    names = as_spelt(names, list(labels))
    strange = [name for name in labels if name not in names]
    if strange:
        _warn(
            f"{_listed(strange)} {'is' if len(strange) == 1 else 'are'} not among the columns that "
            f"{type(estimator).__name__} was fitted on, and left out; a target is named by --target"
        )
    absent = [name for name in names if name not in labels]
    at_hand = [name for name in names if name in labels]
    if not at_hand:
        raise InvalidInput(
            f"X lacks the column {absent[0]!r}; {type(estimator).__name__} was fitted on "
            f"{_listed(names)}"
        )
    whole = _categorical(estimator, X[[labels[name] for name in at_hand]])
    unread = _unread(whole)
    if not absent and not unread:
        return Given(whole)
    kept, less = at_hand, whole
    for name, error in unread.items():  # one by one, so that the one that is used is named
        left = [other for other in kept if other != name]
        fewer = whole[[labels[other] for other in left]]
        if not left or not _alike(estimator, less, fewer, compared=not absent):
            raise error
        kept, less = left, fewer
        _warn(f"{str(error).partition(';')[0]}; the estimator does not use it, and it is left out")
    if absent and not _alike(estimator, less, less, compared=False):
        raise InvalidInput(
            f"X lacks the column {absent[0]!r}; {type(estimator).__name__} was fitted on "
            f"{_listed(names)}"
        )
    for name in absent:
        _warn(f"column {name!r} is not in the data; the estimator does not use it")
    return Given(less, places=tuple(names.index(name) for name in kept))


def _unread(X: Any) -> dict[str, NoColumn]:
    """Return the columns that hold neither numbers nor text, and what is said of them."""
    found = {}
    for label in X.columns:
        try:
            read_column(X[label], name_of(label))
        except NoColumn as error:
            found[name_of(label)] = error
    return found


def _alike(estimator: Any, whole: Any, less: Any, compared: bool, rows: int = TRIED) -> bool:
    """Tell whether the estimator answers changed rows, and as it does those that they were."""
    task = task_of(estimator)
    try:
        without = reference(estimator, less.head(rows), task)
        wanted = reference(estimator, whole.head(rows), task) if compared else without
    except Exception:  # whatever it raises, it needs them
        return False
    return all(
        np.array_equal(without[n], a, equal_nan=a.dtype.kind == "f") for n, a in wanted.items()
    )


def _categorical(estimator: Any, X: Any) -> Any:
    """Return the frame with pandas' categories in the columns where the estimator knows them."""
    known = categories_of(estimator)
    if not known or not hasattr(X, "iloc"):
        return X
    import pandas

    found = {
        k: pandas.Categorical(X.iloc[:, k], categories=pandas.Index(list(known[k])))
        for k in known
        if not isinstance(X.dtypes.iloc[k], pandas.CategoricalDtype)
    }
    if not found:
        return X
    columns = {label: found.get(k, X.iloc[:, k]) for k, label in enumerate(X.columns)}
    return pandas.DataFrame(columns, index=X.index)


def _warn(message: str) -> None:
    warnings.warn(message, ToolkitWarning, stacklevel=2)


def _listed(labels: Sequence[Any]) -> str:
    names = [repr(name_of(label)) for label in labels]
    return ", ".join(names[:20]) + (" …" if len(names) > 20 else "")
