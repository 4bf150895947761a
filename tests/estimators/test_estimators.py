"""The estimator matrix: every proof passes, or the export is refused for the stated reason."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.estimators.harness import Case, all_cases, run

CASES = all_cases()


@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
def test_case(case: Case) -> None:
    result = run(case)
    if case.refused:
        assert result.status == "refused", f"unexpected {result.status}: {result.detail}"
        assert case.refused in result.detail
    else:
        assert result.status == "passed", result.detail


def test_names_are_unique() -> None:
    twice = [name for name, count in Counter(c.name for c in CASES).items() if count > 1]
    assert not twice
