"""The speed benchmark: its rows are distinct, wrong answers are seen, and losses are told."""

from __future__ import annotations

import numpy as np
import pytest

from tests.script_modules import script_modules

MODULES = ("cases", "contestant", "contestants", "graphs", "markdown")


@pytest.fixture(scope="module")
def speed():
    with script_modules("speed", MODULES) as modules:
        yield modules


@pytest.fixture(scope="module")
def case(speed):
    from sklearn.linear_model import LinearRegression

    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3)).astype(np.float32).astype(np.float64)
    y = X @ [1.0, -2.0, 0.5] + rng.normal(size=300)
    rows = speed["cases"].distinct(X, 2_500)
    return speed["cases"].Case("tiny", LinearRegression().fit(X, y), X, y, rows, "predict", nodes=0)


def test_rows_are_distinct_and_exact_in_float32(case):
    assert len(np.unique(case.rows, axis=0)) == len(case.rows)
    assert (case.rows.astype(np.float32) == case.rows).all()


@pytest.mark.parametrize("rows", ["case", "table"])
@pytest.mark.parametrize(
    "name", ["skl2onnx, plain graph", "toolkit, graph", "toolkit, `load().predict`", "scikit-learn"]
)
def test_a_contestant_answers_as_scikit_learn_does(speed, rows, name, tmp_path, request):
    case = request.getfixturevalue(rows)
    contestant = speed["contestants"].CONTESTANTS[name](case, tmp_path)
    assert speed["graphs"].deviation(case, contestant) < 1e-5


def test_another_answer_is_seen(speed, case):
    wrong = speed["contestants"].Contestant(
        lambda rows: 1.01 * case.estimator.predict(rows), np.dtype("float64"), None
    )
    assert speed["graphs"].deviation(case, wrong) > speed["graphs"].NEAR


def test_who_cannot_run_a_model_says_why(speed, case, tmp_path):
    absent = speed["contestants"].Absent
    with pytest.raises(absent, match=r"trees only|not installed"):
        speed["contestants"].treelite(case, tmp_path)


@pytest.fixture(scope="module")
def table(speed):
    """The mixed pipeline: columns of numbers and of text, some missing."""
    return speed["cases"].make("numbers and text + logistic")


def test_rows_of_a_data_frame_are_distinct_and_exact_in_float32(speed, table):
    assert len(table.rows) == speed["cases"].ROWS
    numbers = table.rows.select_dtypes("float")
    assert (numbers == numbers.astype(np.float32)).sum().sum() == numbers.notna().sum().sum()
    assert len(numbers.drop_duplicates()) > 0.99 * len(numbers)
    assert set(table.rows["city"]) == set(table.X["city"])


def test_every_recipe_has_a_case(speed):
    from toolkit.trainer.catalog import recipe_names

    cases = speed["cases"]
    assert set(cases.RECIPES) == set(recipe_names())
    assert set(cases.RECIPES.values()) <= set(cases.names())


def figures(name, ratio, error=1e-6):
    return {
        "name": name,
        "bytes": 100,
        "error": error,
        "refitted": False,
        "us": {b: {"p50": 10.0} for b in ("1", "1000", "20000")},
        "ratio": {
            b: {"median": ratio, "p25": 0.98 * ratio, "p75": 1.04 * ratio}
            for b in ("1", "1000", "20000")
        },
    }


def test_the_page_tells_the_losses_and_only_those(speed):
    plain, ours = speed["contestants"].BASELINE, "toolkit, graph"
    rows = [
        figures(plain, 1.0),
        figures(ours, 0.9),
        figures("scikit-learn", 0.5),
        figures("treelite, GTIL", 3.0),
        figures("m2cgen, compiled", 0.1, error=0.5),
        {"name": "tl2cgen, compiled", "absent": "not compiled"},
    ]
    page = speed["markdown"].page(
        {
            "environment": {"machine": "m", "packages": {"numpy": "2"}},
            "models": [{"model": "tiny", "nodes": 0, "contestants": rows}],
        }
    )
    losses = [line for line in page.splitlines() if line.startswith("- ")]
    assert len(losses) == 1
    assert losses[0].startswith("- scikit-learn is faster at 1, 1,000, 20,000")
    assert "| tl2cgen, compiled | not compiled |" in page
    assert "**0.5**" in page
    assert "| scikit-learn | 0.5 (0.49–0.52) |" in page


def test_a_graph_is_held_against_our_graph(speed):
    """A faster call around it does not make up for a slower one."""
    plain, graph, call = speed["contestants"].BASELINE, *speed["contestants"].OURS[:2]
    rows = [figures(plain, 1.0), figures(graph, 1.2), figures(call, 0.9)]
    page = speed["markdown"].page(
        {
            "environment": {"machine": "m", "packages": {"numpy": "2"}},
            "models": [{"model": "tiny", "nodes": 0, "contestants": rows}],
        }
    )
    assert f"- {plain} is faster at 1, 1,000, 20,000" in page


def test_every_contestant_that_may_win_has_a_reason(speed):
    contestants = speed["contestants"]
    assert set(contestants.CONTESTANTS) - set(contestants.OURS) == set(speed["markdown"].REASONS)
