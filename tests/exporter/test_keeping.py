"""Keeping the estimator: whole, without what matters only in fitting, or not at all."""

from __future__ import annotations

import json
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from sklearn.cluster import Birch
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.decomposition import FastICA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import toolkit
from toolkit.errors import InvalidInput
from toolkit.exporter import keeping
from toolkit.exporter.keeping import keep
from toolkit.skops_file import dump_estimator, load_estimator

RNG = np.random.default_rng(3)
X = RNG.normal(size=(90, 3))
Y = (X[:, 0] > 0).astype(int)
FRAME = pd.DataFrame(X, columns=["a", "b", "c"]).assign(kind=RNG.choice(["u", "v"], 90))
TREE = DecisionTreeClassifier(max_depth=2, random_state=0)
DEPTHS = {"max_depth": [1, 2]}


class Tree(DecisionTreeClassifier):
    """A type that nobody trusts."""


def own_score(truth, predicted):
    return accuracy_score(truth, predicted)


def same_as(estimator, rows):
    call = "predict" if hasattr(estimator, "predict") else "transform"
    wanted = getattr(estimator, call)(rows)
    return lambda other: np.array_equal(getattr(other, call)(rows), wanted)


def columns(numbers, text):
    parts = make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(), text))
    return make_pipeline(parts, LogisticRegression())


WHOLE = {
    "range": GridSearchCV(TREE, {"max_depth": range(1, 3)}, cv=2),
    "folds": GridSearchCV(TREE, DEPTHS, cv=list(StratifiedKFold(2).split(X, Y))),
    "time": GridSearchCV(TREE, DEPTHS, cv=TimeSeriesSplit(2)),
    "shuffled": GridSearchCV(TREE, DEPTHS, cv=ShuffleSplit(2, random_state=0)),
    "generator": FastICA(2, random_state=np.random.RandomState(0)),
}
LEAN = {
    "uniform": (
        RandomizedSearchCV(
            LogisticRegression(), {"C": scipy.stats.uniform(0.1, 2)}, n_iter=2, cv=2
        ),
        "RandomizedSearchCV.param_distributions",
    ),
    "scorer": (
        GridSearchCV(TREE, DEPTHS, cv=2, scoring=make_scorer(own_score)),
        "GridSearchCV.scoring",
    ),
    "lambda": (
        FastICA(2, fun=lambda x: (x**3, (3 * x**2).mean(-1)), random_state=0),
        "FastICA.fun",
    ),
    "inner": (
        make_pipeline(
            StandardScaler(), GridSearchCV(TREE, DEPTHS, cv=2, scoring=lambda e, x, y: 1)
        ),
        "GridSearchCV.scoring",
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_harmless_is_kept(name):
    estimator = WHOLE[name].fit(X, Y)
    kept = keep(estimator, same_as(estimator, X))
    assert kept.content is not None
    assert kept.left_out == ()


@pytest.mark.parametrize("name", LEAN)
def test_what_matters_only_in_fitting_is_left_out(name):
    estimator, left_out = LEAN[name]
    estimator.fit(X, Y)
    kept = keep(estimator, same_as(estimator, X))
    assert kept.content is not None
    assert left_out in kept.left_out
    assert same_as(estimator, X)(load_estimator(kept.content, "e.skops"))


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        (FRAME.columns[:3], FRAME.columns[3:]),
        (
            make_column_selector(dtype_include=np.number),
            make_column_selector(dtype_exclude=np.number),
        ),
        (make_column_selector(dtype_include=[np.float64, np.integer]), ["kind"]),
        (slice(0, 3), [3]),
    ],
    ids=["index", "number", "types", "slice"],
)
def test_columns_however_they_are_chosen(numbers, text):
    estimator = columns(numbers, text).fit(FRAME, Y)
    kept = keep(estimator, same_as(estimator, FRAME))
    assert kept.content is not None
    assert kept.left_out == ()


def test_what_answers_need_is_never_left_out():
    """Without its function the transformer would pass its rows on, and answers would differ."""
    estimator = make_pipeline(FunctionTransformer(lambda x: x**2), Ridge()).fit(X, Y)
    kept = keep(estimator, same_as(estimator, X))
    assert kept.content is None
    assert "lambda" in kept.why


def test_a_type_of_ones_own_is_kept_where_it_is_trusted():
    estimator = Tree(max_depth=2).fit(X, Y)
    name = f"{Tree.__module__}.Tree"
    without = keep(estimator, same_as(estimator, X))
    assert without.content is None
    assert name in without.why
    kept = keep(estimator, same_as(estimator, X), [name])
    assert kept.content is not None
    with pytest.raises(InvalidInput, match="not trusted"):
        load_estimator(kept.content, "e.skops")
    assert same_as(estimator, X)(load_estimator(kept.content, "e.skops", [name]))


@pytest.mark.parametrize("name", ["scipy.stats.uniform(0, 1)", "partial"])
def test_a_file_that_could_run_code_is_refused(name):
    """scipy's distributions execute a template of the file; a partial calls what it names."""
    import skops.io

    held = {"x": scipy.stats.uniform(0, 1) if name != "partial" else partial(print, "x")}
    with pytest.raises(InvalidInput, match="not trusted"):
        load_estimator(skops.io.dumps(held), "e.skops")


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
            [sys.executable, "-m", "toolkit", *map(str, arguments)], capture_output=True, text=True
        )

    return call


def test_the_manifest_says_what_was_left_out(tmp_path):
    estimator, left_out = LEAN["uniform"]
    toolkit.export(estimator.fit(X, Y), X, Y, name="m", out=tmp_path / "m")
    manifest = json.loads(Path(tmp_path / "m" / "manifest.json").read_text())
    assert left_out in manifest["estimator"]["left_out"]
