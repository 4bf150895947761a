"""Rows beyond the calibration rows, and what is said of variants that end with these."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neural_network import MLPRegressor

from toolkit.errors import InvalidInput
from toolkit.exporter import export
from toolkit.metrics import scales_of
from toolkit.quantizer import quantize
from toolkit.quantizer.checks.beyond import Beyond, rows_beyond

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3))
INPUTS = {"X": X}


class Model:
    """A predictor of a function of X."""

    def __init__(self, answer):
        self.answer = answer

    def run(self, inputs):
        return self.answer(inputs["X"])


def linear(x):
    return {"variable": x.sum(axis=1)}


def labels(x):
    return {"label": x.sum(axis=1) > 0}


def clipped(at):
    """As `linear` with its columns clipped, as by a grid that reaches so far."""
    return lambda x: linear(np.clip(x, -at, at))


def refused(x):
    raise InvalidInput("no such rows")


def said(answer, whole=linear):
    beyond = Beyond.of(INPUTS, Model(whole))
    expected = whole(X)
    return beyond.said(Model(answer), (expected, answer(X)), scales_of(expected))


def test_a_grid_that_ends_is_found_where_it_ends():
    found = said(clipped(np.abs(X).max()))
    assert found.startswith("saturates 1 range beyond the calibration rows: off by up to ")
    assert found.endswith(", on these by 0")
    assert "saturates 10 ranges" in said(clipped(8 * np.abs(X).max()))
    assert said(clipped(1e9)) == ""


def test_the_figures_are_those_of_the_worst_answer():
    high = X.max(axis=0) + np.ptp(X, axis=0)
    low = X.min(axis=0) - np.ptp(X, axis=0)
    worst = max(high, low, key=lambda row: abs(np.clip(row, -4, 4).sum() - row.sum()))
    given, wanted = np.clip(worst, -4, 4).sum(), worst.sum()
    assert f"off by up to {abs(given - wanted):.3g} ({given:.4g} for {wanted:.4g})" in said(
        clipped(4)
    )


@pytest.mark.parametrize(
    "answer",
    [
        linear,
        lambda x: {"variable": 1.02 * x.sum(axis=1)},
        lambda x: {"variable": x.sum(axis=1) + 0.5},
        lambda x: {"variable": -x.sum(axis=1)},
    ],
    ids=["the-same", "slope", "offset", "as-wrong-within"],
)
def test_what_is_no_worse_there_is_not_said(answer):
    assert said(answer) == ""


def test_numbers_that_are_not_finite_and_refusals_are_said():
    found = said(lambda x: {"variable": np.where(np.abs(x).max(axis=1) > 9, np.nan, x.sum(axis=1))})
    assert "wrong" in found
    assert "nan" in found
    few = said(lambda x: refused(x) if len(x) != len(X) else linear(x))
    assert few == "no answers 1 range beyond the calibration rows"


def test_labels():
    assert said(labels, labels) == ""
    other = said(lambda x: {"label": (x.sum(axis=1) > 0) ^ (np.abs(x).max(axis=1) > 5)}, labels)
    assert other.endswith("% other labels 1 range beyond the calibration rows")


def test_where_the_float_export_has_no_finite_answer_nothing_is_asked():
    assert Beyond.of(INPUTS, Model(refused)).further == ()
    nothing = Beyond.of(INPUTS, Model(lambda x: {"variable": np.full(len(x), np.inf)}))
    assert nothing.further == ()


def test_rows_have_one_column_or_all_beyond_either_end():
    inputs = {
        "X": X,
        "s": np.array([["a"], ["b"]] * 100, dtype=object),
        "k": np.arange(200)[:, None],
    }
    rows = rows_beyond(inputs, 1)
    low, high = (v + s * np.ptp(X, axis=0) for v, s in ((X.min(axis=0), -1), (X.max(axis=0), 1)))
    out = ((rows["X"] == low) | (rows["X"] == high)).sum(axis=1)
    out += np.isin(rows["k"][:, 0], [-199, 398])
    assert set(out) == {1, 4}
    assert (out == 4).sum() == 2 * 8
    assert len(out) == (4 + 1) * 2 * 8
    assert set(rows["s"].ravel()) == {"a", "b"}
    assert (INPUTS["X"] == X).all()


def test_many_columns_make_no_more_rows_and_constant_ones_none():
    wide = {"X": RNG.normal(size=(50, 2000))}
    assert len(rows_beyond(wide, 1)["X"]) <= 1100
    assert rows_beyond({"X": np.ones((9, 2))}, 1) == {}
    assert rows_beyond({"s": np.array([["a"]], dtype=object)}, 1) == {}
    whole = np.array([[-(2**62)], [2**62]])
    assert set(np.unique(rows_beyond({"X": whole}, 100)["X"])) == {-(2**62), 2**62}
    missing = np.array([[np.nan], [1.0], [3.0]])
    assert set(np.unique(rows_beyond({"X": missing}, 1)["X"])) == {-1.0, 5.0}


def test_of_all_methods_only_what_rounds_as_it_runs_is_warned_of(tmp_path):
    wide = RNG.uniform(-1, 1, size=(600, 24))
    y = np.maximum(wide[:, :6], 0).sum(axis=1)
    network = MLPRegressor(hidden_layer_sizes=(32,), max_iter=80, random_state=0, tol=1e-2)
    bundle = export(network.fit(wide, y), wide, y, name="wide", out=tmp_path / "wide")
    found = {v.method: v.notes for v in quantize(bundle) if v.file}
    warned = {m for m, notes in found.items() if "beyond the calibration rows" in notes}
    assert warned >= {"static-a16w8", "static-int8"}
    assert warned <= {"static-a16w8", "static-int8", "dynamic-int8", "dynamic-uint8"}
    assert "saturates 1" in found["static-int8"]
