"""Rows and targets from .npz files."""

import io
import sys

import numpy as np
import pytest

from tests.trainer.test_files import message
from toolkit.errors import InvalidInput
from toolkit.trainer.datasets.files import read_data


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_npz_with_targets(write):
    rows = np.array([[1.5, np.nan], [2, 3]], dtype=np.float32)
    X, y, names = read_data(write("d.npz", npz(X=rows, y=np.array([0, 1]), other=rows)), None)
    np.testing.assert_array_equal(X, rows)
    assert (X.dtype, y.tolist(), names) == (np.float32, [0, 1], ("x0", "x1"))


def test_npz_without_targets(write):
    X, y, names = read_data(write("d.NPZ", npz(X=np.eye(2, dtype=np.int64))), None)
    assert (X.tolist(), y, names) == ([[1, 0], [0, 1]], None, ("x0", "x1"))


def test_npz_with_string_targets(write):
    _, y, _ = read_data(write("d.npz", npz(X=np.eye(2), y=np.array(["a", "ö"]))), "y")
    assert y.tolist() == ["a", "ö"]


def test_npz_without_rows_array(write):
    assert "no array 'X'; it has 'x', 'y'" in message(write("d.npz", npz(x=np.eye(2), y=[1, 2])))


def test_npz_takes_no_target_column(write):
    assert "target 'price' names a column" in message(write("d.npz", npz(X=np.eye(2))), "price")


def test_npz_without_the_targets_asked_for(write):
    assert "no array 'y'" in message(write("d.npz", npz(X=np.eye(2))), "y")


@pytest.mark.parametrize("shape", [(), (4,), (2, 2, 1)], ids=str)
def test_npz_rows_of_other_dimensions(write, shape):
    text = message(write("d.npz", npz(X=np.zeros(shape))))
    assert f"X has shape {shape}; give two dimensions" in text


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)], ids=str)
def test_npz_without_rows_or_columns(write, shape):
    assert f"X has shape {shape}" in message(write("d.npz", npz(X=np.zeros(shape))))


@pytest.mark.parametrize("X", [np.array([["a"]]), np.array([[1j]])], ids=["strings", "complex"])
def test_npz_rows_that_are_no_numbers(write, X):
    assert f"X is of type {X.dtype}; give numbers" in message(write("d.npz", npz(X=X)))


@pytest.mark.parametrize("shape", [(3,), (2, 1, 1), ()], ids=str)
def test_npz_targets_of_another_shape(write, shape):
    text = message(write("d.npz", npz(X=np.eye(2), y=np.zeros(shape))))
    assert f"y has shape {shape} and X has 2 rows" in text


@pytest.mark.parametrize(("value", "named"), [("nan", "missing"), ("inf", "inf"), ("-inf", "-inf")])
def test_npz_targets_that_are_not_finite(write, value, named):
    text = message(write("d.npz", npz(X=np.eye(2), y=np.array([1, value], dtype=float))))
    assert f"the target of data row 2 is {named}" in text


def test_npz_targets_of_a_strange_type(write):
    y = np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]")
    assert "of type datetime64[D]" in message(write("d.npz", npz(X=np.eye(2), y=y)))


def test_npz_that_needs_pickle_is_never_unpickled(write):
    class Bomb:
        def __reduce__(self):
            return (sys.exit, ("unpickled",))

    X = np.array([[Bomb()]], dtype=object)
    assert "allow_pickle" in message(write("d.npz", npz(X=X)))


def test_npz_that_is_something_else(write):
    buffer = io.BytesIO()
    np.save(buffer, np.eye(2))
    for content in (b"", b"not a zip", b"\x80\x04N.", buffer.getvalue()):
        assert "npz" in message(write("d.npz", content))


def test_npz_damaged_anywhere(write):
    rows = np.arange(60.0).reshape(20, 3)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, X=rows, y=np.arange(20))
    content = buffer.getvalue()
    refused = 0
    for place in range(0, len(content), 3):
        assert "npz" in message(write("d.npz", content[:place]))
        flipped = bytearray(content)
        flipped[place] ^= 0xFF
        try:
            X, _, _ = read_data(write("d.npz", bytes(flipped)), None)
        except InvalidInput:
            refused += 1
        else:  # a byte that means nothing: a date, say
            np.testing.assert_array_equal(X, rows)
    assert refused > len(content) / 3 / 2
