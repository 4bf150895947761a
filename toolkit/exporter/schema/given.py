"""Rows as somebody has them, brought into the form that the estimator was fitted on.

Its own columns, in its own order, of its own types; what it never saw is left out, and said.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from toolkit.errors import InvalidInput, ToolkitWarning, UnsupportedEstimator
from toolkit.exporter.booster_categories import categories_of
from toolkit.exporter.schema.numbers_of import TEXTS, alike, as_numbers, numbers_in
from toolkit.exporter.schema.told import (
    accepts_texts,
    as_spelt,
    columns_of,
    dropped_by,
    names_of,
)
from toolkit.exporter.schema.values import NoColumn, as_array, read_column
from toolkit.runtime.inputs import name_of

INDEX = "Unnamed: "  # what pandas calls a column without a name, such as an index that was written


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
        return Given(as_numbers(estimator, X))
    if accepts_texts(estimator):
        return _texts(estimator, X)
    if names is None:
        own = _categorical(estimator, _of_width(estimator, X))
        return Given(numbers_in(estimator, own))
    table = _named(estimator, X, names)
    return replace(table, X=numbers_in(estimator, table.X, table.places))


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
    needless: dict[str, str | NoColumn] = dict(unread)
    if unread or any(getattr(d, "name", "") in (*TEXTS, "category") for d in whole.dtypes):
        # An input a column: none is asked for that is dropped.
        dropped = (names[k] for k in dropped_by(estimator))
        needless |= {
            n: f"column {n!r} is dropped" for n in dropped if n in at_hand and n not in unread
        }
    if not absent and not needless:
        return Given(whole)
    columns, less = at_hand, whole
    for name, what in needless.items():  # one by one, so that the one that is used is named
        left = [other for other in columns if other != name]
        fewer = whole[[labels[other] for other in left]]
        if not left or not alike(estimator, less, fewer, compared=not absent):
            if isinstance(what, NoColumn):
                raise what
            continue
        columns, less = left, fewer
        _warn(f"{str(what).partition(';')[0]}; the estimator does not use it, and it is left out")
    if absent and not alike(estimator, less, less, compared=False):
        raise InvalidInput(
            f"X lacks the column {absent[0]!r}; {type(estimator).__name__} was fitted on "
            f"{_listed(names)}"
        )
    for name in absent:
        _warn(f"column {name!r} is not in the data; the estimator does not use it")
    return Given(less, places=tuple(names.index(name) for name in columns))


def _unread(X: Any) -> dict[str, NoColumn]:
    """Return the columns that hold neither numbers nor text, and what is said of them."""
    unread = {}
    for label in X.columns:
        try:
            read_column(X[label], name_of(label))
        except NoColumn as error:
            unread[name_of(label)] = error
    return unread


def _categorical(estimator: Any, X: Any) -> Any:
    """Return the frame with pandas' categories in the columns where the estimator knows them."""
    known = categories_of(estimator)
    if not known or not hasattr(X, "iloc"):
        return X
    import pandas

    categorical = {
        k: pandas.Categorical(X.iloc[:, k], categories=pandas.Index(list(known[k])))
        for k in known
        if not isinstance(X.dtypes.iloc[k], pandas.CategoricalDtype)
    }
    if not categorical:
        return X
    columns = {label: categorical.get(k, X.iloc[:, k]) for k, label in enumerate(X.columns)}
    return pandas.DataFrame(columns, index=X.index)


def _warn(message: str) -> None:
    warnings.warn(message, ToolkitWarning, stacklevel=2)


def _listed(labels: Sequence[Any]) -> str:
    names = [repr(name_of(label)) for label in labels]
    return ", ".join(names[:20]) + (" …" if len(names) > 20 else "")
