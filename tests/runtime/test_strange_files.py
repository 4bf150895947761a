"""Files from strangers: of another kind than recorded, archives that swell, odd manifests."""

from __future__ import annotations

import io
import os
import resource
import shutil
import subprocess
import sys
import threading
import zipfile

import numpy as np
import pytest

from tests.runtime.test_odd_manifests import change
from toolkit.errors import CorruptArtifact, InvalidInput, ToolkitError
from toolkit.runtime import load
from toolkit.runtime.files import STREAM, read_bytes, sha256
from toolkit.runtime.manifest import LARGEST
from toolkit.runtime.npz import read_npz
from toolkit.runtime.rows import csv_rows, read_rows
from toolkit.runtime.rows.csv_rows import read_csv
from toolkit.runtime.schema import Input
from toolkit.runtime.verify import verify

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no FIFOs, links and limits there")
X = Input("X", "float32", None, "finite", None)


def replaced(folder, name, make):
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    make(path, content)
    return path


def fifo(path, _content):
    os.mkfifo(path)


def endless(path, _content):
    path.symlink_to("/dev/zero")


def huge(path, _content):
    with open(path, "wb") as stream:
        stream.truncate(6 << 30)


def outside(path, content):
    target = path.parent.parent / "elsewhere.bin"
    target.write_bytes(content)
    path.symlink_to(target)


def folder_of_its_name(path, _content):
    path.mkdir()


STRANGE = [fifo, endless, huge, outside, folder_of_its_name]
WORDS = {
    "fifo": "no regular file",
    "endless": "is a link out of the bundle",
    "huge": "its SHA-256 is not the one in manifest.json (6442450944 bytes",
    "outside": "is a link out of the bundle",
    "folder_of_its_name": "model.onnx: ",
}


@pytest.mark.parametrize("make", STRANGE, ids=lambda f: f.__name__)
def test_listed_files(california, make):
    replaced(california, "model.onnx", make)
    for use in (load, verify):
        with pytest.raises(ToolkitError) as caught:
            use(california)
        assert WORDS[make.__name__] in str(caught.value)
    assert "model.onnx" in str(caught.value)


@pytest.mark.parametrize("name", ["golden.npz", "evaluation.npz", "estimator.skops"])
@pytest.mark.parametrize("make", STRANGE, ids=lambda f: f.__name__)
def test_listed_files_at_home(california, name, make):
    from toolkit.bundle import open_bundle

    replaced(california, name, make)
    with pytest.raises(ToolkitError, match=name):
        verify(california)
    with pytest.raises(ToolkitError, match=name):
        open_bundle(california).read(name)


def test_a_manifest_that_is_no_file(california):
    replaced(california, "manifest.json", fifo)
    with pytest.raises(InvalidInput, match=r"holds no manifest\.json"):
        load(california)
    (california / "manifest.json").unlink()
    huge(california / "manifest.json", b"")
    with pytest.raises(CorruptArtifact, match=f"up to {LARGEST} are read"):
        load(california)


def test_links_into_a_bundle_and_within_it(california, tmp_path):
    rows = np.ones((2, 8), np.float32)
    expected = load(california).predict(rows)
    inside = california / "data"
    inside.mkdir()
    shutil.move(california / "model.onnx", inside / "model.onnx")
    (california / "model.onnx").symlink_to("data/model.onnx")  # as volumes of containers are made
    np.testing.assert_array_equal(load(california).predict(rows), expected)
    file, folder = tmp_path / "my.pack", tmp_path / "folder"
    file.symlink_to(california / "model.uint8-pack.pack")
    folder.symlink_to(california)
    assert len(load(file).predict(rows)) == 2
    np.testing.assert_array_equal(load(folder).predict(rows), expected)
    np.testing.assert_array_equal(load(folder / "model.onnx").predict(rows), expected)


def test_a_pipe_without_an_end_is_read_so_far(tmp_path):
    path = tmp_path / "p"
    os.mkfifo(path)

    def write():
        try:
            with open(path, "wb") as stream:
                for _ in range(STREAM // (1 << 20) + 2):
                    stream.write(bytes(1 << 20))
        except BrokenPipeError:
            pass

    writer = threading.Thread(target=write)
    writer.start()
    with pytest.raises(InvalidInput, match="gives more than"):
        read_bytes(path)
    writer.join()


def npz(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return out.getvalue()


def npy(shape, stored):
    buffer = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue() + bytes(8 * stored)


@pytest.mark.parametrize(
    "content",
    [
        npz(X=npy((1 << 25, 4), 1 << 27)),
        npz(**{f"X{k}": npy((1 << 22,), 1 << 22) for k in range(40)}),
    ],
    ids=["one", "many"],
)
def test_archives_that_swell(content):
    assert len(content) < 2 << 20
    with pytest.raises(InvalidInput, match=r"m\.npz: its \d+ bytes would unpack to"):
        read_npz(content, "m.npz")


@pytest.mark.parametrize("shape", [(10**12,), (10**6, 10**6), (4,), (0,), (10**30, 0)], ids=str)
def test_headers_that_declare_other_sizes(shape):
    with pytest.raises(InvalidInput, match=r"its member 'X\.npy' declares the shape"):
        read_npz(npz(X=npy(shape, 3)), "m.npz")


def test_archives_of_zeros_within_the_limit():
    buffer = io.BytesIO()
    np.savez_compressed(buffer, X=np.zeros((1 << 20, 4)))
    assert read_npz(buffer.getvalue(), "m.npz")["X"].shape == (1 << 20, 4)


LINES = {
    "blank": (b"\n" * 20_000_000, "is empty"),
    "blank-after-one": (b"1\n" + b"\n" * 20_000_000, "has more than 3500000 rows"),
    "carriage-returns": (b"1\r" + b"\r" * 20_000_000, "has more than 3500000 rows"),
    "columns": (b"," * 200_000 + b"\n", "line 1 has 200001 fields, up to 100000"),
    "columns-later": (b"1,2\n" + b"1," * 200_000, "line 2 has 200001 fields"),
    "long-line": (b"1," * 9_000_000, "line 1 has more than 16777216 letters"),
    "long-field": (b"a" * 200_000, "field larger than field limit"),
    "open-quote": (b'"' + b"\n" * 200_000, "is not well-formed CSV"),
}


SLOW = {"blank", "blank-after-one", "carriage-returns"}  # millions of lines
KINDS = [pytest.param(k, marks=[pytest.mark.slow] if k in SLOW else []) for k in LINES]


@pytest.mark.parametrize("kind", KINDS)
def test_csv_files_that_are_too_much(kind, tmp_path):
    content, words = LINES[kind]
    with pytest.raises(InvalidInput) as caught:
        read_csv(content, "rows.csv")
    assert words in str(caught.value)
    (tmp_path / "rows.csv").write_bytes(content)
    with pytest.raises(InvalidInput) as caught:  # in blocks there may be any number of rows
        read_rows(str(tmp_path / "rows.csv"), [X])
    assert words in str(caught.value) or ("more than" in words and "line 2" in str(caught.value))


def test_csv_files_that_are_not(monkeypatch):
    monkeypatch.setattr(csv_rows, "FREE_ROWS", 10)
    assert len(read_csv(b"1234567\n" * 500, "rows.csv")) == 500
    assert len(read_csv(b"1,2\n" * 20, "rows.csv")) == 20
    with pytest.raises(InvalidInput, match="more than 20 rows"):
        read_csv(b"1,2\n" * 21, "rows.csv")
    assert len(read_csv(b"1," * 99_999 + b"1\n", "rows.csv")[0]) == 100_000


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_many_blank_lines_take_little_memory(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(b"\n" * 20_000_000)
    program = (
        "import re, sys\n"
        "from toolkit.runtime.rows.csv_rows import read_csv\n"
        "from toolkit.errors import InvalidInput\n"
        "try: read_csv(open(sys.argv[1], 'rb').read(), 'rows.csv')\n"
        "except InvalidInput: status = open('/proc/self/status').read()\n"
        "print(re.search(r'VmHWM:\\s*(\\d+)', status)[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert int(done.stdout) << 10 < 1 << 30


def test_golden_rows_that_swell_behind_the_checksum(california):
    content = npz(**{f"input_{k}": npy((1 << 25,), 1 << 25) for k in range(4)})
    (california / "golden.npz").write_bytes(content)
    entry = {"bytes": len(content), "sha256": sha256(content)}
    change(california, lambda m: m["files"]["golden.npz"].update(entry))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidInput, match="would unpack to"):
        verify(california)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000
