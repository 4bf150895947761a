"""The short way in for tables gives what `prepare` gives, or leaves the table alone."""

from __future__ import annotations

import decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.errors import InvalidInput
from toolkit.runtime.columns import Columns
from toolkit.runtime.inputs import FAR, prepare
from toolkit.runtime.schema import Input

TABLE = (
    Input("age", "float32", 1, "nan"),
    Input("fare", "float64", 1, "finite"),
    Input("rooms", "int64", 1, "finite"),
    Input("open", "bool", 1, "finite"),
    Input("sex", "string", 1, "nan"),
    Input("port", "string", 1, "finite"),
)
MATRIX = (Input("X", "float32", 3, "nan*2|finite", ("a", "b", "c")),)
WORDS = st.sampled_from(["m", "f", "", None, float("nan"), 3])
NUMBERS = st.one_of(
    st.floats(width=32),
    st.integers(-(2**70), 2**70),
    st.sampled_from([None, True, np.float64(2.5), np.int32(7), 1e300, "1", decimal.Decimal("0.5")]),
)
WHOLE = st.one_of(
    st.integers(-(2**70), 2**70), st.sampled_from([3.0, 2.5, True, None, np.int64(9)])
)
TRUTHS = st.sampled_from([True, False, np.bool_(True), 0, 1, None, "true"])


def outcome(inputs, X):
    """Return what `prepare` makes of X, None where it refuses it."""
    try:
        return prepare(X, inputs)
    except InvalidInput:
        return None


def assert_alike(inputs, X):
    """The short way gives what the long one does, or nothing."""
    found, wanted = Columns(inputs).read(X), outcome(inputs, X)
    if found is None:
        return
    assert wanted is not None
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_table_is_read_alike_or_left_alone(data):
    rows = data.draw(st.integers(1, 4))
    kinds = {"age": NUMBERS, "fare": NUMBERS, "rooms": WHOLE, "open": TRUTHS}
    kinds |= {"sex": WORDS, "port": WORDS}
    X = {n: data.draw(st.lists(k, min_size=rows, max_size=rows)) for n, k in kinds.items()}
    assert_alike(TABLE, X)
    assert_alike(TABLE, {n: np.array(v, dtype=object) for n, v in X.items()})
    assert_alike(TABLE, pd.DataFrame({n: pd.Series(v, dtype=object) for n, v in X.items()}))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_matrix_is_read_alike_or_left_alone(data):
    rows = data.draw(st.integers(1, 3))
    X = {n: data.draw(st.lists(NUMBERS, min_size=rows, max_size=rows)) for n in "abc"}
    assert_alike(MATRIX, X)
    assert_alike(MATRIX, pd.DataFrame({n: pd.Series(v, dtype=object) for n, v in X.items()}))


COLUMNS = {
    "Int64": (st.integers(-(2**40), 2**40), {"age", "fare", "rooms"}),
    "Float64": (st.floats(width=32), {"age", "fare"}),
    "boolean": (st.booleans(), {"age", "fare", "open"}),
    "int64[pyarrow]": (st.integers(-(2**40), 2**40), {"age", "fare", "rooms"}),
    "double[pyarrow]": (st.floats(width=32), {"age", "fare"}),
    "bool[pyarrow]": (st.booleans(), {"age", "fare", "open"}),
    "string[pyarrow]": (st.sampled_from(["m", "f", ""]), {"sex", "port"}),
    "string[python]": (st.sampled_from(["m", "f", ""]), {"sex", "port"}),
    "str": (st.sampled_from(["m", "f", ""]), {"sex", "port"}),
    "category": (st.sampled_from(["m", "f", ""]), {"sex", "port"}),
    "object": (st.sampled_from([2, 2.5, True, decimal.Decimal("0.5")]), {"age", "fare"}),
}
CODES = st.integers(-9, 9)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_types_of_pandas_are_read_alike(data):
    """Every type in every column, fitting or not, some values missing."""
    rows = data.draw(st.integers(1, 4))
    X = {}
    for spec in TABLE:
        dtype = data.draw(st.sampled_from(sorted(COLUMNS)))
        values, _ = COLUMNS[dtype]
        if dtype == "category" and data.draw(st.booleans()):
            values = CODES
        cell = st.one_of(values, st.none()) if data.draw(st.booleans()) else values
        X[spec.name] = pd.Series(
            data.draw(st.lists(cell, min_size=rows, max_size=rows)), dtype=dtype
        )
    assert_alike(TABLE, pd.DataFrame(X))


@pytest.mark.parametrize("rows", [1, 300])
@pytest.mark.parametrize("dtype", sorted(COLUMNS.keys() - {"object"}))
def test_types_of_pandas_take_the_short_way(dtype, rows):
    X = plain(rows).fillna({"age": 0.5})
    for name in COLUMNS[dtype][1]:
        values = X[name].round() if "nt" in dtype else X[name]
        X[name] = (values > 0).astype(dtype) if "bool" in dtype else values.astype(dtype)
    assert Columns(TABLE).read(X) is not None
    assert_alike(TABLE, X)


@pytest.mark.parametrize("rows", [1, 200])
@pytest.mark.parametrize("dtype", ["str", "object", "string[pyarrow]", "category"])
def test_missing_texts_are_empty_ones(dtype, rows):
    X = plain(rows)
    X["sex"] = pd.Series([None, "m", "f"] * rows, dtype=dtype)[:rows]
    assert Columns(TABLE).read(X)["sex"][0, 0] == ""
    assert_alike(TABLE, X)
    X["port"] = X["sex"]  # which takes none
    assert outcome(TABLE, X) is None
    assert Columns(TABLE).read(X) is None


@pytest.mark.parametrize("column", ["age", "fare", "rooms"])
@pytest.mark.parametrize(
    "value", [np.complex64(3 + 2j), np.timedelta64(5), np.str_("3"), np.bytes_(b"3")], ids=repr
)
@pytest.mark.parametrize("rows", [1, 2])
def test_what_is_no_number_is_not_read_as_one(column, value, rows):
    X = {name: plain(rows)[name].tolist() for name in plain(rows)} | {column: [value] * rows}
    assert outcome(TABLE, X) is None
    assert Columns(TABLE).read(X) is None


def plain(rows):
    rng = np.random.default_rng(rows)
    return pd.DataFrame(
        {
            "port": rng.choice(["S", "C"], rows),
            "age": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(size=rows)),
            "fare": rng.normal(size=rows),
            "rooms": rng.integers(0, 9, rows),
            "open": rng.random(rows) < 0.5,
            "more": "what the model does not take",
            "sex": rng.choice(["m", "f", ""], rows),
        }
    )


@pytest.mark.parametrize("rows", [1, 2, 700])
@pytest.mark.parametrize(
    "form",
    [
        lambda X: {name: X[name].tolist() for name in X},
        lambda X: {name: X[name].to_numpy() for name in X},
        lambda X: X.astype({"sex": object, "port": object}),
        lambda X: X,
        lambda X: X.astype({"sex": "string", "port": "string"}),
    ],
    ids=["lists", "arrays", "objects", "str", "string"],
)
def test_plain_tables_take_the_short_way(form, rows):
    X = form(plain(rows))
    assert Columns(TABLE).read(X) is not None
    assert_alike(TABLE, X)


@pytest.mark.parametrize(
    "column",
    [
        {"fare": [np.nan, 1.0]},
        {"age": [FAR, 1.0]},
        {"age": [np.inf, 1.0]},
        {"rooms": [1.5, 1]},
        {"open": [1, 0]},
        {"port": ["", "S"]},
        {"sex": ["m", 3]},
        {"age": [1.0]},
    ],
    ids=str,
)
def test_what_is_odd_is_left_to_prepare(column):
    X = {name: plain(2)[name].tolist() for name in plain(2)} | column
    assert Columns(TABLE).read(X) is None


def test_columns_that_move_are_found_again():
    reader, X = Columns(TABLE), plain(5)
    for names in (list(X), list(X)[::-1], sorted(X)):
        found = reader.read(X[names])
        np.testing.assert_array_equal(found["fare"].ravel(), X["fare"])
    assert reader.read(X[list(X)]) is not None
    assert reader.read(X.rename(columns={"fare": "price"})) is None
    assert reader.read(pd.concat([X, X], axis=1)) is None
