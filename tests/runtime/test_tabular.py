from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.errors import InvalidInput
from toolkit.runtime.inputs import prepare
from toolkit.runtime.rows import read_rows
from toolkit.runtime.rows.csv_rows import read_csv
from toolkit.runtime.schema import Input

PLAIN = (Input("X", "float32", 3),)
ONE = (Input("X", "float32", 1, non_finite="nan"),)
NAMED = (Input("X", "float32", 3, columns=("a", "b", "c")),)
TABLE = (
    Input("size", "float32", 1, non_finite="nan"),
    Input("city", "string", 1, non_finite="nan"),
)
CITY = (Input("city", "string", 1, non_finite="nan"),)
WHOLE = (Input("X", "int64", 1, columns=("n",)),)


@pytest.fixture
def rows(tmp_path):
    """Read CSV text for a model's inputs, as `predict` does."""

    def read(content, inputs):
        path = tmp_path / "rows.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        found = prepare(read_rows(str(path), inputs), inputs)
        return {name: values.tolist() for name, values in found.items()}

    return read


@pytest.fixture
def refused(rows):
    def read(content, inputs):
        with pytest.raises(InvalidInput) as caught:
            rows(content, inputs)
        text = str(caught.value)
        assert "rows.csv: " in text
        assert "\n" not in text
        return text.partition("rows.csv: ")[2]

    return read


# --- CSV: what is a header, and what is a row -----------------------------------------------------


@pytest.mark.parametrize(
    ("content", "inputs"),
    [
        ("1,2,3\n", PLAIN),
        ("1,2,3", PLAIN),
        ("\ufeff1,2,3\r\n", PLAIN),
        (" 1 , 2.0,+3e0\n", PLAIN),
        ("x,y,z\n1,2,3\n", PLAIN),
        ('"x\ny",y,z\n1,2,3\n', PLAIN),
        ("1,2,3\n", NAMED),
        ("c,a,b\n3,1,2\n", NAMED),
        ("c,more,a,b\n3,text,1,2\n", NAMED),
        ("1,2,3\n\n", PLAIN),
        ("1,2,3\r\n\r\n", NAMED),
    ],
    ids=[
        "bare", "no-newline", "mark-crlf", "spaces", "header", "header-on-two-lines",
        "bare-for-names", "reordered", "extra", "blank-end", "blank-end-crlf",
    ],
)  # fmt: skip
def test_one_row(rows, content, inputs):
    assert rows(content, inputs) == {"X": [[1.0, 2.0, 3.0]]}


def test_names_that_are_numbers(rows):
    inputs = (Input("X", "float32", 2, columns=("0", "1")),)
    assert rows("1,0\n5,6\n", inputs) == {"X": [[6.0, 5.0]]}


@pytest.mark.parametrize(
    ("content", "inputs", "expected"),
    [
        ("a,B,c\n1,2,3\n", NAMED, "its first line lacks the column 'b'; the model takes a, b, c"),
        ("x,y,z\n1,2,3\n", NAMED, "its first line lacks the column 'a'"),
        ("a,b,c,a\n1,2,3,4\n", NAMED, "its first line names twice the column 'a'"),
        ("1,oops,3\n4,5,6\n", PLAIN, "line 1 has 'oops' among numbers"),
        ("1,oops,3\n4,5,6\n", NAMED, "line 1 has 'oops' among numbers"),
        ("1.5,Ulm\n", TABLE, "its first line lacks the column 'size'"),
        ("Ulm\nBonn\n", CITY, "its first line lacks the column 'city'"),
        ("City\nBonn\n", CITY, "its first line lacks the column 'city'"),
    ],
    ids=[
        "misspelt", "other", "twice", "text-in-first-row", "text-in-first-row-for-names",
        "no-header", "no-header-text", "misspelt-text",
    ],
)  # fmt: skip
def test_no_row_is_taken_for_a_header(refused, content, inputs, expected):
    assert expected in refused(content, inputs)


def test_tables(rows):
    assert rows("city,more,size\nUlm,x,1.5\n,y,\n 2 ,z,3\n", TABLE) == {
        "size": [[1.5], [pytest.approx(np.nan, nan_ok=True)], [3.0]],
        "city": [["Ulm"], [""], [" 2 "]],
    }


# --- CSV: nothing is dropped ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "count"),
    [("1\n\n2\n", 3), ("1\n\n\n", 2), ('1\n""\n', 2), ('v\n\n1\n""\n\n', 3), ("1\n2\n\n", 2)],
    ids=["middle", "two-at-the-end", "quoted", "all", "end"],
)
def test_blank_lines_of_one_column_are_missing_values(rows, content, count):
    found = np.array(rows(content, ONE)["X"])
    assert len(found) == count
    numbers = [float(line) for line in content.split() if line[0].isdigit()]
    assert found[~np.isnan(found)].tolist() == numbers


def test_blank_text_is_missing(rows):
    assert rows("city\nUlm\n\nBonn\n\n", CITY) == {"city": [["Ulm"], [""], ["Bonn"]]}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("1,2,3\n\n4,5,6\n", "line 2 is blank, the first has 3"),
        ("1,2,3\n\n\n", "line 2 is blank, the first has 3"),
        ("1,2,3\n4,5\n", "line 2 has 2 fields, the first has 3; every row needs as many"),
        ("1,2,3\n4,5,6,7\n", "line 2 has 4 fields"),
        ('a,b,"c",\n1,2,3,"\n\n"\n4,5\n', "line 5 has 2 fields"),
        ("", "is empty; give at least one row"),
        ("\n", "is empty"),
        ("\n\n\n", "is empty"),
        ("\ufeff", "is empty"),
        ("a,b,c\n", "has a header and no rows"),
        ("a,b,c\n\n", "has a header and no rows"),
        ("a,b,c", "has a header and no rows"),
        (b"1,2,\xff\n", "is not UTF-8 text"),
        ("a,b,c\n".encode("utf-16"), "is not UTF-8 text"),
        ('a,b,c\n1,2,3\n1,"2,3\n', "line 3 is not well-formed CSV"),
        ("1;2;3\n4;5;6\n", "lacks the column 'a'"),
    ],
    ids=[
        "blank", "blank-end-twice", "short", "long", "short-after-breaks", "empty", "newline",
        "newlines", "mark", "header", "header-blank", "header-cut", "latin1", "utf16", "quote",
        "semicolons",
    ],
)  # fmt: skip
def test_ragged_empty_and_damaged_files(refused, content, expected):
    assert expected in refused(content, NAMED)


@settings(max_examples=80)
@given(st.integers(1, 3), st.data())
def test_read_csv_gives_every_row_that_was_written(width, data):
    texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
    row = st.lists(texts, min_size=width, max_size=width)
    table = data.draw(st.lists(row, min_size=1, max_size=6))
    text = io.StringIO()
    csv.writer(text).writerows([["name"] * width, *table])
    assert read_csv(text.getvalue().encode(), "x") == [["name"] * width, *table]


# --- CSV: fields ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ("", "an empty field"),
        ("  ", "an empty field"),
        ("nan", "'nan'"),
        ("inf", "'inf'"),
        ("-Infinity", "'-Infinity'"),
        ("1e300", "'1e300'"),
        ("1e400", "'1e400'"),
        ("oops", "'oops'"),
        ("1_000", "'1_000'"),
        ("１", "'１'"),
        ("0x10", "'0x10'"),
        ("1,", "line 4 has 4 fields"),
    ],
    ids=[
        "empty", "blank", "nan", "inf", "-inf", "float32", "float64", "text", "underscore",
        "wide-digit", "hex", "comma",
    ],
)  # fmt: skip
def test_fields_that_are_no_number(refused, field, shown):
    """The physical line is named, and the column by its name."""
    text = refused(f'a,"b",c\n"1",2,3\n4,5,6\n4,{field},6\n', NAMED)
    if field == "1,":
        assert shown in text
    else:
        assert text.startswith(f"line 4, column b has {shown}; the model takes finite numbers")


@pytest.mark.parametrize("non_finite", ["nan", "any"])
def test_missing_numbers(rows, non_finite):
    inputs = (Input("X", "float32", 3, non_finite=non_finite),)
    np.testing.assert_array_equal(rows("1,,NaN\n", inputs)["X"], [[1.0, np.nan, np.nan]])


@pytest.mark.parametrize("word", ["NA", "null", " n/a "])
def test_words_for_missing_numbers(rows, refused, word):
    inputs = (Input("X", "float32", 2, non_finite="nan"),)
    np.testing.assert_array_equal(rows(f"{word},1\n", inputs)["X"], [[np.nan, 1.0]])
    finite = (Input("X", "float32", 2),)
    assert f"has {word!r}; the model takes finite numbers" in refused(f"{word},1\n", finite)


def test_infinities(rows, refused):
    any_number = (Input("X", "float32", 2, non_finite="any"),)
    assert rows("inf,-inf\n", any_number) == {"X": [[np.inf, -np.inf]]}
    assert "line 1, column 2 has '1e39'" in refused("inf,1e39\n", any_number)
    assert "has 'inf'" in refused("1,inf\n", (Input("X", "float32", 2, non_finite="nan"),))


def test_float64_keeps_every_digit(rows):
    value = 0.1234567890123456
    assert rows(f"{value!r}\n", (Input("X", "float64", 1),)) == {"X": [[value]]}


@pytest.mark.parametrize("field", ["7", "7.0", "+7", "0.7e1", " 7 "])
def test_whole_numbers(rows, field):
    assert rows(f"n\n{field}\n", WHOLE) == {"X": [[7]]}


def test_whole_numbers_beyond_float64_are_exact(rows):
    assert rows("9007199254740993\n", WHOLE) == {"X": [[9007199254740993]]}


@pytest.mark.parametrize("field", ["1.5", "nan", "inf", '""', "9223372036854775808", "x"])
def test_no_whole_numbers(refused, field):
    assert refused(f"n\n7\n{field}\n", WHOLE).startswith("line 3, column n has ")


@pytest.mark.parametrize(("dtype", "one"), [("float32", 1.0), ("float64", 1.0), ("int64", 1)])
def test_truths_among_numbers_are_one_and_zero(rows, dtype, one):
    """As pandas writes a column of them, and as they were read in fitting."""
    inputs = (Input("X", dtype, 2, columns=("t", "u")),)
    found = rows("t,u\nTrue,3\nfalse,4\n", inputs)["X"]
    assert found == [[one, 3], [0, 4]]


def test_truth_values(rows, refused):
    inputs = (Input("X", "bool", 1, columns=("t",)),)
    expected = {"X": [[True], [False], [True], [False]]}
    assert rows("t\nTrue\nfalse\n1\n0\n", inputs) == expected
    assert "line 3, column t has '2'" in refused("t\n1\n2\n", inputs)


def test_missing_text_where_none_is_taken(refused):
    inputs = (Input("size", "float32", 1), Input("city", "string", 1))
    text = refused('city,size\n"Ulm\nam\nRhein",1\n,2\n', inputs)
    assert text.startswith("line 5, column city has an empty field; the model takes text")


# --- npz ------------------------------------------------------------------------------------------


# --- other sources, and output --------------------------------------------------------------------
