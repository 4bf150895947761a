"""Rows from .npz files, and answers as files."""

from __future__ import annotations

import csv
import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.runtime.test_tabular import PLAIN, TABLE
from toolkit.errors import InvalidInput
from toolkit.runtime.inputs import prepare
from toolkit.runtime.npz import read_npz
from toolkit.runtime.rows import read_rows
from toolkit.runtime.rows.answers import Asked
from toolkit.runtime.rows.written import sink


def npz(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_npz_by_input_name_or_as_X(tmp_path):
    path = tmp_path / "rows.npz"
    path.write_bytes(npz(city=np.array(["Ulm"]), size=np.array([1.5]), y=np.ones(1)))
    found = prepare(read_rows(str(path), TABLE), TABLE)
    assert (found["size"].tolist(), found["city"].tolist()) == ([[1.5]], [["Ulm"]])
    path.write_bytes(npz(X=np.ones((1, 3))))
    assert prepare(read_rows(str(path), PLAIN), PLAIN)["X"].tolist() == [[1.0, 1.0, 1.0]]
    path.write_bytes(npz(Z=np.ones((1, 3))))
    with pytest.raises(InvalidInput, match="has the arrays Z; the model takes X"):
        read_rows(str(path), PLAIN)


def test_every_flipped_byte_of_an_npz():
    """An error, or the same numbers: a flip in a date or a flag means nothing."""
    values = np.arange(6.0).reshape(2, 3)
    content = npz(X=values)
    refused = 0
    for at in range(len(content)):
        for bit in (0, 5, 7):
            damaged = bytearray(content)
            damaged[at] ^= 1 << bit
            try:
                found = read_npz(bytes(damaged), "x.npz")
            except InvalidInput:
                refused += 1
            else:
                assert not found or np.array_equal(found["X"], values)
    assert refused > len(content)


def test_every_truncated_npz():
    content = npz(X=np.arange(6.0))
    for size in range(len(content)):
        with pytest.raises(InvalidInput, match=r"x\.npz"):
            read_npz(content[:size], "x.npz")


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('pickle was run')",)


@pytest.mark.parametrize(
    "content",
    [npz(X=np.array([Bomb()], dtype=object)), pickle.dumps(Bomb())],
    ids=["object-array", "pickle"],
)
def test_pickles_are_never_loaded(content):
    with pytest.raises(InvalidInput, match="not a readable npz"):
        read_npz(content, "x.npz")


def archive(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    return buffer.getvalue()


def npy(**header) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        archive(X=b"no array"),
        archive(**{"X.npy": b"no array"}),
        archive(**{"X.npy": npy(descr="<f8", fortran_order=False, shape=(10**14,))}),
        archive(**{"X.npy": npy(descr="<f8", fortran_order=False, shape=(2**40, 2**40))}),
        archive(**{"X.npy": npy(descr="|O", fortran_order=False, shape=(1,)) + b"\x80\x04N."}),
        npy(descr="<f8", fortran_order=False, shape=(1,)) + bytes(8),
    ],
    ids=["no-array", "no-array-npy", "huge", "overflow", "object", "bare-npy"],
)
def test_odd_archives(content):
    with pytest.raises(InvalidInput, match=r"x\.npz"):
        read_npz(content, "x.npz")


@pytest.mark.parametrize("name", ["rows.txt", "rows", "rows.CSV.gz"])
def test_unknown_suffix(name):
    with pytest.raises(InvalidInput, match=r"rows are read from \.csv, \.json, .*\.npz"):
        read_rows(name, PLAIN)


OUTPUTS = {
    "label": np.array(["a", 'b"'], dtype=object),
    "scores": np.array([[1.5], [2.0]], dtype=np.float32),
    "probabilities": np.array([[0.25, 0.75], [1.0, 0.0]], dtype=np.float32),
}


@pytest.fixture
def render(tmp_path):
    def render(outputs, kind):
        target = str(tmp_path / f"answers.{kind}")
        with sink(target, kind, Asked()) as out:
            out.write(outputs)
        return Path(target).read_bytes()

    return render


def test_render_csv(render):
    assert list(csv.reader(io.StringIO(render(OUTPUTS, "csv").decode()))) == [
        ["label", "scores", "probabilities_0", "probabilities_1"],
        ["a", "1.5", "0.25", "0.75"],
        ['b"', "2.0", "1.0", "0.0"],
    ]


def test_render_json(render):
    assert json.loads(render(OUTPUTS, "json")) == {n: a.tolist() for n, a in OUTPUTS.items()}


def test_render_npz(render):
    found = read_npz(render(OUTPUTS, "npz"), "x")
    assert {n: a.tolist() for n, a in found.items()} == {n: a.tolist() for n, a in OUTPUTS.items()}


def test_render_of_odd_outputs(render):
    cube = np.arange(8.0).reshape(2, 2, 2)
    assert render({"Y": cube}, "csv") == b"Y_0,Y_1,Y_2,Y_3\n0.0,1.0,2.0,3.0\n4.0,5.0,6.0,7.0\n"
    assert render({"Y": np.array(3.0)}, "csv") == b"Y\n3.0\n"
    with pytest.raises(InvalidInput, match="differ in their number of rows"):
        render({"a": np.ones(2), "b": np.ones(3)}, "csv")
