from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest

from tests.cli.conftest import contents

# --- the road of one's own estimator --------------------------------------------------------------


def test_from_a_skops_file_to_a_prediction(run, estimators, tmp_path):
    for name in ("own.skops", "rows.csv", "rows.npz"):
        shutil.copy(estimators / name, tmp_path)
    done = run("export", "own.skops", "--data", "rows.csv", "--target", "price")
    assert done.returncode == 0, done.stderr
    assert "proof passed: models/own/manifest.json" in done.stdout
    done = run("quantize", "models/own", "--json")
    assert done.returncode == 0, done.stderr
    status = {v["method"]: v["status"] for v in json.loads(done.stdout)["variants"]}
    assert status["float32-pack"] == "ok"
    rows = np.load(estimators / "rows.npz")
    text = "\n".join(["c,b,a", *(f"{c},{b},{a}" for a, b, c in rows["X"][:3])])
    done = run("predict", "models/own/model.float32-pack.pack", "--input", "-", stdin=text)
    got = [float(v) for v in done.stdout.split()[1:]]
    assert got == pytest.approx(rows["y"][:3].tolist(), abs=1e-3)
    assert run("verify", "models/own").returncode == 0


def test_from_a_joblib_file(run, estimators, tmp_path):
    out = tmp_path / "out"
    done = run(
        *("export", estimators / "own.joblib", "--allow-pickle", "--json"),
        *("--data", estimators / "rows.npz", "-o", out, "--name", "mine", "--opset", "18"),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["name"], found["task"], found["opsets"]["ai.onnx"]) == ("mine", "regressor", 18)
    assert found["proof"]["passed"] is True
    assert {p.name for p in out.iterdir()} == {*found["files"], "manifest.json"}


# --- sources that are refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("california-linaer", "no such recipe; did you mean california-linear?"),
        ("zzz", "no such recipe; `toolkit recipes` lists all of them"),
        ("none.skops", "none.skops: no such file; check the path"),
        ("none.joblib", "none.joblib: loading a .joblib file runs whatever code is in it"),
        ("notes.md", "notes.md: is neither a recipe nor an estimator's file"),
        ("folder", "no such recipe"),
    ],
)
def test_unknown_sources(refused, tmp_path, source, expected):
    (tmp_path / "notes.md").write_text("x", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    assert expected in refused("export", source)


@pytest.mark.parametrize("suffix", [".joblib", ".pkl", ".pickle"])
def test_a_pickle_is_not_loaded_unasked(refused, tmp_path, suffix):
    """Loading this one would leave a file behind."""
    program = b"cpathlib\nPath\n(S'ran'\ntRp0\ncpathlib\nPath.touch\n(g0\ntR."
    (tmp_path / f"own{suffix}").write_bytes(program)
    text = refused("export", f"own{suffix}", "--data", "rows.npz")
    assert text.startswith(f"own{suffix}: loading a {suffix} file runs whatever code is in it")
    assert "--allow-pickle" in text


def test_recipes_have_their_own_data(refused, estimators):
    text = refused("export", "california-linear", "--data", estimators / "rows.csv")
    assert "--data and --target go with an estimator's file" in text


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], "--data is missing; give rows as .npz (X, y), .csv or .parquet with --target"),
        (["--data", "none.csv"], "none.csv: no such file"),
        (["--data", "rows.txt"], "rows.txt: unknown ending '.txt'"),
        (
            ["--data", "{}/rows.csv", "--target", "prise"],
            "no column 'prise'; did you mean 'price'?",
        ),
        (["--data", "{}/rows.npz", "--target", "price"], "names a column, and an .npz has none"),
        (["--data", "{}/own.skops"], "unknown ending '.skops'"),
    ],
    ids=["none", "absent", "text", "target", "npz-target", "estimator"],
)
def test_data_that_is_refused(refused, estimators, options, expected):
    options = [option.format(estimators) for option in options]
    assert expected in refused("export", estimators / "own.skops", *options)


def test_data_of_another_width(refused, estimators, tmp_path):
    np.savez(tmp_path / "two.npz", X=np.ones((9, 2)), y=np.ones(9))
    text = refused("export", estimators / "own.skops", "--data", "two.npz")
    assert text.startswith("the rows do not fit Pipeline (X has 2 features")


@pytest.mark.parametrize("name", ["truncated.skops", "truncated.joblib"])
def test_damaged_estimators(refused, estimators, name):
    data = ("--data", estimators / "rows.npz")
    text = refused("export", estimators / name, *data, "--allow-pickle")
    assert f"{name}: " in text
    assert "again" in text


def test_an_unfitted_estimator(refused, estimators):
    text = refused("export", estimators / "unfitted.skops", "--data", estimators / "rows.npz")
    assert text == "LinearRegression is not fitted; call its fit first"


def test_an_unsupported_estimator(refused, estimators):
    source, data = estimators / "unsupported.skops", estimators / "rows.npz"
    assert "DummyClassifier" in refused("export", source, "--data", data, code=3)


def test_opset_out_of_range(refused, estimators):
    text = refused(
        "export", estimators / "own.skops", "--data", estimators / "rows.npz", "--opset", "99"
    )
    assert text.startswith("opset 99 is not one of 15 to ")


def test_a_name_that_is_a_path(refused, estimators):
    own, data = estimators / "own.skops", estimators / "rows.npz"
    assert "the name '../up' is no plain" in refused(
        "export", own, "--data", data, "--name", "../up"
    )


# --- targets that are refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("out", "expected"),
    [
        ("file", "file: is a file; choose a directory with -o"),
        ("file/below", "cannot be written"),
        ("foreign", "foreign: is not empty and no model directory; choose another with -o"),
    ],
    ids=["file", "below-a-file", "foreign"],
)
def test_targets_that_are_refused(refused, estimators, tmp_path, out, expected):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "notes.txt").write_text("mine", encoding="utf-8")
    own, data = estimators / "own.skops", estimators / "rows.npz"
    assert expected in refused("export", own, "--data", data, "-o", out)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size")
def test_a_full_disk_leaves_the_old_bundle(run, california, tmp_path):
    """The largest files are written first, so that with this limit nothing at all changes."""
    import resource

    before = contents(tmp_path)

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    done = run("export", "california-linear", "-o", "california-linear", before=limit)
    assert done.returncode == 2
    assert "cannot be written (File too large)" in done.stderr.splitlines()[-1]
    assert contents(tmp_path) == before


# --- the base install -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("absent", "args"),
    [
        ("sklearn", ["export", "california-linear"]),
        ("skops", ["export", "own.skops", "--data", "rows.npz"]),
        ("onnx", ["quantize", "california-linear"]),
    ],
    ids=["export", "export-file", "quantize"],
)
def test_without_the_export_extra(refused, california, estimators, tmp_path, absent, args):
    """The package is hidden by one of its name that cannot be imported."""
    for name in ("own.skops", "rows.npz"):
        shutil.copy(estimators / name, tmp_path)
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    code = f"raise ModuleNotFoundError(\"No module named '{absent}'\", name='{absent}')\n"
    (hidden / f"{absent}.py").write_text(code, encoding="utf-8")
    path = {"PYTHONPATH": str(hidden), "PYTHONDONTWRITEBYTECODE": "1"}
    text = refused(*args, **path)
    assert text == (
        f"this needs {absent}, which is not installed; pip install 'proven-onnx[export]'"
    )
