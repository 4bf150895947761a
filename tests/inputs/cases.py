"""What people give to an export, and what comes of it: the table behind docs/inputs.md.

Each case is run by test_inputs.py: exported, proved, and asked with rows that it has not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

ROWS, FRESH = 160, 40
TABLE = {"age": "float32", "fare": "float32", "sex": "string", "port": "string"}
TYPES, MISSING, COLUMNS, FORMS = "Types", "Missing values", "Columns and names", "Other forms"


@dataclass(frozen=True)
class Given:
    """A case: `make` returns (fitted estimator, X, y, fresh rows).

    what: it in words; inputs: the graph's, by name; note: what to know of it; refused: words of the
    refusal, in place of inputs; warned: words of the warning.
    """

    section: str
    what: str
    make: Callable[[], tuple[Any, Any, Any, Any]]
    inputs: dict[str, str] = field(default_factory=dict)
    note: str = ""
    refused: str = ""
    warned: str = ""


def passengers(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.integers(1, 80, rows),
            "fare": np.round(rng.random(rows) * 90, 2),
            "sex": rng.choice(["m", "f"], rows),
            "port": rng.choice(["S", "C", "Q"], rows),
        }
    )


def target(X: pd.DataFrame) -> np.ndarray:
    return np.asarray(X["fare"].astype(float) + 3.0 * (X["sex"] == "m").astype(float))


def imputed(estimator: Any = None) -> Any:
    """The textbook pipeline: imputers for all, a scaler for numbers, an encoder for text."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    text = make_pipeline(
        SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")
    )
    parts = make_column_transformer((numbers, ["age", "fare"]), (text, ["sex", "port"]))
    return make_pipeline(parts, Ridge() if estimator is None else estimator)


def strict() -> Any:
    """Nothing is imputed: what is missing is an error."""
    parts = make_column_transformer(
        (StandardScaler(), ["age", "fare"]), (OneHotEncoder(), ["sex", "port"])
    )
    return make_pipeline(parts, Ridge())


def table(change: Callable[[pd.DataFrame], pd.DataFrame], model: Any = imputed) -> Any:
    """Return a `make` with a changed table, fresh rows alike."""

    def make() -> tuple[Any, Any, Any, Any]:
        X, fresh = (change(passengers(n, s)) for n, s in ((ROWS, 0), (FRESH, 1)))
        y = target(passengers())
        return model().fit(X, y), X, y, fresh

    return make


def with_gaps(marks: dict[str, Any], later: bool = False, text: Any = object) -> Any:
    """Return a `make` in which values are missing, marked so; later: in fresh rows alone."""

    def gaps(X: pd.DataFrame) -> pd.DataFrame:
        for k, (name, mark) in enumerate(marks.items()):
            column = X[name].astype(text if X[name].dtype.kind not in "if" else float)
            column[k :: 5 + k] = mark
            X[name] = column
        return X

    def make() -> tuple[Any, Any, Any, Any]:
        X, fresh = passengers(), gaps(passengers(FRESH, 1))
        X = X if later else gaps(X)
        return imputed().fit(X, target(passengers())), X, target(passengers()), fresh

    return make


def of_numbers(change: Callable[[pd.DataFrame], Any], model: Any = None) -> Any:
    def make() -> tuple[Any, Any, Any, Any]:
        X, fresh = (change(passengers(n, s)[["age", "fare"]]) for n, s in ((ROWS, 0), (FRESH, 1)))
        y = target(passengers())
        own = (
            make_pipeline(SimpleImputer(), StandardScaler(), Ridge()) if model is None else model()
        )
        return own.fit(X, y), X, y, fresh

    return make


def ids() -> tuple[Any, Any, Any, Any]:
    rng = np.random.default_rng(4)
    known = 2**60 + np.arange(20)
    X = pd.DataFrame({"id": rng.choice(known, ROWS), "kind": rng.choice(["a", "b"], ROWS)})
    fresh = pd.DataFrame({"id": known, "kind": ["a", "b"] * 10})
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    model = make_pipeline(encoder, RandomForestRegressor(5, random_state=0))
    return model.fit(X, X["id"] % 7), X, np.asarray(X["id"] % 7), fresh


def texts() -> tuple[Any, Any, Any, Any]:
    rng = np.random.default_rng(5)
    words = ["sun", "rain", "good", "bad", "day"]
    X = pd.DataFrame({"text": [" ".join(rng.choice(words, 4)) for _ in range(ROWS)]})
    y = np.array(["nice" if "sun" in t else "poor" for t in X["text"]])
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(X["text"], y)
    return model, X, y, X["text"].head(FRESH)


def sparse() -> tuple[Any, Any, Any, Any]:
    X = scipy.sparse.random(ROWS, 12, 0.3, format="csr", random_state=0)
    y = np.asarray(X.sum(axis=1)).ravel()
    return Ridge().fit(X, y), X, y, X[:FRESH].toarray()


def objects(listed: bool) -> Any:
    def make() -> tuple[Any, Any, Any, Any]:
        X, fresh = (
            passengers(n, s)[["sex", "fare"]].to_numpy(object) for n, s in ((ROWS, 0), (FRESH, 1))
        )
        parts = ColumnTransformer([("t", OneHotEncoder(), [0])], remainder="passthrough")
        model = make_pipeline(parts, Ridge()).fit(X, target(passengers()))
        return model, X.tolist() if listed else X, target(passengers()), fresh

    return make


def extra(**columns: Any) -> Any:
    """Return a `make` whose data has columns that the estimator was not fitted on."""

    def make() -> tuple[Any, Any, Any, Any]:
        X, y = passengers(), target(passengers())
        return strict().fit(X, y), X.assign(**columns), y, passengers(FRESH, 1)

    return make


def dropped_date() -> tuple[Any, Any, Any, Any]:
    X = passengers().assign(booked=pd.date_range("2026-01-01", periods=ROWS))
    fresh = passengers(FRESH, 1).assign(booked=pd.date_range("2027-01-01", periods=FRESH))
    return strict().fit(X, target(X)), X, target(X), fresh


def used_date() -> tuple[Any, Any, Any, Any]:
    X = passengers().assign(booked=pd.date_range("2026-01-01", periods=ROWS))
    parts = make_column_transformer((OneHotEncoder(), ["booked"]), remainder="drop")
    return make_pipeline(parts, Ridge()).fit(X, target(X)), X, target(X), X


def one_too_many() -> tuple[Any, Any, Any, Any]:
    X = passengers()[["age", "fare"]]
    return (
        Ridge().fit(X.to_numpy(), target(passengers())),
        passengers()[["age", "fare", "port"]],
        None,
        X,
    )


def boosted_categories(X: pd.DataFrame) -> pd.DataFrame:
    return X.astype({"sex": "category", "port": "category"})


CASES = [
    Given(TYPES, "whole numbers, beside an imputer or a tree that takes missing ones", table(lambda X: X), TABLE,
          "a device may leave one out, or send 70.5"),
    Given(TYPES, "whole numbers that nothing takes missing", table(lambda X: X, strict), TABLE | {"age": "int64"}),
    Given(TYPES, "whole numbers beyond 2⁵³", ids, {"id": "int64", "kind": "string"}, "exact"),
    Given(TYPES, "`uint8` and `float32`", table(lambda X: X.astype({"age": "uint8", "fare": "float32"})), TABLE),
    Given(TYPES, "pandas' `Int64`, `Float64`, `string`", table(lambda X: X.convert_dtypes()), TABLE),
    Given(TYPES, "types backed by pyarrow", table(lambda X: X.convert_dtypes(dtype_backend="pyarrow")), TABLE),
    Given(TYPES, "pandas' categories of text", table(boosted_categories), TABLE),
    Given(TYPES, "pandas' categories, read by histogram boosting",
          table(boosted_categories, lambda: HistGradientBoostingRegressor(max_iter=5)),
          TABLE, "LightGBM's and XGBoost's likewise"),
    Given(TYPES, "True and False", of_numbers(lambda X: X.assign(lift=X["age"] > 40)), {"X": "float32"},
          "1 and 0 among numbers; `bool` beside text"),
    Given(TYPES, "numbers in a column of objects, decimals among them",
          of_numbers(lambda X: X.assign(fare=[Decimal(str(v)) for v in X["fare"]])), {"X": "float32"}),
    Given(TYPES, "digits that are text (postal codes)",
          table(lambda X: X.assign(port=X["port"].map({"S": "00123", "C": "10115", "Q": "1"}))), TABLE,
          "in a CSV file too: the encoder was fitted on text"),
    Given(TYPES, "dates that the estimator uses", used_date, refused="datetime64", note="convert them to numbers"),
    Given(MISSING, "NaN in numbers and text", with_gaps({"age": np.nan, "sex": np.nan}), TABLE),
    Given(MISSING, "none in the rows given, some on the device", with_gaps({"age": np.nan, "sex": np.nan}, True), TABLE),
    Given(MISSING, "None in text, NaN in numbers",
          with_gaps({"age": np.nan, "sex": None}), TABLE,
          "None is what the imputer of NaN takes for a text; on the device None, NaN and pandas.NA are one"),
    Given(MISSING, "pandas.NA in nullable numbers", table(
        lambda X: X.astype({"age": "Int64"}).mask(X.index.to_series() % 7 == 0, pd.NA).assign(
            sex=X["sex"], port=X["port"], fare=X["fare"])), TABLE),
    Given(MISSING, "NaN and empty texts in one column",
          table(lambda X: X.assign(sex=X["sex"].astype(object).where(X.index % 5 != 0, "").where(X.index % 7 != 0, np.nan))),
          refused="holds empty texts and NaN", note="a graph has one text for both: replace one"),
    Given(COLUMNS, "columns that the estimator never saw (a forgotten target)",
          extra(survived=1), TABLE | {"age": "int64"}, "left out, with a warning", warned="'survived'"),
    Given(COLUMNS, "an index column that `to_csv` wrote", extra(**{"Unnamed: 0": range(ROWS)}), TABLE | {"age": "int64"},
          "left out, with a warning", warned="'Unnamed: 0'"),
    Given(COLUMNS, "dates that the estimator drops", dropped_date, TABLE | {"age": "int64"},
          "left out, with a warning", warned="booked"),
    Given(COLUMNS, "more columns than an estimator takes that knows no names", one_too_many, refused="3 columns|'port'"),
    Given(COLUMNS, "columns in another order", table(lambda X: X[X.columns[:: 1 if len(X) == ROWS else -1]]), TABLE),
    Given(COLUMNS, "labels that are numbers", of_numbers(lambda X: X.set_axis([0, 1], axis=1)), {"X": "float32"},
          "their names are the digits"),
    Given(COLUMNS, "labels of several levels",
          of_numbers(lambda X: X.set_axis(pd.MultiIndex.from_tuples([("own", "age"), ("own", "fare")]), axis=1)),
          {"X": "float32"}, "their names are the levels with `_` between: `own_age`"),
    Given(COLUMNS, "a label that is there twice", table(lambda X: X.set_axis(["age", "fare", "sex", "sex"], axis=1),
          lambda: OneHotEncoder(handle_unknown="ignore")), refused="two columns named 'sex'"),
    Given(FORMS, "an array for an estimator that was fitted on a data frame",
          lambda: (make_pipeline(make_column_transformer((StandardScaler(), ["age"]), remainder="passthrough"), Ridge())
                   .fit(passengers()[["age", "fare"]].astype(float), target(passengers())),
                   passengers()[["age", "fare"]].to_numpy(float), target(passengers()),
                   passengers(FRESH, 1)[["age", "fare"]].astype(float)), {"X": "float32"},
          "the estimator is shown a data frame all the same"),
    Given(FORMS, "an array of objects, text and numbers", objects(False), {"x0": "string", "x1": "float32"}),
    Given(FORMS, "lists of text and numbers", objects(True), {"x0": "string", "x1": "float32"}),
    Given(FORMS, "one column of texts for a vectorizer", texts, {"X": "string"}),
    Given(FORMS, "a scipy matrix", sparse, {"X": "float32"}, "dense on the device"),
    Given(FORMS, "rows of unequal length", lambda: (StandardScaler().fit([[1.0, 2.0]] * 9),
          [[1.0, 2.0]] * 3 + [[1.0]], None, None), refused="row 3 has 1"),
    Given(FORMS, "dictionaries", lambda: (StandardScaler().fit([[1.0]] * 9), {"a": [1.0] * 9}, None, None),
          refused="pandas.DataFrame"),
]  # fmt: skip

# Fields of a CSV file: by the input's type, what is read; None where the field is refused.
FIELDS: dict[str, dict[str, Any]] = {
    "70.5": {"float32": 70.5, "int64": None, "bool": None, "string": "70.5"},
    "70": {"float32": 70.0, "int64": 70, "bool": None, "string": "70"},
    "7.0": {"float32": 7.0, "int64": 7, "bool": None, "string": "7.0"},
    " 7 ": {"float32": 7.0, "int64": 7, "bool": None, "string": " 7 "},
    "": {"float32": "missing", "int64": None, "bool": None, "string": "missing"},
    "NA": {"float32": "missing", "int64": None, "bool": None, "string": "missing"},
    "True": {"float32": 1.0, "int64": 1, "bool": True, "string": "True"},
    "1": {"float32": 1.0, "int64": 1, "bool": True, "string": "1"},
    "inf": {"float32": None, "int64": None, "bool": None, "string": "inf"},
    "abc": {"float32": None, "int64": None, "bool": None, "string": "abc"},
    "1_000": {"float32": None, "int64": None, "bool": None, "string": "1_000"},
}
