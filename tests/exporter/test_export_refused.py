"""What export refuses, before anything is written."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import toolkit
from tests.exporter.test_export import X, Y
from toolkit.errors import InvalidInput, UnsupportedEstimator
from toolkit.exporter.opsets import OPSETS


def test_not_fitted(out):
    with pytest.raises(InvalidInput, match="LinearRegression is not fitted"):
        toolkit.export(LinearRegression(), X, Y, name="m", out=out)
    assert not out.exists()


@pytest.mark.parametrize(
    "thing", ["LinearRegression", 7, LinearRegression, np.mean], ids=["text", "int", "class", "f"]
)
def test_no_estimator_at_all(thing, out):
    with pytest.raises(UnsupportedEstimator, match="no scikit-learn estimator"):
        toolkit.export(thing, X, Y, name="m", out=out)
    assert not out.exists()


def test_y_of_another_length(out):
    with pytest.raises(InvalidInput, match="y has 119 values and X 120 rows"):
        toolkit.export(LinearRegression().fit(X, Y), X, Y[:-1], name="m", out=out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (X[:, :3], "do not fit LinearRegression"),
        (X[:, 0], "do not fit LinearRegression"),
        (X[:0], r"X has the shape \(0, 4\)"),
        (np.array([["a", "b", "c", "d"]] * 9, dtype=object), "do not fit LinearRegression"),
        (X * (1 + 1j), "complex128 is neither numbers nor text"),
        (np.where(X > 2, np.nan, X), "do not fit LinearRegression|takes finite numbers only"),
    ],
    ids=["narrow", "vector", "empty", "text", "complex", "nan"],
)
def test_rows_that_do_not_fit(data, words, out):
    with pytest.raises(InvalidInput, match=words):
        toolkit.export(LinearRegression().fit(X, Y), data, name="m", out=out)
    assert not out.exists()


def test_held_out_rows_of_another_width(out):
    with pytest.raises(InvalidInput, match="X has 4 columns and X_test 3"):
        toolkit.export(LinearRegression().fit(X, Y), X, Y, name="m", out=out, X_test=X[:, :3])


def test_columns_of_one_name(out):
    frame = pd.DataFrame(X[:, :2], columns=["a", "a"])
    with pytest.raises(InvalidInput, match="two columns named 'a'"):
        toolkit.export(LinearRegression().fit(X[:, :2], Y), frame, Y, name="m", out=out)


def test_a_column_of_dates(out):
    frame = pd.DataFrame({"n": X[:, 0], "t": pd.date_range("2024-01-01", periods=120)})
    with pytest.raises(InvalidInput, match="datetime64"):
        toolkit.export(LinearRegression().fit(X[:, :2], Y), frame, Y, name="m", out=out)


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "../up", "/abs"])
def test_names_that_are_no_file_names(name, out):
    with pytest.raises(InvalidInput, match="is no plain file name"):
        toolkit.export(LinearRegression().fit(X, Y), X, Y, name=name, out=out)


@pytest.mark.parametrize("opset", [OPSETS[0] - 1, OPSETS[-1] + 1, 0])
def test_opsets_that_are_not_known(opset, out):
    with pytest.raises(InvalidInput, match=f"opset {opset} is not one of 15 to 22"):
        toolkit.export(LinearRegression().fit(X, Y), X, Y, name="m", out=out, opset=opset)


def test_nothing_foreign_is_written_over(out):
    out.mkdir()
    (out / "thesis.txt").write_text("years of work", encoding="utf-8")
    model = LinearRegression().fit(X, Y)
    with pytest.raises(InvalidInput, match="is not empty and no model directory"):
        toolkit.export(model, X, Y, name="m", out=out)
    assert [p.name for p in out.iterdir()] == ["thesis.txt"]
    toolkit.export(model, X, Y, name="m", out=out, force=True)
    assert (out / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_another_model_is_not_written_over(out):
    model = LinearRegression().fit(X, Y)
    toolkit.export(model, X, Y, name="first", out=out)
    before = (out / "manifest.json").read_bytes()
    with pytest.raises(InvalidInput, match="holds the model 'first', not 'second'"):
        toolkit.export(model, X, Y, name="second", out=out)
    assert (out / "manifest.json").read_bytes() == before
    assert toolkit.export(model, X, Y, name="second", out=out, force=True).name == "second"


def test_a_damaged_manifest_is_written_over_on_request_only(out):
    model = LinearRegression().fit(X, Y)
    toolkit.export(model, X, Y, name="m", out=out)
    (out / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(InvalidInput, match="--force writes over it"):
        toolkit.export(model, X, Y, name="m", out=out)
    assert toolkit.export(model, X, Y, name="m", out=out, force=True).name == "m"


def test_a_file_in_the_way(out):
    out.write_text("", encoding="utf-8")
    with pytest.raises(InvalidInput, match="is a file"):
        toolkit.export(LinearRegression().fit(X, Y), X, Y, name="m", out=out)


class Doubled(LinearRegression):
    """A subclass that predicts something else than its parent does."""

    def predict(self, X):
        return super().predict(X) * 2


class Alike(Ridge):
    """A subclass that changes nothing."""


def test_a_subclass_is_not_taken_for_its_parent(out):
    """Its own predict decides: refused, or right; the parent's graph would be a wrong answer."""
    model = Doubled().fit(X, Y)
    with pytest.raises(UnsupportedEstimator, match="Doubled: "):
        toolkit.export(model, X, Y, name="m", out=out)
    assert not out.exists()


def test_a_subclass_inside_a_pipeline_is_named(out):
    model = make_pipeline(StandardScaler(), Doubled()).fit(X, Y)
    with pytest.raises(UnsupportedEstimator, match="Doubled: "):
        toolkit.export(model, X, Y, name="m", out=out)


def test_an_estimator_without_predict_for_new_rows(out):
    model = LocalOutlierFactor(novelty=False).fit(X)
    with pytest.raises(UnsupportedEstimator, match="LocalOutlierFactor: has neither predict nor"):
        toolkit.export(model, X, name="m", out=out)


def test_text_for_a_regressors_targets_is_refused_before_the_work(out):
    with pytest.raises(InvalidInput, match="y holds 'x1', which is no number"):
        toolkit.export(LinearRegression().fit(X, Y), X, ["x1"] * len(X), name="m", out=out)
    assert not out.exists()
