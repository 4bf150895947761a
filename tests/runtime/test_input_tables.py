"""Rows of a table: an input a column, of numbers, text and pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.runtime.test_inputs import message
from toolkit.errors import InvalidInput
from toolkit.runtime import inputs, load
from toolkit.runtime.inputs import prepare
from toolkit.runtime.schema import Input

TABLE = (
    Input("size", "float32", 1, non_finite="nan"),
    Input("rooms", "int64", 1, non_finite="nan"),
    Input("city", "string", 1, non_finite="nan"),
)


COMPLETE = (Input("city", "string", 1), Input("size", "float32", 1))


def frame(**changes):
    columns = {"size": [1.5, 2.5], "rooms": [1, 2], "city": ["Ulm", "Bonn"]}
    return pd.DataFrame(columns | changes)


@pytest.mark.parametrize(
    "X",
    [
        frame(),
        frame()[["city", "rooms", "size"]],
        frame(more=[0, 0]),
        {"size": [1.5, 2.5], "rooms": (1, 2), "city": ["Ulm", "Bonn"]},
        {"size": [[1.5], [2.5]], "rooms": [[1], [2]], "city": [["Ulm"], ["Bonn"]]},
        [[1.5, 1, "Ulm"], [2.5, 2, "Bonn"]],
        frame().to_numpy(),
        frame().astype({"city": "category", "rooms": "Int64", "size": "Float32"}),
        frame().astype({"city": "string"}),
        frame().astype({"city": "str"}),
    ],
    ids=[
        "frame", "reordered", "extra", "mapping", "matrices", "rows", "objects", "category",
        "string", "str",
    ],
)  # fmt: skip
def test_tables(X):
    found = prepare(X, TABLE)
    assert {n: a.dtype.kind for n, a in found.items()} == {"size": "f", "rooms": "i", "city": "O"}
    assert {n: a.tolist() for n, a in found.items()} == {
        "size": [[1.5], [2.5]],
        "rooms": [[1], [2]],
        "city": [["Ulm"], ["Bonn"]],
    }
    assert all(type(v) is str for v in found["city"].ravel())


@pytest.mark.parametrize(
    "column",
    [
        ["Ulm", None],
        ["Ulm", float("nan")],
        ["Ulm", np.float64("nan")],
        ["Ulm", pd.NA],
        pd.Series(["Ulm", None], dtype="string"),
        pd.Series(["Ulm", None], dtype="str"),
        pd.Series(["Ulm", None], dtype="category"),
    ],
    ids=["None", "nan", "float64", "NA", "string", "str", "category"],
)
def test_missing_text(column):
    columns = {"size": [1.0, 2.0], "city": column}
    inputs = (TABLE[0], TABLE[2])
    assert prepare(columns, inputs)["city"].tolist() == [["Ulm"], [""]]
    assert prepare(pd.DataFrame(columns), inputs)["city"].tolist() == [["Ulm"], [""]]
    text = message(columns, COMPLETE)
    assert text == "city has a missing value in row 1, the model takes none"


@pytest.mark.parametrize("value", [3, 1.5, b"Ulm", True, ["Ulm"]], ids=repr)
def test_no_text(value):
    text = message({"size": [1.0], "city": np.array([value, 0], object)[:1]}, COMPLETE)
    assert text == f"the text column city has the value {value!r}, no text; quote it"


@pytest.mark.parametrize(
    ("X", "expected"),
    [
        ([[1.5, 1]], "X has the shape (1, 2), the model takes [N, 3]: size, rooms, city"),
        ([1.5, 1, "Ulm"], "X has the shape (3,)"),
        ({"size": [1.0], "rooms": [1]}, "X lacks the column 'city'"),
        (frame(rooms=[1.5, 2]), "rooms takes int64; the value 1.5 in row 0 cannot be that"),
        (frame(size=["x", "y"]), "size takes numbers (float32)"),
        ({"size": [[1.0], [1.0, 2.0]], "rooms": [1, 2], "city": ["", ""]}, "size is no column"),
        ([[1.0, 1, "a"], [2.0]], "X has the shape (2,)"),
    ],
    ids=["width", "row", "missing", "half", "text", "ragged-column", "ragged"],
)
def test_tables_that_do_not_fit(X, expected):
    assert expected in message(X, TABLE)


COLUMNS = {
    "float32": np.array([0.1, np.nan, np.inf, 1e-45], dtype=np.float32),
    "float64": [0.1, 1e39, np.nan, -1e-320],
    "int64": [2**53 + 1, -(2**63), 0, 5],
    "uint8": np.array([0, 255, 3, 4], dtype=np.uint8),
    "bool": [True, False, True, True],
    "nullable": pd.array([1, None, 3, 2**62 + 1], dtype="Int64"),
    "flags": pd.array([True, None, False, True], dtype="boolean"),
    "text": ["a", "", "é", "1"],
    "holes": ["a", None, np.nan, "b"],
    "category": pd.Categorical(["x", "y", None, "x"]),
    "levels": pd.Categorical([1, 2, 2, 1]),
    "date": pd.to_datetime(["2020-01-01"] * 4),
    "span": pd.to_timedelta([1, 2, 3, 4]),
    "complex": [1j, 0, 1, 2],
    "objects": pd.Series([1, 2.5, True, None], dtype=object),
    "lists": [[1], [2], [3], [4]],
}


@pytest.mark.parametrize("non_finite", ["any", "nan", "finite"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool", "string"])
@pytest.mark.parametrize("kind", COLUMNS)
def test_few_rows_of_a_frame_are_taken_like_many(kind, dtype, non_finite, monkeypatch):
    """They are had all at once, as objects, since pandas is slow to give a column."""
    frame = pd.DataFrame({"other": [1.0, 2, 3, 4], "column": COLUMNS[kind]})
    specs = (Input("other", "float32", 1), Input("column", dtype, 1, non_finite=non_finite))

    def taken(few: int) -> Any:
        monkeypatch.setattr(inputs, "FEW_ROWS", few)
        try:
            return prepare(frame, specs)["column"]
        except InvalidInput:
            return None

    many, few = taken(0), taken(100)
    assert (many is None) == (few is None)
    if many is not None:
        assert (few.dtype, few.shape) == (many.dtype, many.shape)
        np.testing.assert_array_equal(few, many)


PAIRED = (Input("name", "string", 2, non_finite="nan"), Input("value", "float32", 2))


def test_pairs_are_parted_and_filled_up_with_what_counts_nothing():
    found = prepare([[("a", 1.5), ("b", 2)], [], [["c", -1.0]]], PAIRED)
    assert found["name"].tolist() == [["a", "b"], ["", ""], ["c", ""]]
    assert found["value"].tolist() == [[1.5, 2.0], [0.0, 0.0], [-1.0, 0.0]]


def test_more_pairs_than_the_model_takes_are_refused():
    assert message([[("a", 1.0)] * 3], PAIRED) == "row 0 has 3 pairs, the model takes 2 at most"


@pytest.mark.parametrize("X", [[["a", 1.0]], [[("a", "b")]], [[("a", 1.0, 2)]], [[]], [], "ab"])
def test_what_is_no_list_of_pairs_is_not_taken_for_one(X):
    assert not inputs.are_pairs(X)


RECORDS = [
    {"size": 1.5, "rooms": 1, "city": "Ulm"},
    {"city": None, "rooms": 2, "size": 2.5, "more": 0},
]


def test_records():
    found = prepare(RECORDS, TABLE)
    assert found["size"].tolist() == [[1.5], [2.5]]
    assert found["rooms"].tolist() == [[1], [2]]
    assert found["city"].tolist() == [["Ulm"], [""]]
    alone = prepare(RECORDS[0], TABLE)
    assert [alone[n].tolist() for n in ("size", "rooms", "city")] == [[[1.5]], [[1]], [["Ulm"]]]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([*RECORDS, {"size": 1.0}], "row 2 lacks the column 'rooms', which row 0 has"),
        ([*RECORDS, [1.0, 2, "Ulm"]], r"row 2 is \[1.0, 2, 'Ulm'\], no mapping"),
        ([{}], "X lacks the column 'size'"),
        ([{**RECORDS[0], "rooms": "two"}], "rooms"),
    ],
)
def test_records_that_do_not_fit(rows, words):
    with pytest.raises(InvalidInput, match=words):
        prepare(rows, TABLE)


def test_a_model_answers_records_as_it_does_a_frame(classifier_bundle):
    model = load(classifier_bundle)
    rows = [{"size": 60.5, "rooms": 3, "city": "Ulm"}, {"size": 10.0, "rooms": 2, "city": "Kiel"}]
    expected = model.predict(pd.DataFrame(rows))
    np.testing.assert_array_equal(model.predict(rows), expected)
    np.testing.assert_array_equal(model.predict(rows[0]), expected[:1])
    assert model.predict_proba(rows[1]).shape == (1, 2)
    assert model.run(rows)["label"].tolist() == expected.tolist()
