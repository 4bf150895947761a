from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from tests.cli.conftest import ROW
from toolkit.runtime import load

TOOLKIT, EDGE = "toolkit", "toolkit.runtime"
both = pytest.mark.parametrize("module", [TOOLKIT, EDGE])


@pytest.fixture
def artifact(california_bundle):
    return california_bundle / "model.uint8-pack.pack"


@pytest.fixture
def csv(tmp_path):
    def write(text, name="rows.csv"):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return name

    return write


# --- predictions ----------------------------------------------------------------------------------


def expected(artifact) -> float:
    return float(load(artifact).predict([[float(v) for v in ROW.split(",")]])[0])


@both
@pytest.mark.parametrize("file", ["model.onnx", "model.float32-pack.pack", ""], ids=str)
def test_standard_input_to_standard_output(run, california_bundle, module, file):
    done = run("predict", california_bundle / file, "--input", "-", stdin=ROW * 2, module=module)
    assert (done.returncode, done.stderr) == (0, "")
    value = expected(california_bundle / file)
    header, *rows = done.stdout.split()
    assert header == "variable"
    assert [float(v) for v in rows] == pytest.approx([value, value])


def test_json(run, artifact):
    done = run("predict", artifact, "--input", "-", "--json", stdin=ROW)
    assert json.loads(done.stdout) == {"variable": [[pytest.approx(expected(artifact))]]}


@both
@pytest.mark.parametrize("suffix", ["csv", "json", "npz"])
def test_files(run, artifact, csv, tmp_path, module, suffix):
    target = tmp_path / f"out.{suffix}"
    done = run("predict", artifact, "--input", csv(ROW), "--output", target, module=module)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    value = pytest.approx(expected(artifact))
    if suffix == "csv":
        assert float(target.read_text(encoding="utf-8").splitlines()[1]) == value
    elif suffix == "json":
        assert json.loads(target.read_text(encoding="utf-8"))["variable"] == [[value]]
    else:
        assert np.load(target)["variable"].item() == value


def test_a_table_by_its_header(run, classifier_bundle, csv):
    name = csv("city,note,rooms,size\nUlm,x,3,80\n,,1,\n")
    done = run("predict", classifier_bundle, "--input", name)
    assert (done.returncode, done.stderr) == (0, "")
    header, *rows = [line.split(",") for line in done.stdout.splitlines()]
    assert header == ["label", "probabilities_large", "probabilities_small"]
    table = {"city": ["Ulm", ""], "rooms": [3, 1], "size": [80, np.nan]}
    assert [row[0] for row in rows] == load(classifier_bundle).predict(table).tolist()


def test_rows_of_an_npz(run, artifact, tmp_path):
    rows = np.array([[float(v) for v in ROW.split(",")]])
    np.savez(tmp_path / "rows.npz", X=rows)
    done = run("predict", artifact, "--input", "rows.npz")
    assert float(done.stdout.split()[1]) == pytest.approx(expected(artifact))


# --- rows that do not fit -------------------------------------------------------------------------

BAD_ROWS = {
    "few-columns": ("1,2,3\n", "X has 3 columns, the model takes 8"),
    "many-columns": ("1,2,3,4,5,6,7,8,9\n", "X has 9 columns, the model takes 8"),
    "text": (ROW + "1,2,3,x,5,6,7,8\n", "rows.csv: line 2, column 4 has 'x'"),
    "missing": (ROW + "1,2,3,,5,6,7,8\n", "rows.csv: line 2, column 4 has an empty field"),
    "nan": ("1,2,3,nan,5,6,7,8\n", "rows.csv: line 1, column 4 has 'nan'"),
    "overflow": ("1,2,3,1e39,5,6,7,8\n", "rows.csv: line 1, column 4 has '1e39'"),
    "ragged": (ROW + "1,2\n", "rows.csv: line 2 has 2 fields, the first has 8"),
    "blank-line": (ROW + "\n" + ROW, "rows.csv: line 2 is blank"),
    "empty": ("", "rows.csv: is empty"),
    "header-alone": ("a,b,c,d,e,f,g,h\n", "rows.csv: has a header and no rows"),
    "no-utf8": (b"\xff\xfe\n", "rows.csv: is not UTF-8 text"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_bad_rows(refused, artifact, csv, name):
    text, expected = BAD_ROWS[name]
    assert expected in refused("predict", artifact, "--input", csv(text))


def test_bad_rows_on_the_edge(refused, artifact):
    text = refused("predict", artifact, stdin=ROW + "1,2\n", module=EDGE)
    assert text.startswith("standard input: line 2 has 2 fields")


def test_wrong_type_of_an_array(refused, artifact, tmp_path):
    np.savez(tmp_path / "rows.npz", X=np.full((1, 8), "x"))
    text = refused("predict", artifact, "--input", "rows.npz")
    assert "rows.npz: X takes numbers (float32)" in text


def test_pickled_rows_are_not_loaded(refused, artifact, tmp_path):
    np.savez(tmp_path / "rows.npz", X=np.array([{}], dtype=object))
    assert "rows.npz: is not a readable npz" in refused("predict", artifact, "--input", "rows.npz")


@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_damaged_rows(refused, artifact, tmp_path, damage):
    np.savez(tmp_path / "rows.npz", X=np.ones((4, 8)))
    content = bytearray((tmp_path / "rows.npz").read_bytes())
    content[180] ^= 1
    damaged = content if damage == "flipped" else content[:150]
    (tmp_path / "rows.npz").write_bytes(damaged)
    assert "rows.npz: is not a readable npz" in refused("predict", artifact, "--input", "rows.npz")


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("none.csv", "none.csv: no such file; check the path"),
        ("none.npz", "none.npz: no such file"),
        (
            "rows.txt",
            "rows.txt: rows are read from .csv, .json, .jsonl, .ndjson, .npz, .parquet, not",
        ),
        (".", "rows are read from .csv, .json, "),
    ],
)
def test_rows_from_elsewhere(refused, artifact, file, expected):
    assert expected in refused("predict", artifact, "--input", file)


def test_a_folder_for_rows(refused, artifact, tmp_path):
    (tmp_path / "rows.csv").mkdir()
    assert "rows.csv: cannot be read" in refused("predict", artifact, "--input", "rows.csv")


# --- artifacts that do not open -------------------------------------------------------------------


PACK, GRAPH = "model.uint8-pack.pack", "model.onnx"


@pytest.mark.parametrize(
    ("name", "damage", "module"),
    [
        (PACK, "flipped", TOOLKIT),
        (PACK, "flipped", EDGE),
        (PACK, "truncated", TOOLKIT),
        (PACK, "empty", EDGE),
        (GRAPH, "truncated", TOOLKIT),
        (GRAPH, "truncated", EDGE),
        (GRAPH, "empty", TOOLKIT),
    ],
)
def test_damaged_artifacts(refused, california_bundle, tmp_path, name, damage, module):
    """Alone, without the manifest's hashes (a graph has no checksum of its own)."""
    content = bytearray((california_bundle / name).read_bytes())
    if damage == "flipped":
        content[20] ^= 0x40
    else:
        del content[0 if damage == "empty" else len(content) // 2 :]
    (tmp_path / name).write_bytes(content)
    text = refused("predict", name, "--input", "-", stdin=ROW, module=module)
    assert text.startswith(f"{name}: ")
    assert text.endswith("make the file again")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("none.onnx", "none.onnx: no such file; check the path"),
        ("folder", "folder: holds no manifest.json, so it is no model directory"),
    ],
)
def test_no_artifact(refused, tmp_path, name, expected):
    (tmp_path / "folder").mkdir()
    assert expected in refused("predict", name, "--input", "-", stdin=ROW)


@pytest.mark.parametrize("suffix", [".txt", ""])
def test_output_of_an_unknown_kind(refused, artifact, csv, suffix):
    text = refused("predict", artifact, "--input", csv(ROW), "--output", f"out{suffix}")
    kinds = ".csv, .json, .jsonl, .ndjson, .npz, .parquet"
    assert text == f"--output out{suffix}: the suffix is none of {kinds}; choose one"


def test_output_below_a_file(refused, artifact, csv):
    text = refused("predict", artifact, "--input", csv(ROW), "--output", "rows.csv/out.csv")
    assert "rows.csv/out.csv: cannot be written" in text


def test_output_is_a_folder(refused, artifact, csv, tmp_path):
    (tmp_path / "out.csv").mkdir()
    text = refused("predict", artifact, "--input", csv(ROW), "--output", "out.csv")
    assert "out.csv: cannot be written" in text


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size")
def test_a_full_disk_leaves_the_old_file(refused, artifact, csv, tmp_path):
    """The limit on a file's size stands in for the disk."""
    import resource

    (tmp_path / "out.csv").write_text("old", encoding="utf-8")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8, 8))  # noqa: E731
    options = ("predict", artifact, "--input", csv(ROW), "--output", "out.csv")
    assert "out.csv: cannot be written (File too large)" in refused(*options, before=limit)
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "old"


@both
def test_verbose_shows_the_traceback(run, artifact, module):
    done = run("predict", artifact, "--input", "none.csv", "-v", module=module)
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert "InvalidInput" in done.stderr
    assert done.stderr.splitlines()[-1] == "error: none.csv: no such file; check the path"


@both
@pytest.mark.parametrize("command", ["predict", "inspect"])
def test_a_reader_that_goes_away(california_bundle, module, command):
    """As in `toolkit predict … | head -1`: neither a complaint nor the code of a failed gate."""
    options = ["--input", "-"] if command == "predict" else []
    with subprocess.Popen(
        [sys.executable, "-m", module, command, california_bundle, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        process.stdin.write(ROW.encode())
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0
