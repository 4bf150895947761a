"""What fitted estimators tell of their columns, whatever they are wrapped in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import BaggingClassifier, HistGradientBoostingClassifier, VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    TargetEncoder,
)

from toolkit.estimators.frames import KEPT, NA, NAN, NONE
from toolkit.exporter.schema.told import accepts_texts, kind_of, text_columns, told

RNG = np.random.default_rng(2)
X = pd.DataFrame(
    {
        "size": RNG.normal(size=60),
        "zip": RNG.choice(["00123", "10115"], 60),
        "floor": RNG.integers(0, 5, 60),
        "note": RNG.choice(["good day", "bad day"], 60),
    }
)
Y = (X["size"] > 0).astype(int).to_numpy()
NAMES = list(X)


def parts(**more):
    return make_column_transformer(
        (StandardScaler(), ["size", "floor"]),
        (OneHotEncoder(handle_unknown="ignore"), ["zip"]),
        (TfidfVectorizer(), "note"),
        **more,
    )


def classifier():
    return make_pipeline(parts(), LogisticRegression())


@pytest.mark.parametrize(
    "estimator",
    [
        classifier(),
        GridSearchCV(classifier(), {"logisticregression__C": [1.0]}, cv=2),
        CalibratedClassifierCV(classifier(), cv=2),
        VotingClassifier([("a", classifier()), ("b", classifier())]),
        make_pipeline(FunctionTransformer(), classifier()),
        make_pipeline("passthrough", parts(), LogisticRegression()),
        make_pipeline(make_union(parts(), parts()), LogisticRegression()),
    ],
    ids=["pipeline", "search", "calibrated", "voting", "identity", "passthrough", "union"],
)
def test_text_is_told_through_all_that_is_around_it(estimator):
    assert set(text_columns(estimator.fit(X, Y), NAMES)) == {"zip", "note"}


@pytest.mark.parametrize(
    "columns",
    [["zip"], [1], slice(1, 2), [False, True, False, False], make_column_selector("zip")],
    ids=["name", "place", "slice", "mask", "selector"],
)
def test_columns_however_they_are_named(columns):
    encoder = make_column_transformer((OneHotEncoder(), columns), remainder="drop")
    found = text_columns(make_pipeline(encoder, LogisticRegression()).fit(X, Y), NAMES)
    assert set(found) == {"zip"}


@pytest.mark.parametrize(
    ("step", "marks"),
    [
        (SimpleImputer(strategy="most_frequent"), {NAN}),
        (SimpleImputer(strategy="most_frequent", missing_values=None), {NONE}),
        (SimpleImputer(strategy="most_frequent", missing_values=pd.NA), {NA}),
        (SimpleImputer(strategy="most_frequent", missing_values="?"), {KEPT}),
        (OneHotEncoder(), {NAN}),
        (OrdinalEncoder(), {NAN}),
        (TargetEncoder(), {NAN}),
    ],
    ids=lambda v: str(v),
)
def test_what_marks_a_missing_text(step, marks):
    column = X[["zip"]].astype(object)
    mark = getattr(step, "missing_values", np.nan)
    column.iloc[::7, 0] = mark
    (record,) = told(step.fit(column, Y))[0]
    assert record.kind == "text"
    assert record.marks == marks


def test_an_encoder_that_met_none_is_not_one_that_met_nan():
    column = X[["zip"]].astype(object)
    column.iloc[::7, 0] = None
    (record,) = told(OneHotEncoder().fit(column))[0]
    assert record.marks == {NONE}


def test_words_that_pandas_reads_as_missing_are_texts_where_an_encoder_knows_them():
    frame = pd.DataFrame({"land": ["NA", "DE", "None"] * 9, "town": ["Ulm", "Kiel", "NA"] * 9})
    text = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())
    parts = make_column_transformer((text, ["land"]), (TfidfVectorizer(), "town"))
    model = make_pipeline(parts, LogisticRegression()).fit(frame, [0, 1, 2] * 9)
    assert text_columns(model, list(frame)) == {"land": {"NA", "None"}, "town": None}


def test_numbers_are_told_as_numbers():
    frame = X[["size", "floor"]]
    for estimator in (
        KNNImputer().fit(frame),
        HistGradientBoostingClassifier(max_iter=2).fit(frame, Y),
        BaggingClassifier(n_estimators=2).fit(frame, Y),
        OneHotEncoder().fit(frame[["floor"]]),
    ):
        assert {kind_of(records) for records in told(estimator).values()} == {"number"}


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (TfidfVectorizer(), True),
        (make_pipeline(TfidfVectorizer(), LogisticRegression()), True),
        (GridSearchCV(make_pipeline(CountVectorizer(), LogisticRegression()), {}, cv=2), True),
        (make_union(TfidfVectorizer(), CountVectorizer()), True),
        (make_pipeline(OneHotEncoder(), LogisticRegression()), False),
        (LogisticRegression(), False),
    ],
    ids=["vectorizer", "pipeline", "search", "union", "encoder", "numbers"],
)
def test_who_takes_texts_and_no_table(estimator, expected):
    assert accepts_texts(estimator) == expected
