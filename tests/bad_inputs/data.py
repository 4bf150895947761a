"""Rows of three models, what is wrong with some of them, and what a call may say of it."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import scipy.sparse

from toolkit.errors import ToolkitError

rng = np.random.default_rng(0)


X = rng.normal(size=(40, 3))


Y = X.sum(axis=1)


TABLE = pd.DataFrame({"a": X[:, 0], "b": rng.choice(["x", "y"], 40), "c": rng.integers(0, 5, 40)})


TEXTS = [f"word{i % 7} more{i % 5}" for i in range(40)]


NOW = datetime.datetime(2026, 1, 1)


def table(a, b="x", c=1) -> pd.DataFrame:
    return pd.DataFrame({"a": a, "b": b, "c": c}, index=range(9))


ROWS = {
    "none": None,
    "a number": 3,
    "text": "abc",
    "bytes": b"abc",
    "a mapping": {"a": [1, 2]},
    "a set": {1, 2},
    "an empty list": [],
    "empty lists": [[]],
    "ragged lists": [[1, 2, 3], [1, 2]],
    "a number among lists": [[1, 2, 3], 4],
    "no rows": np.zeros((0, 3)),
    "no columns": np.zeros((9, 0)),
    "one row": X[:1],
    "too wide": np.zeros((9, 4)),
    "too narrow": np.zeros((9, 2)),
    "one dimension": np.zeros(9),
    "three dimensions": np.zeros((9, 3, 1)),
    "no dimension": np.array(1.0),
    "complex": X.astype(complex),
    "dates": np.full((9, 3), np.datetime64("2026-01-01")),
    "durations": np.zeros((9, 3), dtype="timedelta64[s]"),
    "objects": np.full((9, 3), object()),
    "datetimes": np.full((9, 3), NOW),
    "None everywhere": np.full((9, 3), None),
    "texts": np.full((9, 3), "q"),
    "of several types": np.array([[1, "a", None]] * 9, dtype=object),
    "huge": np.full((9, 3), 1e308),
    "infinite": np.full((9, 3), np.inf),
    "NaN": np.full((9, 3), np.nan),
    "beyond int64": [[10**30, 1, 2]] * 9,
    "sparse": scipy.sparse.csr_matrix(X),
    "sparse, no rows": scipy.sparse.csr_matrix((0, 3)),
    "records": np.zeros(9, dtype=[("a", float), ("b", float), ("c", float)]),
    "a table of dates": table(pd.date_range("2026", periods=9)),
    "a table of periods": table(pd.period_range("2026", periods=9)),
    "a table of objects": table([object()] * 9),
    "a table of lists": table([[1, 2]] * 9),
    "a table of Int64 with NA": table(pd.array([1, None, 3] * 3, dtype="Int64")),
    "another table": pd.DataFrame({"q": [1.0] * 9}),
    "an empty table": pd.DataFrame(),
    "a table with a name twice": pd.DataFrame(np.zeros((9, 3)), columns=["a", "b", "b"]),
    "a table of two levels": pd.DataFrame(
        X, columns=pd.MultiIndex.from_product([["a"], [1, 2, 3]])
    ),
    "an unknown category": table([1.0] * 9, "new"),
    "a series": pd.Series([1.0] * 9),
    "a function": len,
    "a class": int,
    "nested lists": [[[1, 2, 3]]],
    "a list of texts": ["a", "b"],
    "a list of None": [None, None],
    "a list of mappings": [{"a": 1}] * 9,
    "a range": range(9),
}


def outcome(call) -> str:
    """Return what is wrong with a call's end, "" where it worked or said so in one line."""
    try:
        call()
    except ToolkitError as error:
        text = str(error)
        return "" if text and "\n" not in text else f"no line: {text!r}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def assert_told(calls) -> None:
    """Assert that every call, by what it is given, works or says what is wrong."""
    found = {name: outcome(call) for name, call in calls.items()}
    assert not {name: wrong for name, wrong in found.items() if wrong}
