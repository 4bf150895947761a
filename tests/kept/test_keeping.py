"""Keeping the estimator: whole, without what matters only in fitting, or not at all."""

from __future__ import annotations

import json
import logging
import re
import threading
import zipfile
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import partial
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.stats
import sklearn
from joblib import Memory
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import Birch, KMeans
from sklearn.compose import (
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.decomposition import FastICA
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import RFE, SelectFromModel, SelectKBest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, make_scorer, mean_absolute_error
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    RandomizedSearchCV,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import toolkit
from toolkit.errors import InvalidInput
from toolkit.estimators import keeping
from toolkit.estimators.keeping import keep
from toolkit.estimators.skops_file import dump_estimator, load_estimator

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


class Halves:
    """Somebody's own splitter."""

    def split(self, rows, *_, **__):
        return KFold(2).split(rows)

    def get_n_splits(self, *_, **__):
        return 2


class Metric:
    """A metric of one's own, as CatBoost takes it."""

    def is_max_optimal(self):
        return True

    def evaluate(self, *_):
        return 1.0, 1.0

    def get_final_error(self, error, _):
        return error


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
    "normal": (
        RandomizedSearchCV(Ridge(), [{"alpha": scipy.stats.norm(3, 0.1)}], n_iter=2, cv=2),
        "RandomizedSearchCV.param_distributions",
    ),
    "own splits": (GridSearchCV(TREE, DEPTHS, cv=Halves()), "GridSearchCV.cv"),
    "refit": (
        GridSearchCV(TREE, DEPTHS, cv=2, scoring={"a": lambda e, x, y: 1.0}, refit=lambda _: 0),
        "GridSearchCV.refit",
    ),
    "importance": (
        RFE(LogisticRegression(), importance_getter=lambda e: abs(e.coef_[0])),
        "RFE.importance_getter",
    ),
    "score function": (
        make_pipeline(SelectKBest(lambda *_: np.arange(3.0), k=2), LogisticRegression()),
        "SelectKBest.score_func",
    ),
    "validation": (
        HistGradientBoostingClassifier(
            max_iter=3, early_stopping=True, scoring=lambda e, x, y: 1.0, random_state=0
        ),
        "HistGradientBoostingClassifier.scoring",
    ),
    "start": (KMeans(2, init=lambda x, k, random_state: x[:k], n_init=1), "KMeans.init"),
    "weights": (
        RandomForestClassifier(3, class_weight=defaultdict(lambda: 1.0, {0: 1.0, 1: 2.0})),
        "RandomForestClassifier.class_weight",
    ),
    "cache": (
        Pipeline([("s", StandardScaler()), ("m", LogisticRegression())], memory=Memory(None)),
        "Pipeline.memory",
    ),
    "calibrated": (
        CalibratedClassifierCV(GridSearchCV(TREE, DEPTHS, cv=2, scoring=lambda e, x, y: 1.0), cv=2),
        "GridSearchCV.scoring",
    ),
    "votes": (
        VotingClassifier([("g", GridSearchCV(TREE, DEPTHS, cv=2, scoring=lambda e, x, y: 1.0))]),
        "GridSearchCV.scoring",
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
        (pd.Series(["a", "b"]), np.array(["kind"], dtype=object)),
        (pd.Series([True, True, False, False]), np.array([False, False, False, True])),
    ],
    ids=["index", "number", "types", "slice", "series", "masks"],
)
def test_columns_however_they_are_chosen(numbers, text):
    estimator = columns(numbers, text).fit(FRAME, Y)
    kept = keep(estimator, same_as(estimator, FRAME))
    assert kept.content is not None
    assert kept.left_out == ()


def test_columns_that_a_function_or_type_chooses_are_left_out_by_their_place():
    chosen = make_column_selector(dtype_include=pd.CategoricalDtype)
    frame = FRAME.assign(kind=FRAME["kind"].astype("category"))
    estimator = columns(lambda _: ["a"], chosen).fit(frame, Y)
    kept = keep(estimator, same_as(estimator, frame))
    assert kept.content is not None
    assert kept.left_out == tuple(f"ColumnTransformer.transformers[{k}][2]" for k in (0, 1))


@pytest.mark.parametrize(
    ("estimator", "rows"),
    [
        (make_pipeline(FunctionTransformer(lambda x: x**2), Ridge()), X),
        # On these rows the default answers alike, on others it would not.
        (make_pipeline(FunctionTransformer(np.nan_to_num), Ridge()), X),
        (make_pipeline(CountVectorizer(preprocessor=str.lower), Ridge()), ["aa b", "bb c"] * 45),
        (SelectFromModel(Ridge(), importance_getter=lambda e: abs(e.coef_)), X),
        # Its default would have compiled code read what a callable kernel never makes.
        (SVC(kernel=lambda a, b: a @ b.T), X),
        (KNeighborsClassifier(weights=lambda d: np.ones_like(d)), X),
        (TransformedTargetRegressor(Ridge(), func=lambda y: y, inverse_func=lambda y: y), X),
    ],
    ids=["square", "missing", "text", "chosen", "kernel", "weights", "target"],
)
def test_what_is_used_to_answer_is_never_left_out(estimator, rows):
    estimator.fit(rows, Y)
    kept = keep(estimator, same_as(estimator, rows))
    assert kept.content is None
    assert kept.why


@pytest.mark.parametrize(
    "note",
    [
        *(threading.Lock(), json, (x for x in "ab"), Path("x"), datetime(2020, 1, 1), Decimal(1)),
        *(
            FRAME,
            pd.Timestamp("2020"),
            1j,
            np.ma.masked,
            re.compile("x"),
            Counter("ab"),
            {(1, 2): 3},
        ),
        *(frozenset("a"), SimpleNamespace(a=1), logging.getLogger("x"), Enum("Kind", "A").A, Tree),
        *(np.array([print], dtype=object), lambda: 0, MappingProxyType({}), deque([1])),
    ],
    ids=lambda note: type(note).__name__,
)
def test_whatever_somebody_hangs_on_an_estimator_is_left_out(note):
    estimator = LogisticRegression().fit(X, Y)
    estimator.note_ = note
    kept = keep(estimator, same_as(estimator, X))
    assert kept.content is not None
    assert all(name.startswith("LogisticRegression.note_") for name in kept.left_out)
    assert kept.left_out
    assert estimator.note_ is note
    assert not hasattr(load_estimator(kept.content, "e.skops"), "note_") or kept.left_out[0] != (
        "LogisticRegression.note_"
    )


@pytest.mark.parametrize(
    "note",
    [
        *(np.random.default_rng(0), np.random.RandomState(0), OrderedDict(a=1), {"a", "b"}, b"x"),
        *(np.dtype("f4"), np.int8, np.datetime64("2020"), partial(np.clip, a_min=0), range(3)),
        *(slice(1), StratifiedKFold(2), pd.Index(["a"]), pd.Series([1.0]), defaultdict(list)),
    ],
    ids=lambda note: type(note).__name__,
)
def test_what_is_harmless_anywhere_is_kept(note):
    estimator = LogisticRegression().fit(X, Y)
    estimator.note_ = note
    kept = keep(estimator, same_as(estimator, X))
    assert kept.content is not None
    assert kept.left_out == ()


def test_metadata_routing_is_no_obstacle():
    with sklearn.config_context(enable_metadata_routing=True):
        model = LogisticRegression().set_fit_request(sample_weight=True)
        estimator = GridSearchCV(model.set_score_request(sample_weight=True), {"C": [1, 2]}, cv=2)
        estimator.fit(X, Y, sample_weight=np.ones(len(X)))
    kept = keep(estimator, same_as(estimator, X))
    assert kept.content is not None


def boosters():
    """Estimators of the three libraries whose settings of fitting skops does not take."""
    lightgbm = pytest.importorskip("lightgbm")
    xgboost = pytest.importorskip("xgboost")
    catboost = pytest.importorskip("catboost")

    def light():
        return lightgbm.LGBMClassifier(n_estimators=3, verbose=-1)

    def cat(**settings):
        return catboost.CatBoostClassifier(
            iterations=3, verbose=0, allow_writing_files=False, **settings
        )

    def extreme(**settings):
        return xgboost.XGBClassifier(n_estimators=3, **settings)

    class Callback(xgboost.callback.TrainingCallback):
        """Of one's own."""

    yield light().fit(X, Y, init_model=light().fit(X, Y))
    yield light().fit(X, Y, eval_set=[(X, Y)], eval_metric=lambda a, b: ("m", 1.0, True))
    yield extreme(callbacks=[Callback()]).fit(X, Y)
    yield extreme(eval_metric=mean_absolute_error).fit(X, Y, eval_set=[(X, Y)], verbose=False)
    yield cat(eval_metric=Metric()).fit(X, Y)
    yield make_pipeline(SelectKBest(lambda *_: np.arange(3.0), k=2), cat()).fit(X, Y)
    search = RandomizedSearchCV(cat(), {"depth": scipy.stats.randint(1, 3)}, n_iter=1, cv=2)
    yield search.fit(X, Y)


def test_settings_of_boosters_are_no_obstacle():
    for estimator in boosters():
        kept = keep(estimator, same_as(estimator, X))
        assert kept.content is not None, (estimator, kept.why)


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
