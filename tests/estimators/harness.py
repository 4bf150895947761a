"""One case of the estimator matrix: a fitted estimator with its rows, and what must come of it."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklearn.base import clone

from toolkit.errors import InvalidInput, UnsupportedEstimator
from toolkit.estimators.keeping import keep
from toolkit.exporter.flow import convert_and_prove
from toolkit.exporter.tuning import THROUGHPUT

FOLDER = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """`fit` returns (fitted estimator, X, y or None), the same each time.

    name: the estimator's class name and what is special, "Ridge" or "SVC-rbf-binary". trap: the
    known error of plain conversion that the case guards, "" if none. refused: words of the reason
    where the export must be refused, "" where the proof must pass. unkept: words of the reason why
    the bundle has no copy of the estimator, "" where it must have one. covers: the class names that
    the case counts for in the coverage table, the name's first part if empty.
    """

    name: str
    fit: Callable[[], tuple[Any, Any, Any]]
    trap: str = ""
    refused: str = ""
    unkept: str = ""
    covers: tuple[str, ...] = ()

    @property
    def estimators(self) -> tuple[str, ...]:
        """The class names that the case counts for."""
        return self.covers or (self.name.partition("-")[0],)


@dataclass(frozen=True)
class Result:
    """What came of a case: "passed", "failed" (the proof) or "refused", and why."""

    status: str
    detail: str


def run(case: Case) -> Result:
    """Fit, convert and prove one case, in both forms where there are two; nothing is written."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator, X, y = case.fit()
        try:
            proven = convert_and_prove(estimator, X, y, tune=THROUGHPUT)
        except (UnsupportedEstimator, InvalidInput) as error:
            return Result("refused", str(error))
        evidence = proven.evidence  # its estimator stands around a booster of its own
        kept = keep(evidence.estimator, evidence.answers_alike)
    if bool(kept.content) == bool(case.unkept) or case.unkept not in kept.why:
        return Result("failed", f"its copy: {kept.why or 'is kept'}")
    proof = proven.chosen.proof  # of the second form, or of the first because one of them failed
    if proof.passed and proven.tuning.chosen == THROUGHPUT:
        return Result("passed", proof.worst())
    return Result("failed", proof.worst() if not proof.passed else proven.tuning.reason)


def case(name: str, estimator: Any, data: Callable[[], Any], trap: str = "", **more: Any) -> Case:
    """Return the case of an estimator fitted on `data()`, which gives X, (X,) or (X, y).

    estimator: one, of which a copy is fitted, or what makes one.
    """

    def fit() -> tuple[Any, Any, Any]:
        rows = data()
        X, y = (*rows, None)[:2] if isinstance(rows, tuple) else (rows, None)
        made = callable(estimator)
        return (estimator() if made else clone(estimator)).fit(X, y), X, y

    return Case(name, fit, trap, **more)


def all_cases() -> list[Case]:
    """Return the cases of every file in `cases/`, in the files' order."""
    return [case for path in sorted(FOLDER.glob("*.py")) for case in _load(path)]


def _load(path: Path) -> Iterator[Case]:
    spec = importlib.util.spec_from_file_location(f"estimator_cases_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield from module.CASES
