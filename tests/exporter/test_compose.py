"""Pipelines, column transformers, unions: which columns go where."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
)

from tests.exporter.parity import answers, check, export_proven
from toolkit.errors import InvalidInput, UnsupportedEstimator

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5)) * [1, 10, 100, 0.1, 3] + [0, 5, -7, 2, 1]
NAMES = ["a", "b b", "ç", "X", "variable"]
FRAME = pd.DataFrame(X, columns=NAMES)
MIXED = FRAME.assign(
    town=pd.Series(RNG.choice(["Łódź", "Oslo", "東京"], 60), dtype=object),
    heat=pd.Series(RNG.choice(["gas", "wood"], 60), dtype=object),
    count=RNG.integers(0, 9, 60),
    flag=RNG.random(60) > 0.5,
)

BY_POSITION = {
    "one": [1],
    "several-in-another-order": [3, 0, 2],
    "negative": [-1, -3],
    "slice": slice(1, 4),
    "slice-with-step": slice(0, 5, 2),
    "open-slice": slice(3, None),
    "negative-slice": slice(-2, None),
    "mask": [True, False, True, False, False],
    "mask-array": np.array([False, True, False, True, True]),
    "none": [],
}
BY_NAME = {
    "names": ["ç", "a"],
    "name-slice": slice("b b", "X"),
    "name-slice-open": slice("ç", None),
    "selector": make_column_selector(pattern="^[aX]$"),
    "index": pd.Index(["a", "variable"]),
}


@pytest.mark.parametrize("remainder", ["drop", "passthrough", MaxAbsScaler()], ids=str)
@pytest.mark.parametrize("columns", BY_POSITION)
def test_columns_by_position(columns, remainder):
    chosen = BY_POSITION[columns]
    if columns == "none" and remainder == "drop":
        chosen = [0]  # nothing at all would be left to export
    check(ColumnTransformer([("s", StandardScaler(), chosen)], remainder=remainder).fit(X), X)


@pytest.mark.parametrize("remainder", ["drop", "passthrough"])
@pytest.mark.parametrize("columns", BY_NAME | BY_POSITION)
def test_columns_of_a_data_frame(columns, remainder):
    chosen = (BY_NAME | BY_POSITION)[columns]
    parts = [("s", StandardScaler(), chosen), ("k", MinMaxScaler(), [0])]
    check(ColumnTransformer(parts, remainder=remainder).fit(FRAME), FRAME)


def test_parts_share_columns_and_keep_their_order():
    parts = [
        ("late", MinMaxScaler(), [4, 1]),
        ("early", StandardScaler(), [0, 1]),
        ("as-is", "passthrough", [2]),
        ("gone", "drop", [3]),
    ]
    check(ColumnTransformer(parts).fit(X), X)


def test_transformer_weights_of_a_column_transformer():
    parts = [("s", StandardScaler(), [0, 1]), ("m", MinMaxScaler(), [2])]
    weighted = ColumnTransformer(parts, transformer_weights={"s": 2.5}, remainder="passthrough")
    check(weighted.fit(X), X)


@pytest.mark.parametrize("weights", [None, {"s": 0.5, "p": -2.0}, {"k": 0.0}], ids=str)
def test_union(weights):
    parts = [
        ("s", StandardScaler()),
        ("k", "passthrough"),
        ("p", PolynomialFeatures(2)),
        ("gone", "drop"),
    ]
    check(FeatureUnion(parts, transformer_weights=weights).fit(X), X)


def test_nested_pipelines():
    inner = make_pipeline(SimpleImputer(), StandardScaler())
    union = FeatureUnion([("n", inner), ("m", make_pipeline(MinMaxScaler(), "passthrough"))])
    model = Pipeline([("none", "passthrough"), ("u", union), ("l", LinearRegression())])
    y = X @ [1, 2, 0.1, 0, 3.0]
    check(model.fit(X, y), X, y)


def test_a_pipeline_that_does_nothing():
    model = make_pipeline("passthrough", FunctionTransformer()).fit(X)
    np.testing.assert_array_equal(answers(check(model, X), X)["variable"], X.astype(np.float32))


def test_a_function_is_refused_by_name():
    model = make_pipeline(FunctionTransformer(np.cosh)).fit(np.abs(X))
    with pytest.raises(UnsupportedEstimator, match=r"FunctionTransformer: func=numpy\.cosh"):
        export_proven(model, np.abs(X))


MIXED_PARTS = [
    ("n", make_pipeline(SimpleImputer(), StandardScaler()), ["a", "ç", "count"]),
    ("c", OneHotEncoder(handle_unknown="ignore"), ["town", "heat"]),
]


@pytest.mark.parametrize("remainder", ["drop", "passthrough"])
def test_numbers_and_text(remainder):
    frame = MIXED if remainder == "drop" else MIXED.drop(columns=["variable"])
    y = np.where(RNG.random(60) > 0.5, "oui", "non")
    model = make_pipeline(
        ColumnTransformer(MIXED_PARTS, remainder=remainder), LogisticRegression(max_iter=500)
    ).fit(frame, y)
    check(model, frame, y)


def test_columns_named_like_inner_tensors_or_outputs():
    """Input names are the data's: whatever the graph calls its own tensors must make way."""
    frame = pd.DataFrame(
        {
            "variable": RNG.normal(size=60),
            "index": RNG.normal(size=60),
            "scores": RNG.normal(size=60),
            "coefficient": RNG.normal(size=60),
            "joined": RNG.choice(["u", "v"], 60).astype(object),
        }
    )
    y = frame["index"] + (frame["joined"] == "u") > 0
    parts = ColumnTransformer([("c", OneHotEncoder(), ["joined"])], remainder="passthrough")
    check(make_pipeline(parts, LogisticRegression()).fit(frame, y), frame, y)


@pytest.mark.parametrize("name", ["label", "probabilities"])
def test_a_column_named_like_an_output_of_the_model_is_refused(name):
    frame = pd.DataFrame(
        {name: RNG.normal(size=60), "t": RNG.choice(["u", "v"], 60).astype(object)}
    )
    y = frame[name] > 0
    parts = ColumnTransformer([("c", OneHotEncoder(), ["t"])], remainder="passthrough")
    with pytest.raises(InvalidInput, match=f"column '{name}' has the name of an output"):
        export_proven(make_pipeline(parts, LogisticRegression()).fit(frame, y), frame, y)


def test_dense_and_sparse_output_are_the_same():
    frame = MIXED.drop(columns=["variable"])
    for threshold in (0.0, 1.0):
        model = ColumnTransformer(
            [("c", OneHotEncoder(), ["town"])], remainder="drop", sparse_threshold=threshold
        )
        check(model.fit(frame), frame)
