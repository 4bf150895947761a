"""Rows and targets of every wrong kind, by Python and in files: one line that says so."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest

import toolkit
from tests.bad_inputs.data import ROWS, TABLE, X, Y, assert_told
from toolkit.cli import main
from toolkit.errors import InvalidInput
from toolkit.exporter import prove_graph
from toolkit.runtime import load


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name", ["numbers", "table", pytest.param("texts", marks=pytest.mark.slow)]
)
def test_rows(models, tmp_path, name):
    estimator, bundle = models[name]
    model, content = load(bundle), bundle.model_path.read_bytes()
    export = partial(toolkit.export, estimator, name="m", out=tmp_path / "m", tune="latency")
    for use in (export, partial(prove_graph, content, "g.onnx", estimator)):
        assert_told({what: partial(use, rows) for what, rows in ROWS.items()})
    for use in (model.predict, model.run, model.bind):
        assert_told({what: partial(use, rows) for what, rows in ROWS.items()})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "what", ["ragged lists", "no rows", "too wide", "dates", "texts", "complex"]
)
def test_rows_to_score_on(models, what):
    with pytest.raises(InvalidInput):
        toolkit.bench(models["numbers"][1], ROWS[what])


TARGETS = {
    "too few": Y[:5],
    "texts": np.full(40, "a"),
    "None": np.full(40, None),
    "one number": 1.0,
    "a mapping": {"a": 1},
    "NaN": np.full(40, np.nan),
    "dates": pd.date_range("2026", periods=40),
    "complex": Y.astype(complex),
    "ragged": [[1], [1, 2]] * 20,
    "empty": [],
}


@pytest.mark.filterwarnings("ignore")
def test_targets(models, tmp_path):
    estimator, _ = models["numbers"]
    export = partial(toolkit.export, estimator, X, name="m", out=tmp_path / "m", tune="latency")
    assert_told({what: partial(export, y) for what, y in TARGETS.items()})


def test_a_refused_row_is_named_with_its_column_and_value(models, tmp_path):
    rows = TABLE.copy()
    rows.loc[17, "b"] = "green"
    with pytest.raises(InvalidInput, match=r"row 17, column 'b', green: Found unknown"):
        toolkit.export(models["table"][0], rows, Y, name="m", out=tmp_path / "m")


@pytest.mark.parametrize(
    "command",
    [
        "export own.skops --data {}",
        "export own.skops --data {} --target c",
        "prove numbers/model.onnx own.skops --data {}",
        "bench numbers --data {}",
        "predict numbers --input {}",
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_files_of_rows(models, tmp_path, monkeypatch, capsys, command):
    from skops.io import dump

    monkeypatch.chdir(tmp_path)
    estimator, bundle = models["numbers"]
    dump(estimator, "own.skops")
    (tmp_path / "numbers").symlink_to(bundle.path)
    arrays = {k: v for k, v in ROWS.items() if isinstance(v, np.ndarray) and v.dtype != object}
    for name, rows in arrays.items():
        np.savez(f"{name}.npz", X=rows)
    for name, content in {
        "none.csv": "", "names.csv": "a,b,c\n", "wide.csv": "a,b,c,d,e\n1,2,3,4,5\n",
        "ragged.csv": "a,b,c\n1,2\n", "text.csv": "a,b,c\nx,y,z\n", "binary.csv": "\0\1",
        "junk.npz": "junk", "junk.parquet": "junk", "x.txt": "1,2,3\n",
    }.items():  # fmt: skip
        (tmp_path / name).write_text(content, encoding="utf-8")
    kept = {"one row.npz", "huge.npz", "NaN.npz"}  # which may be right
    for path in sorted(tmp_path.iterdir()):
        if path.is_dir() or path.suffix == ".skops":
            continue
        arguments = [a.format(path.name) for a in command.split()]
        code = main(arguments)
        lines = capsys.readouterr().err.splitlines()
        assert "Traceback" not in "\n".join(lines)
        if path.name not in kept:
            assert code in (1, 2, 3), (path.name, code)
            assert lines[-1].startswith("error: ") or code == 2, (path.name, lines)
            assert sum(line.startswith("error: ") for line in lines) <= 1
