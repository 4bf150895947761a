"""The coverage table: every estimator has a case, and docs/coverage.* say what the cases say."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest
import sklearn

from tests.estimators import coverage
from tests.estimators.harness import Case, Result, all_cases

CASES = all_cases()
REMEDY = "run scripts/coverage"
LIBRARIES = ("lightgbm", "xgboost", "catboost", "imblearn")


def case(name: str, refused: str = "", covers: tuple[str, ...] = ()) -> Case:
    return Case(name, lambda: (None, None, None), refused=refused, covers=covers)


def test_every_estimator_is_in_a_case() -> None:
    status = coverage.statuses(coverage.estimators(), coverage.declared(CASES))
    missing = [name for name, s in status.items() if s == coverage.MISSING]
    assert not missing, f"no case in tests/estimators/cases for {', '.join(missing)}"


def recorded() -> dict:
    table = json.loads(coverage.JSON.read_text(encoding="utf-8"))
    minor = ".".join(sklearn.__version__.split(".")[:2])
    if not table["scikit_learn"].startswith(minor + "."):
        pytest.skip(f"the table is of scikit-learn {table['scikit_learn']}")
    absent = [name for name in LIBRARIES if find_spec(name) is None]
    if absent:  # not every Python has wheels of all
        pytest.skip(f"the table has other libraries' cases, and {absent[0]} is not installed")
    return table


def test_the_table_is_current() -> None:
    table = recorded()
    entries = {**table["estimators"], **table["others"]}
    now = coverage.statuses(coverage.estimators(), coverage.declared(CASES))
    assert {n: e["status"] for n, e in entries.items()} == now, REMEDY
    assert table["counts"]["cases"] == len(CASES), REMEDY


def test_refusals_have_their_reasons() -> None:
    table = recorded()
    for name, entry in table["estimators"].items():
        if entry["status"] == coverage.REFUSED:
            assert all(entry["refused"].values()), name


def test_the_page_is_made_from_the_table() -> None:
    page = coverage.MARKDOWN.read_text(encoding="utf-8")
    assert page == coverage.markdown(recorded()), REMEDY


def test_experimental_estimators_are_counted() -> None:
    names = coverage.estimators()
    assert {"IterativeImputer", "HalvingGridSearchCV", "HalvingRandomSearchCV"} <= set(names)
    assert "TSNE" not in names  # it has no transform for new rows


def test_statuses() -> None:
    made = [case("A"), case("A-x", "why"), case("B-x", "why"), case("D", covers=("D", "E"))]
    found = coverage.statuses(["A", "B", "C", "D"], coverage.declared(made))
    assert found == {"A": "passed", "B": "refused", "C": "missing", "D": "passed", "E": "passed"}


def test_a_failure_outweighs_what_passes() -> None:
    results = [(case("A"), Result("passed", "")), (case("A-x"), Result("failed", "off by 1"))]
    table = coverage.collect(["A"], results)
    assert table["estimators"]["A"]["status"] == "failed"
    assert table["counts"]["failed"] == 1
    assert "off by 1" in coverage.markdown(table)


def test_other_libraries_are_listed_with_their_settings() -> None:
    made = [case("A"), case("Boost-x:y"), case("Boost"), case("Boost-z", refused="why")]
    table = coverage.collect(["A"], coverage.declared(made))
    assert "| Boost | x:y, defaults |" in coverage.markdown(table)
