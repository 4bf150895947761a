"""Whatever is given to a function or a command: it works, or it says in one line what is wrong."""

from __future__ import annotations

import copy
import datetime
import multiprocessing
import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.gaussian_process.kernels import RBF
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import toolkit
from toolkit.bundle import open_bundle
from toolkit.cli import main
from toolkit.errors import InvalidInput, ToolkitError, UnsupportedEstimator
from toolkit.exporter import prove_graph
from toolkit.runtime import load
from toolkit.runtime.describe import describe
from toolkit.runtime.verify import verify

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
Y = X.sum(axis=1)
TABLE = pd.DataFrame({"a": X[:, 0], "b": rng.choice(["x", "y"], 40), "c": rng.integers(0, 5, 40)})
TEXTS = [f"word{i % 7} more{i % 5}" for i in range(40)]
NOW = datetime.datetime(2026, 1, 1)


def table(a, b="x", c=1) -> pd.DataFrame:
    return pd.DataFrame({"a": a, "b": b, "c": c}, index=range(9))


ROWS = {
    "none": None,
    "a number": 3,
    "text": "abc",
    "bytes": b"abc",
    "a mapping": {"a": [1, 2]},
    "a set": {1, 2},
    "an empty list": [],
    "empty lists": [[]],
    "ragged lists": [[1, 2, 3], [1, 2]],
    "a number among lists": [[1, 2, 3], 4],
    "no rows": np.zeros((0, 3)),
    "no columns": np.zeros((9, 0)),
    "one row": X[:1],
    "too wide": np.zeros((9, 4)),
    "too narrow": np.zeros((9, 2)),
    "one dimension": np.zeros(9),
    "three dimensions": np.zeros((9, 3, 1)),
    "no dimension": np.array(1.0),
    "complex": X.astype(complex),
    "dates": np.full((9, 3), np.datetime64("2026-01-01")),
    "durations": np.zeros((9, 3), dtype="timedelta64[s]"),
    "objects": np.full((9, 3), object()),
    "datetimes": np.full((9, 3), NOW),
    "None everywhere": np.full((9, 3), None),
    "texts": np.full((9, 3), "q"),
    "of several types": np.array([[1, "a", None]] * 9, dtype=object),
    "huge": np.full((9, 3), 1e308),
    "infinite": np.full((9, 3), np.inf),
    "NaN": np.full((9, 3), np.nan),
    "beyond int64": [[10**30, 1, 2]] * 9,
    "sparse": scipy.sparse.csr_matrix(X),
    "sparse, no rows": scipy.sparse.csr_matrix((0, 3)),
    "records": np.zeros(9, dtype=[("a", float), ("b", float), ("c", float)]),
    "a table of dates": table(pd.date_range("2026", periods=9)),
    "a table of periods": table(pd.period_range("2026", periods=9)),
    "a table of objects": table([object()] * 9),
    "a table of lists": table([[1, 2]] * 9),
    "a table of Int64 with NA": table(pd.array([1, None, 3] * 3, dtype="Int64")),
    "another table": pd.DataFrame({"q": [1.0] * 9}),
    "an empty table": pd.DataFrame(),
    "a table with a name twice": pd.DataFrame(np.zeros((9, 3)), columns=["a", "b", "b"]),
    "a table of two levels": pd.DataFrame(
        X, columns=pd.MultiIndex.from_product([["a"], [1, 2, 3]])
    ),
    "an unknown category": table([1.0] * 9, "new"),
    "a series": pd.Series([1.0] * 9),
    "a function": len,
    "a class": int,
    "nested lists": [[[1, 2, 3]]],
    "a list of texts": ["a", "b"],
    "a list of None": [None, None],
    "a list of mappings": [{"a": 1}] * 9,
    "a range": range(9),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """By name: an estimator and its bundle."""
    encoder = make_column_transformer((OneHotEncoder(), ["b"]), remainder="passthrough")
    fitted = {
        "numbers": (make_pipeline(StandardScaler(), Ridge()).fit(X, Y), X),
        "table": (make_pipeline(encoder, Ridge()).fit(TABLE, Y), TABLE),
        "texts": (make_pipeline(TfidfVectorizer(), Ridge()).fit(TEXTS, Y), TEXTS),
    }
    out = tmp_path_factory.mktemp("models")
    return {
        n: (e, toolkit.export(e, rows, Y, name=n, out=out / n, tune="latency"))
        for n, (e, rows) in fitted.items()
    }


def outcome(call) -> str:
    """Return what is wrong with a call's end, "" where it worked or said so in one line."""
    try:
        call()
    except ToolkitError as error:
        text = str(error)
        return "" if text and "\n" not in text else f"no line: {text!r}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def assert_told(calls) -> None:
    """Assert that every call, by what it is given, works or says what is wrong."""
    found = {name: outcome(call) for name, call in calls.items()}
    assert not {name: wrong for name, wrong in found.items() if wrong}


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


ARGUMENTS = [
    ("name", None), ("name", 3), ("out", None), ("out", 3), ("opset", "x"), ("opset", 15.5),
    ("runtime", 1.18), ("runtime", "new"), ("runtime", "1.9"), ("tune", 3), ("input_dtype", "int"),
    ("feature_names", 3), ("feature_names", ["a"]), ("X_test", [[1]]), ("X_test", np.zeros((0, 3))),
    ("y_test", 3), ("task", "guess"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), ARGUMENTS, ids=[f"{n}-{v!r:.9}" for n, v in ARGUMENTS])
def test_arguments_of_export(models, tmp_path, name, value):
    given = {"name": "m", "out": tmp_path / "m", "tune": "latency", "X_test": X} | {name: value}
    assert outcome(lambda: toolkit.export(models["numbers"][0], X, Y, **given)) == ""


class Own(RegressorMixin, BaseEstimator):
    """An estimator that nobody converts."""

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        return np.asarray(X)[:, 0] * 2.0


class Failing(TransformerMixin, BaseEstimator):
    """A step that raises what it is given once it is fitted."""

    def __init__(self, error=None):
        self.error = error

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        if self.error is not None:
            raise self.error
        return X


@pytest.mark.parametrize(
    "given",
    [None, 3, "x", len, Ridge, Ridge(), {}, RBF(), object()],
    ids=["None", "number", "text", "function", "class", "unfitted", "dict", "kernel", "object"],
)
def test_what_is_no_fitted_estimator(tmp_path, given):
    with pytest.raises(ToolkitError) as raised:
        toolkit.export(given, X, Y, name="m", out=tmp_path / "m")
    assert "\n" not in str(raised.value)


def test_an_estimator_without_a_converter(tmp_path):
    with pytest.raises(UnsupportedEstimator) as raised:
        toolkit.export(Own().fit(X, Y), X, Y, name="m", out=tmp_path / "m")
    text = str(raised.value)
    assert text.startswith("Own: neither toolkit nor skl2onnx has a converter")
    assert "MissingShapeCalculator" not in text
    assert "setting" not in text


@pytest.mark.parametrize(
    "error", [KeyError("a\nb"), ZeroDivisionError(), RuntimeError("two\nlines")]
)
def test_what_a_step_raises_names_the_estimator(tmp_path, error):
    model = make_pipeline(StandardScaler(), Failing()).fit(X)
    model[-1].error = error
    with pytest.raises(InvalidInput, match="Pipeline") as raised:
        toolkit.export(model, X, name="m", out=tmp_path / "m")
    assert "\n" not in str(raised.value)
    assert raised.value.__cause__ is error


def test_memory_that_does_not_suffice_is_told(tmp_path):
    model = make_pipeline(StandardScaler(), Failing()).fit(X)
    model[-1].error = MemoryError("Unable to allocate 12.3 GiB for an array")
    with pytest.raises(
        InvalidInput, match=r"the memory does not suffice \(.*12\.3 GiB.*fewer rows"
    ):
        toolkit.export(model, X, name="m", out=tmp_path / "m")


def test_a_refused_row_is_named_with_its_column_and_value(models, tmp_path):
    rows = TABLE.copy()
    rows.loc[17, "b"] = "green"
    with pytest.raises(InvalidInput, match=r"row 17, column 'b', green: Found unknown"):
        toolkit.export(models["table"][0], rows, Y, name="m", out=tmp_path / "m")


PATHS = [None, 3, b"x", "", "\0", "none.onnx", "junk", "junk.onnx", "junk.pack", "empty.onnx",
         "list", "folder", ["x"], object()]  # fmt: skip


@pytest.mark.parametrize("path", PATHS, ids=[f"{p!r:.12}" for p in PATHS])
def test_paths_of_what_is_no_artifact(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    for name in ("junk", "junk.onnx", "junk.pack"):
        (tmp_path / name).write_bytes(b"\x08\x07\x12junk\xff\x00")
    (tmp_path / "empty.onnx").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "list").mkdir()
    (tmp_path / "list/manifest.json").write_text("[]", encoding="utf-8")
    for use in (load, toolkit.quantize, toolkit.bench, describe, verify, open_bundle):
        with pytest.raises(ToolkitError) as raised:
            use(path)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("use", "given"),
    [
        (toolkit.quantize, {"methods": 3}),
        (toolkit.quantize, {"methods": [None]}),
        (toolkit.quantize, {"budget": 3}),
        (toolkit.quantize, {"thresholds": "x"}),
        (toolkit.quantize, {"thresholds": 0}),
        (toolkit.bench, {"gates": 3}),
        (toolkit.bench, {"gates": [None]}),
        (toolkit.bench, {"X": X, "y": 3}),
        (toolkit.load, {"threads": "x"}),
        (toolkit.load, {"threads": -1}),
    ],
    ids=lambda value: f"{value}"[:30] if isinstance(value, dict) else value.__name__,
)
def test_arguments_of_what_opens_a_bundle(models, use, given):
    with pytest.raises(InvalidInput):
        use(models["numbers"][1], **given)


# --- the command line -----------------------------------------------------------------------------


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


def test_an_error_of_toolkits_own_is_one_line_and_no_gate(monkeypatch, capsys):
    def broken(*_, **__):
        raise AttributeError("nobody\nknows")

    monkeypatch.setattr("toolkit.runtime.describe.describe", broken)
    assert main(["inspect", "x"]) == 2
    found = capsys.readouterr().err
    assert found.count("\n") == 1
    assert "AttributeError (nobody); run it again with -v" in found
    assert main(["inspect", "x", "-v"]) == 2
    assert "Traceback" in capsys.readouterr().err


# --- a Predictor elsewhere ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["numbers", "table", "texts"])
def test_a_predictor_is_copied_and_pickled(models, name):
    rows = {"numbers": X, "table": TABLE, "texts": TEXTS}[name]
    model = load(models[name][1], threads=1)
    for other in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict(rows), model.predict(rows))
        assert other.session.get_session_options().intra_op_num_threads == 1


def test_a_predictor_of_bytes_is_not_pickled(models):
    from toolkit.runtime import Predictor

    model = Predictor(models["numbers"][1].model_path.read_bytes(), "model.onnx")
    with pytest.raises(InvalidInput, match=r"model\.onnx: was opened from bytes"):
        pickle.dumps(model)


def test_a_predictor_goes_to_a_process_that_is_begun_anew(models, monkeypatch, tmp_path):
    model = load(models["numbers"][1])
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        monkeypatch.chdir(tmp_path)
        np.testing.assert_array_equal(pool.apply(model.predict, (X,)), model.predict(X))


def test_a_bundle_is_opened_like_its_path(models):
    bundle = models["numbers"][1]
    np.testing.assert_array_equal(load(bundle).predict(X), load(bundle.path).predict(X))
    assert describe(bundle) == describe(bundle.path)
