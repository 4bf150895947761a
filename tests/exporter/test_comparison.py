"""What a comparison rejects, accepts and counts as a tie."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from tests.exporter.test_proof import X, Y
from toolkit.exporter.flow import convert_and_prove
from toolkit.exporter.proof.comparison import compare
from toolkit.exporter.proof.ties import Ties
from toolkit.metrics import Scale
from toolkit.precision import TOLERANCE

ONE = Scale(np.zeros(1), np.ones(1), np.zeros(1))  # about 0, with a deviation of 1


FAR = Scale(np.full(1, 1e6), np.ones(1), np.zeros(1))


STEADY = Scale(np.full(1, 5.0), np.zeros(1), np.zeros(1))


def number(*values):
    return {"variable": np.array(values, dtype=np.float64).reshape(-1, 1)}


def labels(*values):
    return {"label": np.array(values)}


@pytest.mark.parametrize(
    ("expected", "got", "scale"),
    [
        (number(1.0), number(1.00011), ONE),
        (number(1000.0), number(1000.2), ONE),
        (number(0.0), number(1.1e-4), ONE),
        (number(1e6), number(1e6 + 1.1e-4), FAR),
        (number(1e6 + 10), number(1e6 + 10 + 1.1e-3), FAR),
        (number(5.0), number(5.0006), STEADY),
        (number(1.0), number(np.nan), ONE),
        (number(np.nan), number(1.0), ONE),
        (number(np.inf), number(-np.inf), ONE),
        (number(np.inf), number(3e38), ONE),
        (number(1.0, 2.0), number(2.0, 1.0), ONE),
        (number(1.0, 2.0), number(1.0), ONE),
        (number(*range(6)), number(*range(4)), ONE),
        (labels("a", "b"), labels("a", "a"), ONE),
        (labels(1, 2), labels(2, 1), ONE),
        (labels("1"), labels(1), ONE),
        (labels(1), labels(1.5), ONE),
    ],
    ids=str,
)
def test_compare_rejects(expected, got, scale):
    assert not compare(expected, got, {"variable": scale}).passed


@pytest.mark.parametrize(
    ("expected", "got", "scale"),
    [
        (number(1.0), number(1.00009), ONE),
        (number(1000.0), number(1000.09), ONE),
        (number(1e6), number(1e6 + 0.9e-4), FAR),
        (number(5.0), number(5.0004), STEADY),
        (number(1e-39), number(0.0), STEADY),
        (number(np.nan, np.inf), number(np.nan, np.inf), ONE),
        (labels("ü", "b"), {"label": np.array(["ü", "b"], dtype=object)}, ONE),
        (number(), number(), ONE),
    ],
    ids=str,
)
def test_compare_accepts(expected, got, scale):
    assert compare(expected, got, {"variable": scale}).passed


def test_the_figures_of_a_comparison():
    found = compare(number(0.0, 100.0), number(0.5, 101.0), {"variable": ONE})
    assert (found.rows, found.wrong, found.ties) == (2, 2, 0)
    assert found.max_abs == 1.0
    assert found.mean_abs == 0.75
    assert found.max_relative == 0.5
    assert found.label_agreement is None
    assert found.off.tolist() == [0.5, 0.01]
    answers = compare(labels(1, 2, 3, 4), labels(1, 2, 3, 5), {})
    assert (answers.label_agreement, answers.wrong) == (0.75, 1)


def test_a_tie_may_differ_and_is_counted():
    ties = Ties(np.array([True, True, False]), {}, {})
    found = compare(labels(1, 2, 3), labels(1, 5, 3), {}, ties)
    assert found.passed
    assert (found.rows, found.ties, found.wrong) == (2, 1, 0)
    assert not compare(labels(1, 2, 3), labels(1, 5, 4), {}, ties).passed


def test_the_tolerance_is_stated_in_the_summary():
    summary = convert_and_prove(LinearRegression().fit(X, Y), X, Y).chosen.proof.summary()
    assert summary["passed"] is True
    assert summary["tolerance"] == TOLERANCE == 1e-4
    assert set(summary["comparisons"]) == {"float32", "float64"}
    for by_rows in summary["comparisons"].values():
        assert set(by_rows) == {"held_out", "adversarial"}
