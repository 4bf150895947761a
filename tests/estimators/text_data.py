"""Data of the cases of text, encoders, imputers and columns, and how a case is made of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import scipy.special
from sklearn.experimental import enable_iterative_imputer  # noqa: F401

from tests.estimators.data import (
    categories,
    numbers,
    regression,
    texts,
    with_missing,
)
from tests.estimators.harness import Case

Fit = Callable[[], tuple[Any, Any, Any]]


def on(estimator: Any, rows: Callable[[], Any], target: Callable[[], Any] | None = None) -> Fit:
    """Return a fit of the estimator on these rows."""

    def fit() -> tuple[Any, Any, Any]:
        X, y = rows(), None if target is None else target()
        return (estimator.fit(X) if y is None else estimator.fit(X, y)), X, y

    return fit


def case(name: str, estimator: Any, rows: Any, target: Any = None, **how: Any) -> Case:
    return Case(name, on(estimator, rows, target), **how)


def goal() -> np.ndarray:
    return regression()[1]


def three() -> np.ndarray:
    return np.array(["low", "mid", "high"])[np.digitize(goal(), [-1, 1])]


def above() -> np.ndarray:
    return goal() > 0


def holes() -> np.ndarray:
    return with_missing()[0]


def empty_column() -> np.ndarray:
    X = holes()
    X[:, 2] = np.nan
    return X


def rounded() -> np.ndarray:
    return np.round(numbers())


def repeated() -> np.ndarray:
    return np.round(numbers() * 2) / 2


def rounded_holes() -> np.ndarray:
    return np.round(holes())


def tenths() -> np.ndarray:
    return np.round(numbers(columns=2) * 3) / 10


def constant_column() -> np.ndarray:
    X = numbers()
    X[:, 1] = 3.0
    return X


def shares() -> np.ndarray:
    return scipy.special.expit(numbers())


def some_missing(value: Any) -> Callable[[], np.ndarray]:
    def rows() -> np.ndarray:
        X = categories()
        X[::7, 0] = value
        return X

    return rows


def first_column() -> list[str]:
    return categories()[:, 1].tolist()


def whole_labels() -> np.ndarray:
    return np.digitize(goal(), [-1, 0, 1]) * 10


def counts() -> np.ndarray:
    return np.random.default_rng(8).poisson(0.7, size=(240, 6)).astype(float)


def review() -> pd.DataFrame:
    X = numbers(columns=2)
    return pd.DataFrame(
        {
            "Free text": texts(),
            "grade": categories()[:, 1],
            "size m²": X[:, 0],
            "rooms": np.round(X[:, 1] * 3).astype(int),
            "new": X[:, 0] > 0,
        }
    )


def polars_review() -> Any:
    import polars

    return polars.from_pandas(review())


def gaps() -> pd.DataFrame:
    X = review()
    X.loc[::7, "grade"] = None
    return X


def arrow() -> pd.DataFrame:
    return review().astype({"grade": "category", "Free text": "string"})
