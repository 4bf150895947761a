"""OneHotEncoder: known, unknown and missing categories."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import OneHotEncoder

from tests.exporter.parity import answers, assert_answers, check, export_proven, right_or_refused

RNG = np.random.default_rng(0)


def texts(values, share=0.0, missing=None):
    drawn = RNG.choice(np.array(values, dtype=object), 80)
    drawn[RNG.random(80) < share] = missing
    return pd.Series(drawn, dtype=object)


TOWNS = ["Zürich", "Łódź", "東京", "a b", "'quoted'", "näive,comma"]


@pytest.mark.parametrize("drop", [None, "first", "if_binary"], ids=str)
@pytest.mark.parametrize("unknown", ["error", "ignore"])
def test_drop(drop, unknown):
    frame = pd.DataFrame({"town": texts(TOWNS), "yes": texts(["y", "n"]), "one": texts(["k"])})
    if drop == "first":
        frame = frame.drop(columns="one")
    check(OneHotEncoder(drop=drop, handle_unknown=unknown).fit(frame), frame)


def test_drop_named_categories():
    frame = pd.DataFrame({"town": texts(TOWNS), "yes": texts(["y", "n"])})
    check(OneHotEncoder(drop=["a b", "n"]).fit(frame), frame)


def test_unknown_categories_are_zeros():
    frame = pd.DataFrame({"town": texts(TOWNS), "yes": texts(["y", "n"])})
    model = OneHotEncoder(handle_unknown="ignore").fit(frame)
    content = check(model, frame)
    strange = pd.DataFrame({"town": ["Zurich", "ŁÓDŹ", "東"], "yes": ["Y", "n ", "y"]})
    assert_answers(content, model, strange)
    assert answers(content, strange)["variable"].sum(axis=1).tolist() == [0, 0, 1]


@pytest.mark.parametrize("missing", [None, np.nan], ids=["None", "NaN"])
@pytest.mark.parametrize("drop", [None, "first", "if_binary"], ids=str)
def test_missing_text_is_a_category(missing, drop):
    frame = pd.DataFrame({"t": texts(["x", "y", "z"], 0.2, missing), "u": texts(["p", "q"])})
    model = OneHotEncoder(drop=drop, handle_unknown="ignore").fit(frame)
    content = check(model, frame)
    gone = pd.DataFrame({"t": pd.Series([missing] * 3, dtype=object), "u": ["p", "q", "p"]})
    assert_answers(content, model, gone)


def test_missing_text_that_was_not_seen_in_fitting():
    frame = pd.DataFrame({"t": texts(["x", "y"]), "u": texts(["p", "q"])})
    model = OneHotEncoder(handle_unknown="ignore").fit(frame)
    gone = pd.DataFrame({"t": pd.Series([None, "x"], dtype=object), "u": ["p", "q"]})
    assert_answers(check(model, frame), model, gone)


@pytest.mark.parametrize("kind", [int, float], ids=["ints", "floats"])
def test_numbers_as_categories(kind):
    X = RNG.choice([-3, 0, 7, 1000000], (80, 2)).astype(kind)
    check(OneHotEncoder(handle_unknown="ignore").fit(X), X)


def test_fractions_as_categories():
    X = RNG.choice([0.5, -1.25, 2.0], (80, 2))
    check(OneHotEncoder(handle_unknown="ignore").fit(X), X)


def test_fractions_that_float32_rounds_need_float64_or_fail():
    """0.1 is no float32: a float32 graph would never meet scikit-learn's category."""
    X = RNG.choice([0.1, 0.7, 2.0], (80, 2))
    model = OneHotEncoder(handle_unknown="ignore").fit(X)
    content = export_proven(model, X)
    assert_answers(content, model, X, exact_rows=True)


def test_nan_as_a_category_of_numbers():
    X = RNG.choice([1.0, 2.0, np.nan], (80, 2))
    model = OneHotEncoder(handle_unknown="ignore").fit(X)
    assert np.isnan(model.categories_[0]).any()
    check(model, X)


def test_integer_columns_of_a_mixed_frame():
    frame = pd.DataFrame({"n": RNG.integers(-2, 3, 80), "t": texts(["x", "y"])})
    check(OneHotEncoder(handle_unknown="ignore").fit(frame), frame)


def test_booleans_of_a_mixed_frame():
    frame = pd.DataFrame({"n": RNG.random(80) > 0.4, "t": texts(["x", "y"])})
    check(OneHotEncoder(handle_unknown="ignore").fit(frame), frame)


def test_infrequent_categories_are_refused_or_right():
    frame = pd.DataFrame({"t": texts(["x"] * 8 + ["y"] * 8 + ["rare", "seldom"])})
    model = OneHotEncoder(min_frequency=15, handle_unknown="infrequent_if_exist").fit(frame)
    assert model.infrequent_categories_[0] is not None
    right_or_refused(model, frame, reason="infrequent categories")


def test_an_unknown_category_is_named_as_a_trap():
    from toolkit.exporter.flow import convert_and_prove

    frame = pd.DataFrame({"t": texts(["x", "y", "z"])})
    proof = convert_and_prove(OneHotEncoder().fit(frame), frame).chosen.proof
    assert any("unknown category gives zeros" in t for t in proof.traps)
