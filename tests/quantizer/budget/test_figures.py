"""What a budget is judged by: each figure reacts to what it is to find, and to chance."""

from __future__ import annotations

import numpy as np
import pytest

from toolkit.bundle import Rows
from toolkit.quantizer.budget.figures import BETWEEN, figures, loss, rows_between, with_between

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 3))
Y = X.sum(axis=1, keepdims=True)
ROWS = Rows({"X": X}, {"variable": Y}, Y[:, 0] + RNG.normal(size=400) / 2)


def of(got, rows=ROWS, promised=400):
    return figures(rows, {"variable": got}, True, promised)


def test_nothing_lost_is_zero_in_every_figure():
    found = of(Y)
    assert found.measured == {"nmse": 0, "r2_drop": 0, "agreement": None, "max_abs": 0}
    assert found.judged == found.measured


def test_figures_are_those_of_their_formulas():
    error = RNG.normal(size=Y.shape) / 10
    found = of(Y + error).measured
    assert found["nmse"] == pytest.approx(np.square(error).mean() / Y.var())
    assert found["max_abs"] == pytest.approx(np.abs(error).max())
    target = ROWS.target
    lost = np.square(Y[:, 0] + error[:, 0] - target).mean() - np.square(Y[:, 0] - target).mean()
    assert found["r2_drop"] == pytest.approx(lost / target.var())


def test_r2_drop_is_judged_by_what_it_may_be_on_so_many_rows():
    error = RNG.normal(size=Y.shape) / 10
    own = np.square(error).mean() / ROWS.target.var()
    few, many = (of(Y + error, promised=n).judged["r2_drop"] for n in (50, 10**8))
    assert own < many < few
    assert many < 1.5 * own  # the bound of the error's own mean square, and nothing else


def test_the_margin_covers_nineteen_of_twenty_samples():
    """On fresh rows of the same kind the true NMSE is below the bound; 90 % allows for luck."""
    covered = 0
    for _ in range(200):
        x = RNG.normal(size=(100, 1))
        rows = Rows({}, {"variable": x}, None)
        bound = figures(rows, {"variable": x + RNG.normal(size=x.shape) / 10}, True, 1).judged
        covered += bound["nmse"] >= 0.01 * x.var() ** -1
    assert covered >= 180


def test_a_nan_that_only_one_has_is_infinitely_far():
    got = Y.copy()
    got[3] = np.nan
    assert of(got).measured["nmse"] == np.inf
    both = Rows({}, {"variable": got}, None)
    assert figures(both, {"variable": got}, True, 1).measured["nmse"] == 0


def test_each_target_is_judged_by_its_own_spread():
    """Two targets 1,000 apart: what loses one of them loses nothing beside the distance."""
    both = np.hstack([Y, Y + 1000])
    error = RNG.normal(size=both.shape) * [0, 0.6 * Y.std()]
    found = figures(Rows({}, {"variable": both}, None), {"variable": both + error}, True, 1)
    assert found.measured["nmse"] == pytest.approx(0.36, rel=0.2)
    assert found.judged["nmse"] > found.measured["nmse"]


def test_labels_alone_are_ranked_by_the_share_of_others():
    a, b = np.array(["x", "y", "x", "y"]), np.array(["x", "y", "x", "x"])
    assert loss({"label": a}, {"label": b}) == 0.25
    found = figures(Rows({}, {"label": a}, None), {"label": b}, False, 1).measured
    assert found == {"nmse": None, "r2_drop": None, "agreement": 0.75, "max_abs": None}


def test_rows_between_are_between_and_text_is_kept():
    between = rows_between({"X": X, "s": np.array([["a"], ["b"]] * 200)})
    assert len(between["X"]) == len(between["s"]) == BETWEEN
    assert (between["X"] >= X.min(axis=0)).all()
    assert (between["X"] <= X.max(axis=0)).all()
    assert set(between["s"].ravel()) == {"a", "b"}
    constant = rows_between({"X": np.full((9, 1), 0.1)})["X"]
    assert (constant == 0.1).all()  # trees compare: a value between two equal ones is that value


def test_rows_between_can_only_make_the_verdict_harder():
    found = of(Y + 0.01)
    expected = {"variable": np.zeros((5, 1)) + np.arange(5)[:, None]}
    for shift in (0.0, 0.5):
        other = {"variable": expected["variable"] + shift}
        judged = with_between(found, expected, other).judged
        assert judged["max_abs"] == pytest.approx(max(0.01, shift))
        assert judged["nmse"] >= found.judged["nmse"]
        assert judged["r2_drop"] == found.judged["r2_drop"]
