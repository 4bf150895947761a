"""A user's data files: what is read from good ones, and one line of error for each bad one."""

import decimal
import sys
import zlib

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer

from toolkit.errors import InvalidInput
from toolkit.trainer.datasets.files import read_data

TABLE = b"size,city,price\n1,Z\xc3\xbcrich,2.5\n2,,3\n"


def parquet(**columns):
    return pd.DataFrame(columns).to_parquet()


def message(path, target=None):
    """Return the error of reading `path`: one line that begins with the file's name."""
    with pytest.raises(InvalidInput) as caught:
        read_data(path, target)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


# --- good files -----------------------------------------------------------------------------------


def test_csv_with_target(write):
    X, y, names = read_data(write("d.csv", TABLE), "price")
    assert names == ("size", "city")
    assert tuple(X.columns) == names
    assert X["size"].dtype == np.int64
    assert X["city"].dtype == object
    assert (X["city"][0], X["city"].isna().tolist()) == ("Zürich", [False, True])
    assert (y.dtype, y.tolist()) == (np.float64, [2.5, 3.0])


def test_csv_without_target(write):
    X, y, names = read_data(write("d.csv", TABLE), None)
    assert (y, names, X.shape) == (None, ("size", "city", "price"), (2, 3))


def test_csv_string_targets_need_no_pickle(write):
    _, y, _ = read_data(write("d.csv", b"a,b\n1,x\n2,longer\n"), "b")
    assert (y.dtype.kind, y.tolist()) == ("U", ["x", "longer"])


def test_csv_of_a_spreadsheet(write):
    content = b'\xef\xbb\xbfa,"b, c"\r\n1,"x\r\ny"\r\n'
    X, _, names = read_data(write("d.csv", content), None)
    assert (names, X["b, c"].tolist()) == (("a", "b, c"), ["x\r\ny"])


@pytest.mark.parametrize(
    ("fields", "dtype", "values"),
    [
        (("1", "-2"), "int64", [1, -2]),
        (("9223372036854775807", "0"), "int64", [2**63 - 1, 0]),
        (("9223372036854775808", "0"), "float64", [2.0**63, 0]),
        (("1", ""), "float64", [1, np.nan]),
        (("1", ".5e1"), "float64", [1, 5]),
        (("nan", "1."), "float64", [np.nan, 1]),
        (("-inf", "1"), "float64", [-np.inf, 1]),
        (("", ""), "float64", [np.nan, np.nan]),
        (("1", "x"), "object", ["1", "x"]),
        (("", "x"), "object", [np.nan, "x"]),
        (("1_000", "2"), "object", ["1_000", "2"]),
        (("٣", "2"), "object", ["٣", "2"]),
        (("0x10", "2"), "object", ["0x10", "2"]),
        (("None", "NA"), "object", ["None", "NA"]),
        (("NA", "x"), "object", ["NA", "x"]),
        (("NA", "1"), "float64", [np.nan, 1]),
        (("null", "", "2.5"), "float64", [np.nan, np.nan, 2.5]),
        ((" 1", "2 "), "int64", [1, 2]),
        (("True", "false", "TRUE"), "bool", [True, False, True]),
        (("True", ""), "object", [True, np.nan]),
        (("True", "1"), "object", ["True", "1"]),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, tuple) else None,
)
def test_type_of_a_csv_column(write, fields, dtype, values):
    content = "key,column\n" + "".join(f"k,{field}\n" for field in fields)
    X, _, _ = read_data(write("d.csv", content.encode()), None)
    assert X["column"].dtype == dtype
    pd.testing.assert_series_equal(X["column"], pd.Series(values, dtype=dtype, name="column"))


def test_missing_text_is_what_pandas_reads(write, tmp_path):
    """An imputer that was fitted on what pandas reads must find the same value for what misses."""
    content = b"size,city\n1,Oslo\n2,\n"
    X, _, _ = read_data(write("d.csv", content), None)
    theirs = pd.read_csv(tmp_path / "d.csv")
    imputer = SimpleImputer(strategy="most_frequent").fit(theirs[["city"]])
    np.testing.assert_array_equal(imputer.transform(X[["city"]]), [["Oslo"], ["Oslo"]])


def test_parquet(write):
    content = parquet(
        number=np.array([1.5, np.nan], dtype=np.float32),
        whole=pd.array([1, None], dtype="Int64"),
        flag=[True, False],
        city=["Łódź", None],
        kind=pd.Categorical(["a", None]),
        price=[1, 2],
    )
    X, y, names = read_data(write("d.parquet", content), "price")
    assert names == ("number", "whole", "flag", "city", "kind")
    assert [str(dtype) for dtype in X.dtypes] == ["float32", "float64", "bool", "object", "object"]
    np.testing.assert_array_equal(X["whole"], [1, np.nan])
    assert X["city"].isna().tolist() == X["kind"].isna().tolist() == [False, True]
    assert (X["city"][0], X["kind"][0]) == ("Łódź", "a")
    assert (y.dtype, y.tolist()) == (np.int64, [1, 2])


def test_a_saved_index_is_no_feature(write):
    content = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["r", "s"], name="id")).to_parquet()
    X, _, names = read_data(write("d.parquet", content), None)
    assert (names, X["a"].tolist(), X.index.tolist()) == (("a",), [1, 2], [0, 1])


# --- the path -------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["npz", "csv", "parquet"])
def test_missing_file(tmp_path, suffix):
    assert "no such file" in message(tmp_path / f"absent.{suffix}")


def test_folder(tmp_path):
    folder = tmp_path / "d.csv"
    folder.mkdir()
    assert "give a readable file" in message(folder)


@pytest.mark.parametrize("name", ["d.xlsx", "d"])
def test_unknown_ending(write, name):
    assert "give one of .npz, .csv, .parquet" in message(write(name, TABLE))


# --- npz ------------------------------------------------------------------------------------------


# --- csv ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"], ids=["empty", "blank", "mark"])
def test_csv_empty(write, content):
    assert "is empty" in message(write("d.csv", content))


def test_csv_header_alone(write):
    assert "has a header but no rows" in message(write("d.csv", b"a,b\n"))


@pytest.mark.parametrize(("row", "count"), [(b"5", 1), (b"5,6,7", 3)], ids=["short", "long"])
def test_csv_ragged(write, row, count):
    text = message(write("d.csv", b"a,b\n1,2\n" + row + b"\n3,4\n"))
    assert f"line 3 has {count} fields, the first has 2" in text


def test_csv_repeated_name(write):
    assert "the column 'a' is there twice" in message(write("d.csv", b"a,b,a\n1,2,3\n"))


def test_a_csv_column_without_a_name_is_called_as_pandas_calls_it(write):
    X, _, names = read_data(write("d.csv", b"a,\n1,2\n"), None)
    assert names == ("a", "Unnamed: 1")
    assert X["Unnamed: 1"].tolist() == [2]


def test_csv_broken_quotes(write):
    assert "CSV" in message(write("d.csv", b'a,b\n1,"2\n'))


def test_csv_not_utf8(write):
    assert "UTF-8" in message(write("d.csv", "a,b\n1,Zürich\n".encode("latin-1")))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_unknown_target_suggests_the_nearest(write, suffix):
    content = TABLE if suffix == "csv" else parquet(size=[1, 2], city=["a", "b"], price=[2, 3])
    text = message(write(f"d.{suffix}", content), "prices")
    assert text == "no column 'prices'; did you mean 'price'? it has 'size', 'city', 'price'"


def test_target_that_is_like_no_column(write):
    assert message(write("d.csv", TABLE), "zzz").startswith("no column 'zzz'; it has 'size'")


def test_target_is_the_only_column(write):
    assert "X has shape (2, 0)" in message(write("d.csv", b"a\n1\n2\n"), "a")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        (("1", ""), "missing"),
        (("1", "nan"), "missing"),
        (("1", "inf"), "inf"),
        (("x", ""), "missing"),
    ],
)
def test_csv_target_that_is_not_finite(write, fields, named):
    content = "a,t\n" + "".join(f"1,{field}\n" for field in fields)
    assert f"the target of data row 2 is {named}" in message(write("d.csv", content.encode()), "t")


def test_csv_without_pandas(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert "pip install 'proven-onnx[export]'" in message(write("d.csv", TABLE))


# --- parquet --------------------------------------------------------------------------------------


def test_parquet_without_pyarrow(write, monkeypatch):
    content = parquet(a=[1])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    text = message(write("d.parquet", content))
    assert "pip install 'proven-onnx[parquet]'" in text


def test_parquet_damaged(write):
    content = parquet(a=[1, 2], b=["x", "y"])
    for damaged in (b"", b"PAR1", content[:-20], content[20:], zlib.compress(content)):
        assert "damaged or not parquet" in message(write("d.parquet", damaged))


@pytest.mark.parametrize(
    "values",
    [
        [[1], [2]],
        pd.to_datetime(["2020-01-01", None]),
        [decimal.Decimal("1.5"), None],
        [b"a", b"b"],
    ],
    ids=["lists", "dates", "decimals", "bytes"],
)
def test_a_parquet_column_of_another_type_is_left_to_who_uses_it(write, values):
    """An estimator may drop dates, and know what to do with decimals."""
    X, _, _ = read_data(write("d.parquet", parquet(a=[1, 2], odd=values)), None)
    assert X["a"].tolist() == [1, 2]
    assert X["odd"].dtype == object


def test_parquet_without_rows(write):
    assert "X has shape (0, 1)" in message(write("d.parquet", parquet(a=np.zeros(0))))
