"""Encoders of many categories: read by the category's index, never as rows × categories."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import Lasso, LogisticRegression, PoissonRegressor, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.naive_bayes import BernoulliNB
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    MaxAbsScaler,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeRegressor

from tests.exporter.parity import assert_answers, export_proven
from toolkit.exporter.origins import FEWEST
from toolkit.exporter.proof.batches import batch_rows, in_batches
from toolkit.exporter.trees import by_index

RNG = np.random.default_rng(0)
COUNT, ROWS = FEWEST + 60, 2 * FEWEST + 400
WHICH = RNG.permutation(np.r_[np.arange(COUNT), RNG.integers(0, COUNT, ROWS - COUNT)])
EFFECT = RNG.normal(size=COUNT)


def column(kind: str) -> np.ndarray:
    """Return the categories [ROWS]; some are missing in "missing" and "nan"."""
    texts = np.array([f"user {i:04d}" for i in WHICH], dtype=object)
    numbers = {"ints": WHICH * 7 - 300, "floats": WHICH * 0.25, "nan": WHICH * 0.5}
    values = numbers[kind].copy() if kind in numbers else texts
    if kind in ("missing", "nan"):
        values[::17] = None if kind == "missing" else np.nan
    return values


def frame(kind: str = "texts") -> pd.DataFrame:
    load = np.round(RNG.normal(size=ROWS), 2)
    return pd.DataFrame({"user": column(kind), "town": RNG.choice(["a", "b"], ROWS), "load": load})


FRAME = frame()
TARGET = EFFECT[WHICH] + FRAME["load"].to_numpy()


def piped(encoder, model):
    columns = make_column_transformer((encoder, ["user", "town"]), (StandardScaler(), ["load"]))
    return make_pipeline(columns, model)


def largest_width(content: bytes) -> int:
    """Return the widest tensor that the graph computes: the batch's one row is the first."""
    inferred = onnx.shape_inference.infer_shapes(onnx.load_from_string(content)).graph
    shapes = [[d.dim_value for d in v.type.tensor_type.shape.dim[1:]] for v in inferred.value_info]
    return max(int(np.prod(s)) for s in shapes if s)


def checked(model, X, y) -> bytes:
    """Export with proof and compare fresh rows, some of them with an unknown category."""
    model = model.fit(X, y)
    content = export_proven(model, X, y, input_dtype="auto")
    wide = any(
        i.type.tensor_type.elem_type == 11 for i in onnx.load_from_string(content).graph.input
    )
    fresh = X.sample(200, random_state=1)
    assert_answers(content, model, fresh, exact_rows=wide)
    return content


ENCODERS = {
    "ignore": OneHotEncoder(handle_unknown="ignore"),
    "dense": OneHotEncoder(sparse_output=False, handle_unknown="ignore"),
    "error": OneHotEncoder(),
    "drop": OneHotEncoder(drop="first", handle_unknown="ignore"),
    "max": OneHotEncoder(max_categories=FEWEST + 20, handle_unknown="infrequent_if_exist"),
    "infrequent": OneHotEncoder(min_frequency=3, handle_unknown="infrequent_if_exist"),
}
LINEAR = {
    "Ridge": Ridge(),
    "scaled": make_pipeline(StandardScaler(with_mean=False), Lasso(alpha=1e-4)),
    "MaxAbs": make_pipeline(MaxAbsScaler(), Ridge()),
    "picked": make_pipeline(SelectKBest(f_regression, k=FEWEST), Ridge()),
    "several": MultiOutputRegressor(Ridge()),
    "log link": PoissonRegressor(),
    "network": MLPRegressor(hidden_layer_sizes=(8,), max_iter=3, random_state=0),
    "SVD": make_pipeline(TruncatedSVD(4, random_state=0), Ridge()),
    "PCA": make_pipeline(PCA(4, svd_solver="arpack", random_state=0), Ridge()),
    "logistic": LogisticRegression(),
    "SVC": LinearSVC(),
    "one-vs-rest": OneVsRestClassifier(LogisticRegression()),
    "Bernoulli": BernoulliNB(),
}
CLASSIFIERS = ("logistic", "SVC", "one-vs-rest", "Bernoulli")
TREES = {
    "tree": DecisionTreeRegressor(max_depth=9, random_state=0),
    "forest": ExtraTreesRegressor(4, max_depth=9, random_state=0),
    "boosting": GradientBoostingRegressor(n_estimators=10, random_state=0),
}


def targets_of(name: str) -> np.ndarray:
    if name in CLASSIFIERS:
        return np.array(["low", "middle", "high"])[np.digitize(TARGET, [-0.7, 0.7])]
    if name == "several":
        return np.column_stack([TARGET, 2 * TARGET + FRAME["load"]])
    return np.exp(TARGET / 3) if name == "log link" else TARGET


@pytest.mark.slow
@pytest.mark.parametrize("name", LINEAR)
def test_linear_maps_take_rows_of_a_table(name):
    content = checked(piped(ENCODERS["ignore"], LINEAR[name]), FRAME, targets_of(name))
    assert largest_width(content) < FEWEST


@pytest.mark.slow
@pytest.mark.parametrize("setting", ENCODERS)
@pytest.mark.parametrize("kind", ["texts", "missing", "ints", "floats", "nan"])
def test_settings_of_the_encoder(kind, setting):
    model = piped(ENCODERS[setting], Ridge())
    assert largest_width(checked(model, frame(kind), TARGET)) < FEWEST


@pytest.mark.slow
@pytest.mark.parametrize("name", TREES)
@pytest.mark.parametrize("form", ["columns", "sets"])
def test_trees_test_the_index(name, form, monkeypatch):
    monkeypatch.setattr(by_index, "A_COMPARISON", 0 if form == "sets" else 1000)
    content = checked(piped(ENCODERS["ignore"], TREES[name]), FRAME, TARGET)
    assert largest_width(content) < FEWEST
    ensemble = next(n for n in onnx.load_from_string(content).graph.node if "Tree" in n.op_type)
    found = any(a.name == "membership_values" for a in ensemble.attribute)
    assert found == (form == "sets")


@pytest.mark.slow
@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
@pytest.mark.parametrize("setting", ["ignore", "dense"])
def test_boosters_test_the_index(library, setting):
    module = pytest.importorskip(library)
    settings = {"n_estimators": 10, "max_depth": 8}
    if library == "lightgbm":
        model = module.LGBMRegressor(**settings, min_child_samples=1, verbose=-1)
    else:
        model = module.XGBRegressor(**settings)
    assert largest_width(checked(piped(ENCODERS[setting], model), FRAME, TARGET)) < FEWEST


def test_unknown_categories_are_nothing():
    model = piped(ENCODERS["ignore"], Ridge()).fit(FRAME, TARGET)
    content = export_proven(model, FRAME, TARGET)
    strange = FRAME.head(4).assign(user=["nobody", "user 0001 ", "USER 0001", "user 0001"])
    assert_answers(content, model, strange)


@pytest.mark.parametrize("kind", ["texts", "ints", "floats"])
@pytest.mark.parametrize(
    "encoder",
    [
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        TargetEncoder(),
    ],
    ids=["ordinal", "target"],
)
def test_single_numbers_are_looked_up(encoder, kind):
    assert largest_width(checked(piped(encoder, Ridge()), frame(kind), TARGET)) < FEWEST


def test_two_readers_and_a_union():
    inner = make_union(TruncatedSVD(3, random_state=1), StandardScaler(with_mean=False))
    model = piped(ENCODERS["ignore"], make_pipeline(inner, Ridge()))
    assert largest_width(checked(model, FRAME, TARGET)) < FEWEST


def test_few_categories_keep_one_operator():
    few = FRAME.assign(user=FRAME["user"].str[-2:])
    model = piped(OneHotEncoder(), Ridge()).fit(few, TARGET)
    content = export_proven(model, few, TARGET)
    assert "OneHotEncoder" in {n.op_type for n in onnx.load_from_string(content).graph.node}


@pytest.mark.parametrize("opset", [15, 20])
def test_older_opsets(opset):
    for kind in ("texts", "ints"):
        X = frame(kind)
        model = piped(ENCODERS["ignore"], Ridge()).fit(X, TARGET)
        assert_answers(export_proven(model, X, TARGET, opset=opset), model, X)


def test_batches_are_the_rows_in_their_order():
    seen = []

    def run(rows):
        seen.append(len(rows["X"]))
        return {"y": rows["X"] * 2}

    X = np.arange(10.0).reshape(-1, 1)
    assert np.array_equal(in_batches(run, 4)({"X": X})["y"], X * 2)
    assert seen == [4, 4, 2]
    assert np.array_equal(in_batches(run, 10)({"X": X})["y"], X * 2)
    assert seen[3:] == [10]


def test_wide_graphs_run_in_small_batches():
    X = RNG.normal(size=(40, 3))
    narrow = export_proven(Ridge().fit(X, X[:, 0]), X, X[:, 0])
    hot = OneHotEncoder(handle_unknown="ignore").fit(FRAME[["user"]])
    wide = export_proven(hot, FRAME[["user"]])
    assert batch_rows(wide) * COUNT < batch_rows(narrow) * 4


MEMORY = """
import resource, sys
import numpy as np, pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
import toolkit
rng = np.random.default_rng(0)
texts = np.array([f"user {i:05d}" for i in range(20_000)])
X = pd.DataFrame({"user": np.r_[texts, rng.choice(texts, 4_000)]})
X["load"] = rng.normal(size=len(X))
columns = make_column_transformer((OneHotEncoder(), ["user"]), (StandardScaler(), ["load"]))
model = make_pipeline(columns, Ridge()).fit(X, X["load"])
toolkit.export(model, X, X["load"], name="m", out=sys.argv[1], tune="latency")
# Not getrusage's, which begins at what the process that started this one had.
lines = open("/proc/self/status").read().splitlines()
print(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_rows_times_categories(tmp_path):
    """As a matrix the held-out rows alone would be 1.4 GB."""
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "m")]
    done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
    assert float(done.stdout) < 700
