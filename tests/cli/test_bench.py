from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from tests.cli.conftest import contents

REPORTS = {"report.json", "report.md", "report.html"}


@pytest.fixture
def named(named_bundle, tmp_path):
    return shutil.copytree(named_bundle, tmp_path / "named")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--gate", "float23:max_abs<=1"], "did you mean 'float32'?"),
        (["--data", "none.csv"], "none.csv: no such file"),
        (["--data", "narrow.npz"], "X has 2 columns, the model takes 3"),
        (["--data", "rows.csv", "--target", "prise"], "did you mean 'price'?"),
    ],
    ids=["gate", "no-data", "narrow", "target"],
)
def test_what_is_refused_before_anything_is_measured(refused, named, options, expected):
    folder = named.parent
    np.savez(folder / "narrow.npz", X=np.ones((4, 2)), y=np.ones(4))
    (folder / "rows.csv").write_text("a,price\n1,2\n", encoding="utf-8")
    assert expected in refused("bench", "named", *options)


def test_a_damaged_variant(refused, named):
    path = named / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1])
    assert "model.onnx: its SHA-256 is not" in refused("bench", "named")


def test_ones_own_rows(run, named, tmp_path):
    rows = np.random.default_rng(1).normal(size=(30, 3))
    table = np.column_stack([rows[:, ::-1], rows @ [1.0, 10.0, 100.0]])
    np.savetxt(tmp_path / "rows.csv", table, "%.9g", ",", header="c,b,a,price", comments="")
    done = run("bench", "named", "--data", "rows.csv", "--target", "price")
    assert done.returncode == 0, done.stderr
    assert "error: " not in done.stderr
    assert {p.name for p in named.iterdir()} >= REPORTS
    report = json.loads((named / "report.json").read_text(encoding="utf-8"))
    assert report["variants"][0]["metrics"]["r2"] == pytest.approx(1.0)
    assert "float32" in done.stdout


def test_a_failed_gate(run, named):
    """Exit code 1, and every file is written all the same."""
    before = contents(named)
    done = run("bench", "named", "--gate", "float32:max_abs<=1e-30", "--json")
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "float32 breaks the gate" in errors[0]
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    assert [v["method"] for v in report["variants"] if v["status"] == "failed"] == ["float32"]
    assert contents(named).keys() - before.keys() == REPORTS
    assert json.loads((named / "report.json").read_text(encoding="utf-8")) == report
