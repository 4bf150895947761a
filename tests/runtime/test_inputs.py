from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from toolkit.errors import InvalidInput
from toolkit.runtime.inputs import prepare
from toolkit.runtime.schema import Input

ROWS = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
EXPECTED = np.array(ROWS, dtype=np.float32)
PLAIN = (Input("X", "float32", 3),)
NAMED = (Input("X", "float32", 3, columns=("a", "b", "c")),)
WITH_NAN = (Input("X", "float32", 3, non_finite="nan"),)
ANY = (Input("X", "float32", 3, non_finite="any"),)


def prepared(X, specs=PLAIN):
    return prepare(X, specs)["X"]


def message(X, inputs=PLAIN) -> str:
    with pytest.raises(InvalidInput) as caught:
        prepare(X, inputs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- every form of the same rows ------------------------------------------------------------------


def read_only():
    rows = EXPECTED.copy()
    rows.flags.writeable = False
    return rows


FORMS = {
    "list": ROWS,
    "tuple": tuple(map(tuple, ROWS)),
    "list-of-ints": [[1, 2, 3], [4, 5, 6]],
    "float32": EXPECTED,
    "float64": np.array(ROWS),
    "float16": np.array(ROWS, dtype=np.float16),
    "int64": np.array(ROWS, dtype=np.int64),
    "uint8": np.array(ROWS, dtype=np.uint8),
    "object": np.array(ROWS, dtype=object),
    "decimal": [[Decimal(int(v)) for v in row] for row in ROWS],
    "big-endian": np.array(ROWS, dtype=">f4"),
    "fortran": np.asfortranarray(EXPECTED),
    "strided": np.repeat(EXPECTED, 2, axis=1)[:, ::2],
    "reversed": EXPECTED[::-1][::-1],
    "read-only": read_only(),
    "frame": pd.DataFrame(ROWS),
    "frame-of-other-names": pd.DataFrame(ROWS, columns=["x", "y", "z"]),
    "mapping-by-input": {"X": ROWS},
    "mapping-of-columns": {"p": [1, 4], "q": [2.0, 5.0], "r": np.array([3, 6], np.int8)},
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(form):
    found = prepared(FORMS[form])
    np.testing.assert_array_equal(found, EXPECTED)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous


def test_no_rows():
    assert prepared(np.empty((0, 3))).shape == (0, 3)
    assert prepared(pd.DataFrame(columns=["a", "b", "c"], dtype=float), NAMED).shape == (0, 3)


def test_booleans_are_numbers():
    assert prepared([[True, False, True]]).tolist() == [[1.0, 0.0, 1.0]]


@pytest.mark.parametrize("none", [None, pd.NA, np.nan, np.float32("nan")], ids=repr)
def test_missing_numbers_among_objects(none):
    found = prepared(np.array([[1, none, 3]], dtype=object), WITH_NAN)
    np.testing.assert_array_equal(found, [[1, np.nan, 3]])


def test_nullable_columns_of_pandas():
    frame = pd.DataFrame(
        {
            "a": pd.array([1, None], dtype="Int64"),
            "b": pd.array([1.5, None], dtype="Float64"),
            "c": pd.array([True, None], dtype="boolean"),
        }
    )
    found = prepared(frame, WITH_NAN)
    np.testing.assert_array_equal(found, [[1, 1.5, 1], [np.nan, np.nan, np.nan]])


# --- named columns --------------------------------------------------------------------------------

NAMED_FORMS = {
    "frame": pd.DataFrame(ROWS, columns=["a", "b", "c"]),
    "reordered": pd.DataFrame(ROWS, columns=["a", "b", "c"])[["c", "a", "b"]],
    "extra": pd.DataFrame(ROWS, columns=["a", "b", "c"]).assign(label="none"),
    "mapping": {"c": [3, 6], "b": [2, 5], "a": [1, 4]},
    "matrix": {"X": ROWS},
    "array": np.array(ROWS),
    "category": pd.DataFrame(ROWS, columns=["a", "b", "c"]).astype("category"),
}


@pytest.mark.parametrize("form", NAMED_FORMS)
def test_named_columns(form):
    np.testing.assert_array_equal(prepared(NAMED_FORMS[form], NAMED), EXPECTED)


def test_a_feature_called_like_the_input():
    inputs = (Input("X", "float32", 2, columns=("X", "Y")),)
    found = prepared(pd.DataFrame({"Y": [2.0], "X": [1.0]}), inputs)
    assert found.tolist() == [[1.0, 2.0]]


def test_numbered_columns_of_a_frame():
    inputs = (Input("X", "float32", 3, columns=("0", "1", "2")),)
    np.testing.assert_array_equal(prepared(pd.DataFrame(ROWS)[[2, 0, 1]], inputs), EXPECTED)


def test_a_missing_column():
    text = message(pd.DataFrame(ROWS, columns=["a", "B", "c"]), NAMED)
    assert text == "X lacks the column 'b'; the model takes a, b, c"


def test_a_column_that_is_there_twice():
    text = message(pd.DataFrame(np.ones((2, 4)), columns=["a", "b", "c", "a"]), NAMED)
    assert text == "a has 2 columns, the model takes 1"


def test_columns_of_other_lengths():
    text = message({"a": [1, 2], "b": [1], "c": [1, 2]}, NAMED)
    assert "differ in their number of rows" in text


# --- what does not fit ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "expected"),
    [
        (np.ones((2, 2)), "X has 2 columns, the model takes 3"),
        (np.ones((2, 4)), "X has 4 columns, the model takes 3"),
        (pd.DataFrame(np.ones((2, 4))), "X has 4 columns, the model takes 3"),
        ([1.0, 2.0, 3.0], "a single row is written [[…]]"),
        (np.ones(3), "X has the shape (3,), the model takes two dimensions, [N, 3]"),
        (np.ones((2, 3, 1)), "X has the shape (2, 3, 1)"),
        (5.0, "X has the shape ()"),
        ([], "X has the shape (0,)"),
        ([[1, 2, 3], [4, 5]], "X takes numbers (float32)"),
        ({}, "X has no columns"),
        (None, "X has the shape ()"),
    ],
    ids=[
        "few", "many", "many-in-frame", "row", "row-array", "cube", "scalar", "none", "ragged",
        "no-columns", "None",
    ],
)  # fmt: skip
def test_shapes(X, expected):
    assert expected in message(X)


def test_named_width():
    assert message(np.ones((1, 2)), NAMED) == "X has 2 columns, the model takes 3: a, b, c"


@pytest.mark.parametrize(
    "value",
    ["oops", "1.5", b"1", 1j, np.datetime64("2020-01-01"), object(), [1], {}],
    ids=["text", "digits", "bytes", "complex", "date", "object", "list", "dict"],
)
@pytest.mark.parametrize("boxed", [False, True], ids=["list", "object"])
def test_no_numbers(value, boxed):
    X = [[1.0, value, 3.0]]
    if boxed:
        array = np.empty((1, 3), dtype=object)
        array[0] = X[0]
        X = array
    assert message(X).startswith("X takes numbers (float32); ")


def test_text_in_a_frame_names_its_column():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["1", "x"], "c": [1, 2]})
    assert message(frame, NAMED).startswith("b takes numbers (float32); ")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf], ids=str)
def test_finite_numbers_only(value):
    X = np.ones((5, 3))
    X[3, 1] = value
    assert message(X) == (f"X has {value} in row 3, column 1, the model takes finite numbers only")
    assert "row 3, column b" in message(X, NAMED)


@pytest.mark.parametrize("value", [np.inf, -np.inf], ids=str)
def test_nan_but_no_infinity(value):
    assert np.isnan(prepared([[np.nan, 1, 2]], WITH_NAN)[0, 0])
    text = message([[np.nan, 1, 2], [3, value, 4]], WITH_NAN)
    assert text == f"X has {value} in row 1, column 1, the model takes numbers and NaN only"


def test_any_number():
    X = [[np.nan, np.inf, -np.inf]]
    np.testing.assert_array_equal(prepared(X, ANY), X)


@pytest.mark.parametrize("inputs", [PLAIN, WITH_NAN, ANY], ids=["finite", "nan", "any"])
def test_beyond_float32(inputs):
    text = message([[1.0, 2.0, 3.0], [1.0, -1e300, 3.0]], inputs)
    assert text == "X takes float32; the value -1e+300 in row 1 exceeds its range"


def test_many_large_numbers_are_no_infinity():
    """Their sum is infinite, they are not."""
    X = np.full((4, 3), 3e38, dtype=np.float32)
    np.testing.assert_array_equal(prepared(X), X)


@pytest.mark.parametrize("value", [10**400, -(10**400)])
def test_integers_beyond_every_float(value):
    assert message([[1, 2, value]]).startswith("X takes numbers (float32)")


# --- whole numbers and truth values ---------------------------------------------------------------

WHOLE = (Input("X", "int64", 1),)
TRUTH = (Input("X", "bool", 1),)


@pytest.mark.parametrize(
    "X", [[[3]], [[3.0]], [[np.uint8(3)]], np.array([[3]], object)], ids=["int", "float", "u", "o"]
)
def test_whole_numbers(X):
    assert prepared(X, WHOLE).tolist() == [[3]]


@pytest.mark.parametrize("value", [2**53 + 1, 2**63 - 1, -(2**63)])
@pytest.mark.parametrize("dtype", [None, object], ids=["int64", "object"])
def test_large_whole_numbers_are_exact(value, dtype):
    assert prepared(np.array([[value], [0]], dtype=dtype), WHOLE).tolist() == [[value], [0]]


@pytest.mark.parametrize(
    "value",
    [1.5, np.nan, np.inf, 1e300, 2**63, None],
    ids=["half", "nan", "inf", "1e300", "2^63", "None"],
)
def test_no_whole_numbers(value):
    text = message([[1], [value]], WHOLE)
    assert text.startswith(("X takes int64; the value", "X takes numbers (int64)"))


def test_truth_values():
    assert prepared([[1], [0], [1.0]], TRUTH).tolist() == [[True], [False], [True]]
    assert message([[1], [2]], TRUTH) == "X takes bool; the value 2 in row 1 cannot be that"


# --- a table of several types ---------------------------------------------------------------------


# --- pairs of a text and a number -----------------------------------------------------------------
