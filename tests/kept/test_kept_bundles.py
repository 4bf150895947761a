"""What a bundle says of the estimator that it keeps, or does not, by command and by Python."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.cluster import Birch
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import toolkit
from tests.kept.test_keeping import LEAN, Tree, X, Y
from toolkit.errors import InvalidInput
from toolkit.estimators import keeping
from toolkit.estimators.skops_file import dump_estimator, load_estimator


def test_a_bundle_without_the_estimator(tmp_path):
    """Everything but the estimator's own time is there, and re-exporting removes an older copy."""
    out = tmp_path / "m"
    toolkit.export(LogisticRegression().fit(X, Y), X, Y, name="m", out=out)
    assert (out / "estimator.skops").is_file()
    bundle = toolkit.export(Birch(n_clusters=2).fit(X), X, name="m", out=out)
    assert not (out / "estimator.skops").exists()
    assert bundle.manifest["estimator"]["kept"] is False
    toolkit.quantize(bundle, ["float32-pack"])
    report = toolkit.bench(bundle)
    first = report.to_json()["variants"][0]
    assert first["status"] == "not-applicable"
    assert "not timed" in first["verdict"]
    assert report.passed
    with pytest.raises(InvalidInput, match="no estimator to compare with"):
        toolkit.bench(bundle, X)
    with pytest.raises(InvalidInput, match="Birch"):
        bundle.estimator()


def test_a_classifier_without_its_estimator_is_scored_by_its_kept_answers(tmp_path, monkeypatch):
    def refused(*_):
        raise InvalidInput("LogisticRegression: holds what nobody keeps")

    monkeypatch.setattr(keeping, "dump_estimator", refused)
    model = LogisticRegression().fit(X, Y)
    bundle = toolkit.export(model, X, Y, name="m", out=tmp_path / "m")
    assert bundle.manifest["estimator"]["kept"] is False
    row = toolkit.bench(bundle).to_json()["variants"][0]
    assert row["metrics"]["accuracy"] > 0.8
    assert row["metrics"]["log_loss"] is not None
    assert "holds what nobody keeps" in row["verdict"]


@pytest.mark.parametrize("library", ["xgboost", "catboost", "lightgbm"])
def test_all_dumps_of_one_booster_are_the_same_and_open(library):
    """Some of their files have random names, and some of these begin with digits."""
    module = pytest.importorskip(library)
    kind = {"xgboost": "XGBRegressor", "catboost": "CatBoostRegressor", "lightgbm": "LGBMRegressor"}
    settings = {"catboost": {"iterations": 3, "verbose": 0, "allow_writing_files": False}}
    settings |= {"xgboost": {"n_estimators": 3}, "lightgbm": {"n_estimators": 3, "verbose": -1}}
    model = getattr(module, kind[library])(**settings[library]).fit(X, X[:, 1])
    dumps = {dump_estimator(model) for _ in range(40)}
    assert len(dumps) == 1
    restored = load_estimator(dumps.pop(), "e.skops")
    np.testing.assert_array_equal(restored.predict(X), model.predict(X))


def test_trust_on_the_command_line(tmp_path, run):
    model = Tree(max_depth=2).fit(X, Y)
    name = f"{Tree.__module__}.Tree"
    content = dump_estimator(model, [name])
    (tmp_path / "own.skops").write_bytes(content)
    np.savez(tmp_path / "rows.npz", X=X, y=Y)
    with zipfile.ZipFile(tmp_path / "own.skops") as archive:
        assert "Tree" in archive.read("schema.json").decode()
    arguments = ["export", tmp_path / "own.skops", "--data", tmp_path / "rows.npz"]
    refused = run(*arguments, "-o", tmp_path / "m")
    assert refused.returncode == 2
    assert f"--trust {name}" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.fixture
def run():
    import subprocess
    import sys

    def call(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "toolkit", *map(str, arguments)],
            capture_output=True,
            encoding="utf-8",
        )

    return call


@pytest.mark.slow
def test_export_says_what_is_not_kept_and_prove_wants_it(tmp_path, run):
    np.savez(tmp_path / "rows.npz", X=X, y=Y)
    joblib.dump(Birch(n_clusters=2).fit(X), tmp_path / "birch.joblib")
    data = ["--data", tmp_path / "rows.npz"]
    made = run("export", tmp_path / "birch.joblib", "--allow-pickle", *data, "-o", tmp_path / "m")
    assert made.returncode == 0, made.stderr
    assert "without the estimator itself, which bench will not time" in made.stdout
    again = run("prove", tmp_path / "m" / "model.onnx", tmp_path / "m" / "estimator.skops", *data)
    assert again.returncode == 2
    assert "give the estimator's own file" in again.stderr
    given = ["prove", tmp_path / "m" / "model.onnx", tmp_path / "birch.joblib", "--allow-pickle"]
    assert run(*given, *data).returncode == 0
    assert run("verify", tmp_path / "m").returncode == 0


def test_no_address_of_memory_is_in_a_manifest(tmp_path):
    """Else a re-export by another process would differ."""
    model = make_pipeline(SelectKBest(lambda *_: np.arange(3.0), k=2), LogisticRegression())
    toolkit.export(model.fit(X, Y), X, Y, name="m", out=tmp_path / "m", tune="latency")
    assert " at 0x" not in (tmp_path / "m" / "manifest.json").read_text(encoding="utf-8")


def test_the_manifest_says_what_was_left_out(tmp_path):
    estimator, left_out = LEAN["uniform"]
    toolkit.export(estimator.fit(X, Y), X, Y, name="m", out=tmp_path / "m")
    manifest = json.loads(Path(tmp_path / "m" / "manifest.json").read_text(encoding="utf-8"))
    assert left_out in manifest["estimator"]["left_out"]
    first = toolkit.bench(tmp_path / "m").to_json()["variants"][0]
    assert first["status"] == "ok"
    assert f"kept without {left_out}" in first["verdict"]


def test_bench_opens_a_type_of_ones_own_where_it_is_trusted(tmp_path):
    name = f"{Tree.__module__}.Tree"
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    model.note_ = Tree()
    toolkit.export(model, X, Y, name="m", out=tmp_path / "m", trusted=[name])
    with pytest.raises(InvalidInput, match="trusted="):
        toolkit.bench(tmp_path / "m")
    first = toolkit.bench(tmp_path / "m", trusted=[name]).to_json()["variants"][0]
    assert first["status"] == "ok"
