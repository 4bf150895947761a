"""Which of scikit-learn's estimators the matrix covers: passed, refused and why, or missing.

`python -m tests.estimators.coverage` runs every case and writes docs/coverage.md and its JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.estimators.harness import Case, Result, all_cases, run

ROOT = Path(__file__).parents[2]
JSON = ROOT / "scripts" / "results" / "coverage.json"
MARKDOWN = ROOT / "docs" / "coverage.md"
SCHEMA_VERSION = 2
PASSED, REFUSED, FAILED, MISSING = "passed", "refused", "failed", "missing"
INTRO = """# Which estimators export

Written by `scripts/coverage` from the cases in `tests/estimators/cases`; do not edit. An estimator
is *passed* where at least one case was converted and its proof holds, and no case fails; *refused*
where every case is refused, for the reason given; *missing* where there is no case.
"""


def estimators() -> list[str]:
    """Return the names of scikit-learn's classes that can predict or transform, sorted."""
    from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer
    from sklearn.impute import IterativeImputer
    from sklearn.model_selection import HalvingGridSearchCV, HalvingRandomSearchCV
    from sklearn.utils import all_estimators

    assert enable_halving_search_cv
    assert enable_iterative_imputer
    classes = {c for _, c in all_estimators()}
    classes |= {IterativeImputer, HalvingGridSearchCV, HalvingRandomSearchCV}
    able = (c for c in classes if hasattr(c, "predict") or hasattr(c, "transform"))
    return sorted(c.__name__ for c in able)


def declared(cases: Iterable[Case]) -> list[tuple[Case, Result]]:
    """Return what each case says must come of it; the matrix holds it to that."""
    return [(c, Result(REFUSED if c.refused else PASSED, c.refused)) for c in cases]


def statuses(names: Iterable[str], results: Iterable[tuple[Case, Result]]) -> dict[str, str]:
    """Return each estimator's status by its name."""
    found: dict[str, set[str]] = {name: set() for name in names}
    for case, result in results:
        for name in case.estimators:
            found.setdefault(name, set()).add(result.status)
    return {name: _status(s) for name, s in sorted(found.items())}


def _status(found: set[str]) -> str:
    return next((s for s in (FAILED, PASSED, REFUSED) if s in found), MISSING)


def collect(names: list[str], results: list[tuple[Case, Result]]) -> dict[str, Any]:
    """Return the coverage table as scripts/results/coverage.json holds it."""
    from sklearn import __version__

    status = statuses(names, results)
    entries: dict[str, Any] = {
        name: {"status": s, "cases": 0, "refused": {}} for name, s in status.items()
    }
    for case, result in results:
        for name in case.estimators:
            entries[name]["cases"] += 1
            if result.status == PASSED and name not in set(names):
                entries[name].setdefault("passed", []).append(case.name)
            if result.status != PASSED:
                entries[name]["refused"][case.name] = result.detail
    own = {n: e for n, e in entries.items() if n in set(names)}
    counts = {s: sum(e["status"] == s for e in own.values()) for s in _shown(own)}
    return {
        "schema_version": SCHEMA_VERSION,
        "scikit_learn": __version__,
        "counts": {
            "estimators": len(own),
            **counts,
            "cases": len(results),
            "cases_passed": sum(r.status == PASSED for _, r in results),
            "cases_refused": sum(r.status == REFUSED for _, r in results),
        },
        "estimators": own,
        "others": {n: e for n, e in entries.items() if n not in own},
    }


def _shown(entries: Mapping[str, Any]) -> list[str]:
    """Return the statuses to count; a failure is told only where there is one."""
    failed = any(e["status"] == FAILED for e in entries.values())
    return [PASSED, REFUSED, MISSING, *([FAILED] if failed else [])]


def markdown(table: Mapping[str, Any]) -> str:
    """Return the table as docs/coverage.md."""
    counts = table["counts"]
    lines = [
        INTRO,
        f"scikit-learn {table['scikit_learn']}: **{counts['estimators']} estimators** predict or "
        f"transform; **{counts[PASSED]} passed**, {counts[REFUSED]} refused, {counts[MISSING]} "
        f"missing. {counts['cases']} cases: {counts['cases_passed']} passed, "
        f"{counts['cases_refused']} refused.",
        "",
        *_section("Refused", _with(table, REFUSED)),
        *_section("Failed", _with(table, FAILED)),
    ]
    missing = [n for n, e in table["estimators"].items() if e["status"] == MISSING]
    if missing:
        lines += ["## Missing", "", ", ".join(missing), ""]
    lines += _section("Settings that are refused", _with(table, PASSED))
    lines += _beyond(table["others"])
    lines += ["## All", "", "| estimator | status | cases | of them refused |"]
    lines += ["| --- | --- | --: | --: |"]
    for entries in (table["estimators"], table["others"]):
        lines += [
            f"| {n} | {e['status']} | {e['cases']} | {len(e['refused'])} |"
            for n, e in entries.items()
        ]
    return "\n".join([*lines, ""])


def _with(table: Mapping[str, Any], status: str) -> list[tuple[str, str]]:
    """Return (case, reason) of the refused cases of a status's estimators, each case once."""
    entries = {**table["estimators"], **table["others"]}
    found = {
        c: r for e in entries.values() if e["status"] == status for c, r in e["refused"].items()
    }
    return sorted(found.items())


def _beyond(others: Mapping[str, Any]) -> list[str]:
    """Return the section on other libraries' estimators: each with the settings that passed.

    A setting, such as an objective, is what its case's name says after the estimator's.
    """
    lines = ["## Beyond scikit-learn", "", "| estimator | passed with |", "| --- | --- |"]
    for name, entry in others.items():
        settings = [c.removeprefix(name).strip("-") or "defaults" for c in entry.get("passed", [])]
        lines.append(f"| {name} | {', '.join(settings) or 'nothing'} |")
    return [*lines, ""] if others else []


def _section(title: str, reasons: list[tuple[str, str]]) -> list[str]:
    if not reasons:
        return []
    return [f"## {title}", "", *(f"- `{case}`: {reason}" for case, reason in reasons), ""]


def write(table: Mapping[str, Any]) -> None:
    """Write both files."""
    JSON.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    MARKDOWN.write_text(markdown(table), encoding="utf-8")


def main() -> int:
    """Run every case and write the files; return 1 where a case is not as declared."""
    cases, results, wrong = all_cases(), [], []
    for case in cases:
        result = run(case)
        results.append((case, result))
        if result.status != (REFUSED if case.refused else PASSED):
            wrong.append(f"{case.name}: {result.status}: {result.detail}")
    table = collect(estimators(), results)
    write(table)
    counts = ", ".join(f"{n} {k.replace('_', ' ')}" for k, n in table["counts"].items())
    print(f"{counts}\n{JSON}\n{MARKDOWN}")
    print("\n".join(wrong), file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
