"""Whatever is given to a function or a command: it works, or it says in one line what is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.gaussian_process.kernels import RBF
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import toolkit
from tests.bad_inputs.data import X, Y, outcome
from toolkit.bundle import open_bundle
from toolkit.cli import main
from toolkit.errors import InvalidInput, ToolkitError, UnsupportedEstimator
from toolkit.runtime import load
from toolkit.runtime.describe import describe
from toolkit.runtime.verify import verify

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


def test_a_bundle_is_opened_like_its_path(models):
    bundle = models["numbers"][1]
    np.testing.assert_array_equal(load(bundle).predict(X), load(bundle.path).predict(X))
    assert describe(bundle) == describe(bundle.path)
