"""Rows of every kind in, answers of every kind out: the same numbers, by names, in blocks."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from toolkit.runtime import load
from toolkit.runtime.rows import block

COLUMNS = ("size", "rooms", "city")
ROWS = [
    {"size": 80.0, "rooms": 3, "city": "Ulm"},
    {"size": None, "rooms": 1, "city": None},
    {"size": 41.5, "rooms": 2, "city": "Kiel"},
]


@pytest.fixture
def model(classifier_bundle):
    return load(classifier_bundle)


@pytest.fixture
def rows(tmp_path):
    """Write the rows in a kind of file; return its name."""
    import pandas as pd

    def write(kind, records=ROWS):
        name = f"rows.{kind}"
        path = tmp_path / name
        if kind == "csv":
            with path.open("w", newline="", encoding="utf-8") as stream:
                writer = csv.DictWriter(stream, COLUMNS)
                writer.writeheader()
                writer.writerows(records)
        elif kind == "json":
            path.write_text(json.dumps(records), encoding="utf-8")
        elif kind == "jsonl":
            path.write_text("".join(f"{json.dumps(r)}\n" for r in records), encoding="utf-8")
        elif kind == "parquet":
            pd.DataFrame(records).to_parquet(path)
        else:
            frame = {c: [r[c] for r in records] for c in COLUMNS}
            floats = {c: np.array(frame[c], dtype=float) for c in COLUMNS[:2]}
            texts = np.array([t or "" for t in frame["city"]])
            np.savez(path, **floats, city=texts)
        return name

    return write


def read(path):
    """Return the columns of a file of answers."""
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pydict()
    if path.suffix == ".jsonl":
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return {n: [r[n] for r in records] for n in records[0]}
    with path.open(newline="", encoding="utf-8") as stream:
        records = list(csv.DictReader(stream))
    return {n: [r[n] for r in records] for n in records[0]}


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "npz", "parquet"])
@pytest.mark.parametrize("answers", ["csv", "jsonl", "parquet"])
def test_the_same_answers_from_and_to_every_kind(
    run, classifier_bundle, model, rows, tmp_path, kind, answers
):
    done = run("predict", classifier_bundle, "--input", rows(kind), "--output", f"out.{answers}")
    assert (done.returncode, done.stderr) == (0, "")
    found = read(tmp_path / f"out.{answers}")
    assert list(found) == ["label", *(f"probabilities_{c}" for c in model.classes)]
    assert found["label"] == model.predict(ROWS).tolist()
    for k, name in enumerate(model.classes):
        values = [float(v) for v in found[f"probabilities_{name}"]]
        assert values == pytest.approx(model.predict_proba(ROWS)[:, k].tolist(), abs=1e-6)


def test_one_record_and_lines_of_a_pipe(classifier_bundle, model):
    for text, kind in ((json.dumps(ROWS[0]), "json"), (f"\n{json.dumps(ROWS[0])}\n\n", "jsonl")):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "toolkit.runtime", "predict", classifier_bundle),
                *("--from", kind, "--to", "jsonl", "--columns", "label"),
            ],
            input=text,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        assert json.loads(done.stdout) == {"label": model.predict(ROWS[:1])[0]}


def test_columns_are_chosen_by_name(run, classifier_bundle, model, rows):
    name = rows("csv")
    done = run("predict", classifier_bundle, "--input", name, "--proba")
    one, other = (f"probabilities_{c}" for c in model.classes)
    assert done.stdout.splitlines()[0] == f"{one},{other}"
    done = run("predict", classifier_bundle, "--input", name, "--columns", f"{other},label")
    assert done.stdout.splitlines()[0] == f"{other},label"
    done = run("predict", classifier_bundle, "--input", name, "--columns", "probabilities")
    assert done.stdout.splitlines()[0] == f"{one},{other}"
    done = run("predict", classifier_bundle, "--input", name, "--json", "--proba")
    assert list(json.loads(done.stdout)) == ["probabilities"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--columns", "price"), "--columns price: the model gives no such column; it gives label"),
        (("--proba", "--columns", "label"), "give one of them"),
        (("--output", "out.npz", "--columns", "probabilities_large"), "holds whole outputs"),
    ],
)
def test_a_choice_that_there_is_not(refused, classifier_bundle, rows, tmp_path, arguments, said):
    name = rows("csv")
    assert said in refused("predict", classifier_bundle, "--input", name, *arguments)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_probabilities_of_a_regressor(refused, california_bundle, tmp_path):
    (tmp_path / "rows.csv").write_text("1,2,3,4,5,6,7,8\n", encoding="utf-8")
    said = refused("predict", california_bundle, "--input", "rows.csv", "--proba")
    assert said == "--proba: the model gives no probabilities; it gives variable"


BAD = [
    ("jsonl", '{"size": 1, "rooms": 2, "city": "a"}\n\n{"size": 1, "city": "a"}\n',
     "line 3 lacks the column 'rooms'"),
    ("jsonl", '{"size": 1, "rooms": 2, "city": "a"}\n{"size": 1,\n', "line 2: is not JSON"),
    ("jsonl", '{"size": 1, "rooms": 2, "city": "a"}\n[1, 2, "a"]\n', "line 2 is a list"),
    ("jsonl", '{"size": 1, "size": 2, "rooms": 2, "city": "a"}\n', "line 1: names 'size' twice"),
    ("jsonl", '{"size": "big", "rooms": 2, "city": "a"}\n', "line 1: size"),
    ("jsonl", "", "is empty; give at least one row"),
    ("json", "[]", "is an empty list"),
    ("json", "3", "is 3; give a list of records"),
    ("json", '[{"size": 1, "rooms": 2, "city": "a"}, 7]', "row 2 is 7"),
    ("json", '[{"size": 1, "rooms": 2, "city": "a"}, {"size": [1], "rooms": 2, "city": "a"}]',
     "row 2, column size is a list"),
    ("json", "[" * 100_000, "is not JSON"),
    ("json", b"\xff\xfe", "is not UTF-8"),
    ("csv", "size,rooms,city\n1,2,a\n1,two,a\n", "line 3, column rooms has 'two'"),
    ("parquet", b"no parquet", "is no readable Parquet file"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "content", "said"), BAD)
def test_errors_name_line_and_column(refused, classifier_bundle, tmp_path, kind, content, said):
    path = tmp_path / f"rows.{kind}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    text = refused("predict", classifier_bundle, "--input", path.name, "--output", "out.csv")
    assert text.startswith(f"rows.{kind}: ")
    assert said in text
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_bad_row_of_a_later_block_leaves_no_file(refused, california_bundle, tmp_path):
    good = "1,2,3,4,5,6,7,8\n"
    (tmp_path / "rows.csv").write_text(
        good * (block.ROWS + 5) + "1,2,3,4,5,6,7,x\n", encoding="utf-8"
    )
    for kind in ("csv", "jsonl", "json", "npz", "parquet"):
        said = refused("predict", california_bundle, "--input", "rows.csv", "--output", f"o.{kind}")
        assert f"line {block.ROWS + 6}, column 8 has 'x'" in said
    assert [p.name for p in tmp_path.iterdir()] == ["rows.csv"]


def test_blocks_give_what_one_call_gives(run, california_bundle, tmp_path):
    values = np.random.default_rng(0).normal(size=(2 * block.ROWS + 7, 8)).astype(np.float32)
    np.savez(tmp_path / "rows.npz", X=values)
    np.savetxt(tmp_path / "rows.csv", values, delimiter=",", fmt="%.9g")
    for name in ("rows.npz", "rows.csv"):
        done = run("predict", california_bundle, "--input", name, "--output", "out.npz")
        assert done.returncode == 0, done.stderr
        found = np.load(tmp_path / "out.npz")["variable"].ravel()
        expected = load(california_bundle).predict(values)
        assert len(found) == len(values)
        assert np.abs(found - expected).max() < 1e-5


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_long_file_takes_no_more_memory_than_a_short_one(california_bundle, tmp_path):
    program = (
        "import re, sys\n"
        "from toolkit.runtime.commands import predict\n"
        "predict(sys.argv[1], sys.argv[2], sys.argv[3])\n"
        "print(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1])"
    )
    peaks = []
    for rows in (20_000, 400_000):
        (tmp_path / "rows.csv").write_text("1.5,2.25,3,4,5,6,7,8\n" * rows, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", program, california_bundle, tmp_path / "rows.csv",
             tmp_path / "out.csv"],
            capture_output=True, encoding="utf-8", check=True,
        )  # fmt: skip
        peaks.append(int(done.stdout) / 1024)
        assert len((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()) == rows + 1
    assert peaks[1] < peaks[0] + 8, f"{peaks} MB"
