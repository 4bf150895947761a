"""`--tune`: which form is written, and what is said about it."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

import toolkit
from toolkit.errors import InvalidInput
from toolkit.exporter import candidates, flow
from toolkit.exporter import tuning as tuning_module
from toolkit.exporter.converters import table
from toolkit.exporter.tuning import AUTO, LATENCY, THROUGHPUT, Tuning, _decided, _rivalled

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = X @ [1.0, -2.0, 0.5]
MODEL = LinearRegression().fit(X, Y)


def two_forms(monkeypatch, wrong=False):
    """Give the linear model a second form that adds a zero (or a one, where it is to be wrong)."""
    real = table()["sklearn.LinearRegression"]

    def convert(est, x, g):
        found = real(est, x, g)
        if g.tune == THROUGHPUT:
            found = {"predict": g.binary("Add", found["predict"], [float(wrong)], "more")}
        return found

    monkeypatch.setitem(table(), "sklearn.LinearRegression", convert)


def operators(proven):
    return [n.op_type for n in proven.chosen.exported.model.graph.node]


@pytest.mark.parametrize("tune", [AUTO, LATENCY, THROUGHPUT])
def test_one_form_is_not_timed(tune, monkeypatch):
    monkeypatch.setattr(candidates, "measured", lambda *_: pytest.fail("was timed"))
    scaled = flow.convert_and_prove(MODEL, X, Y, tune=tune)
    assert scaled.tuning.requested == tune
    assert scaled.tuning.ratios == {}
    if tune != LATENCY:
        assert scaled.tuning.reason == "both forms are the same graph"


@pytest.mark.parametrize(("tune", "more"), [(LATENCY, []), (THROUGHPUT, ["Add"])])
def test_what_is_asked_for_is_made(tune, more, monkeypatch):
    two_forms(monkeypatch)
    monkeypatch.setattr(candidates, "measured", lambda *_: pytest.fail("was timed"))
    proven = flow.convert_and_prove(MODEL, X, Y, tune=tune)
    assert operators(proven) == ["Gemm", *more]
    assert proven.tuning == Tuning(tune, tune, "asked for")
    assert proven.chosen.proof.passed


@pytest.mark.parametrize("chosen", [LATENCY, THROUGHPUT])
def test_auto_takes_what_the_clock_says(chosen, monkeypatch):
    two_forms(monkeypatch)
    said = Tuning(AUTO, chosen, "timed", {"1": 1.0})
    monkeypatch.setattr(candidates, "measured", lambda *_: said)
    proven = flow.convert_and_prove(MODEL, X, Y)
    assert proven.tuning == said
    assert operators(proven) == ["Gemm"] + ["Add"] * (chosen == THROUGHPUT)


def test_a_throughput_form_that_is_wrong_is_dropped(monkeypatch):
    two_forms(monkeypatch, wrong=True)
    proven = flow.convert_and_prove(MODEL, X, Y, tune=THROUGHPUT)
    assert operators(proven) == ["Gemm"]
    assert proven.chosen.proof.passed
    assert proven.tuning.chosen == LATENCY
    assert "differs from scikit-learn on" in proven.tuning.reason


def test_forms_that_differ_are_timed_on_the_calibration_rows(monkeypatch, tmp_path):
    two_forms(monkeypatch)
    bundle = toolkit.export(MODEL, X, Y, name="m", out=tmp_path / "m")
    tuning = json.loads((tmp_path / "m" / "manifest.json").read_text(encoding="utf-8"))["tuning"]
    assert tuning == bundle.manifest["tuning"]
    assert tuning["requested"] == AUTO
    assert list(tuning["ratios"]) == ["1", "1000", "20000"]
    assert all(r > 0 for r in tuning["ratios"].values())
    assert "of the latency form's time for" in tuning["reason"]


@pytest.mark.parametrize(
    ("ratios", "chosen", "words"),
    [
        (
            {1: 1.05, 1000: 0.8, 20_000: 0.85},
            THROUGHPUT,
            "0.85 of .* 20,000 rows and 1.05 for 1 row",
        ),
        ({1: 1.2, 1000: 0.8, 20_000: 0.85}, LATENCY, "1.20 for 1 row: not worth it"),
        ({1: 1.2, 1000: 0.8, 20_000: 0.5}, THROUGHPUT, "1.20 for 1 row: worth it"),
        ({1: 1.2, 1000: 0.8, 20_000: 0.75}, THROUGHPUT, "1.20 for 1 row: worth it"),
        ({1: 1.3, 1000: 0.8, 20_000: 0.75}, LATENCY, "1.30 for 1 row: not worth it"),
        ({1: 1.4, 1000: 0.8, 20_000: 0.3}, LATENCY, "1.40 for 1 row: not worth it"),
        ({1: 1.0, 1000: 1.4, 20_000: 0.5}, LATENCY, "1.40 for 1,000 rows: not"),
        ({1: 0.95, 1000: 0.95, 20_000: 0.95}, LATENCY, "0.95 of .* 20,000 rows and 0.95 for 1 row"),
        ({1: 0.5}, THROUGHPUT, "0.50 of .* for 1 row: worth it"),
    ],
)
def test_only_a_clear_gain_decides(ratios, chosen, words):
    tuning = _decided(ratios)
    assert tuning.chosen == chosen
    assert tuning.ratios == {str(b): r for b, r in ratios.items()}
    assert re.search(words, tuning.reason)


def test_a_form_that_scikit_learn_outruns_gives_way():
    slow = _decided({1: 1.35, 1000: 0.75, 20_000: 0.7})
    assert slow.chosen == LATENCY
    assert _rivalled(slow, 1.1) == slow
    outrun = _rivalled(slow, 0.73)
    assert outrun.chosen == THROUGHPUT
    assert outrun.ratios == slow.ratios
    assert outrun.reason.endswith(
        "not worth it, but scikit-learn takes 0.73 of the latency form's time"
    )


@pytest.mark.parametrize(
    ("trade", "timed"),
    [((0.0, 0.0), False), ((9.0, 9.0), True)],
)
def test_scikit_learn_is_timed_only_where_it_may_decide(trade, timed, monkeypatch):
    two_forms(monkeypatch)
    monkeypatch.setattr(tuning_module, "TRADES", ())
    monkeypatch.setattr(tuning_module, "RIVALLED", trade)
    asked = []
    monkeypatch.setattr(tuning_module, "_rivalled", lambda t, r: asked.append(r) or t)
    flow.convert_and_prove(MODEL, X, Y)
    assert len(asked) == timed
    assert all(r > 0 for r in asked)


def test_no_such_tune():
    with pytest.raises(InvalidInput, match="tune 'fast' is none of auto, latency, throughput"):
        flow.convert_and_prove(MODEL, X, Y, tune="fast")
