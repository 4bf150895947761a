"""Models of every kind of input and output, each with the rows that it is exported with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor, IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

ROWS = 160
# What no name may do: end a literal, a cell, a line or a block of code, set a prototype.
EVIL = (
    'quo"te\\',
    "ba`ck ``` ticks",
    "pi|pe *star* _line_ $x$",
    "<b>html</b> &amp; -->",
    "größe 長さ 😀",
    "\u202eשלום",
    "__proto__",
    "??/ \\u0022 ${x} {y} %s",
    "new\nline",
)


@dataclass(frozen=True)
class Case:
    """A fitted model with its rows, and further arguments of `toolkit.export`."""

    estimator: Any
    X: Any
    y: Any = None
    options: dict[str, Any] = field(default_factory=dict)


def _numbers(columns: int = 4) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(ROWS, columns)).round(3)


def _table(texts: dict[str, list[str]], numbers: list[str]) -> pd.DataFrame:
    random = np.random.default_rng(6)
    columns: dict[str, Any] = {}
    for name, words in texts.items():
        values = random.choice(words, ROWS).astype(object)
        values[::13] = None
        columns[name] = values
    for name in numbers:
        values = random.normal(30, 9, ROWS).round(2)
        values[::11] = np.nan
        columns[name] = values
    return pd.DataFrame(columns)


def _mixed(table: pd.DataFrame, texts: list[str], numbers: list[str], last: Any) -> Any:
    return make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            (OneHotEncoder(handle_unknown="ignore"), texts),
        ),
        last,
    )


def table() -> Case:
    """Text and numbers with missing values, whole numbers, truths; labels that are text."""
    X = _table({"city": ["Ulm", "Bonn", "Kiel"], "kind of use": ["a b", "c"]}, ["size", "age"])
    X["rooms"] = np.random.default_rng(7).integers(1, 9, ROWS)
    X["garden"] = np.random.default_rng(8).random(ROWS) < 0.5
    y = np.where(np.nan_to_num(X["size"]) + 4 * (X["city"] == "Ulm") > 30, "large", "small")
    model = _mixed(X, ["city", "kind of use"], ["size", "age"], LogisticRegression())
    model.steps[0][1].transformers.append(("rest", "passthrough", ["rooms", "garden"]))
    return Case(model.fit(X, y), X, y)


def hostile() -> Case:
    """Names and texts that would break a card which is pasted together."""
    texts, numbers = list(EVIL[::2]), list(EVIL[1::2])
    X = _table({name: [*EVIL[:4], "it's"] for name in texts}, numbers)
    y = np.where(np.nan_to_num(X[numbers[0]]) > 30, EVIL[0], EVIL[1])
    return Case(_mixed(X, texts, numbers, LogisticRegression()).fit(X, y), X, y)


def many() -> Case:
    """More columns than lines: forty of numbers and three of text."""
    numbers, texts = [f"column number {k}" for k in range(40)], ["x", "y", "z"]
    X = _table({name: ["up", "down"] for name in texts}, numbers)
    y = np.nan_to_num(X[numbers[0]]) + 2
    return Case(_mixed(X, texts, numbers, LinearRegression()).fit(X, y), X, y)


def integers() -> Case:
    """A classifier whose labels are integers, of which some are negative."""
    X = _numbers()
    y = np.select([X[:, 0] > 0.5, X[:, 0] > -0.5], [7, -3], 10**10)
    return Case(LogisticRegression().fit(X, y), X, y)


def truths() -> Case:
    """A classifier whose labels are True and False."""
    X = _numbers()
    return Case(DecisionTreeClassifier(max_depth=3).fit(X, X[:, 0] > 0), X, X[:, 0] > 0)


def several() -> Case:
    """A regressor of three targets."""
    X = _numbers()
    y = X @ np.random.default_rng(9).normal(size=(4, 3)) + 1
    return Case(LinearRegression().fit(X, y), X, y)


def doubles() -> Case:
    """A model with float64 inputs that takes missing values."""
    X = np.random.default_rng(10).normal(size=(ROWS, 3)).round(2) / 10
    X[::7, 1] = np.nan
    y = np.nan_to_num(X).sum(axis=1)
    model = HistGradientBoostingRegressor(max_iter=8).fit(X, y)
    return Case(model, X, y, {"input_dtype": "float64"})


def outliers() -> Case:
    """An outlier detector: integers and scores."""
    X = _numbers()
    return Case(IsolationForest(n_estimators=5, random_state=0).fit(X), X)


def transformer() -> Case:
    """A transformer."""
    X = _numbers()
    return Case(make_pipeline(StandardScaler(), PCA(2)).fit(X), X)


def clusters() -> Case:
    """A clusterer: integers and distances."""
    X = _numbers()
    return Case(KMeans(3, random_state=0, n_init=1).fit(X), X)


def wide() -> Case:
    """More columns than a program writes out."""
    X = _numbers(200)
    return Case(LinearRegression().fit(X, X[:, 0]), X, X[:, 0])


CASES: dict[str, Callable[[], Case]] = {
    "table": table,
    "hostile": hostile,
    "many": many,
    "integers": integers,
    "truths": truths,
    "several": several,
    "doubles": doubles,
    "outliers": outliers,
    "transformer": transformer,
    "clusters": clusters,
    "wide": wide,
}
NAMES = ("california", *CASES)
