"""Whether an estimator was fitted on the rows that it is given with, by what it keeps of them.

Scores on rows of the fitting say nothing of new data, and whoever gives an estimator's file with
data may not know, or not say, which rows these are.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from toolkit.exporter.split import Split
from toolkit.exporter.traces import LOOKS, Trace

FITTED, NOT_FITTED = "fitted", "not fitted"
# Ensembles each of whose `estimators_` was fitted on all rows, with their own targets or others.
OF_ALL_ROWS = (
    "MultiOutputClassifier",
    "MultiOutputRegressor",
    "OneVsRestClassifier",
    "StackingClassifier",
    "StackingRegressor",
    "VotingClassifier",
    "VotingRegressor",
)


class Finding(NamedTuple):
    """answer: "fitted", "not fitted" or "unknown"; why: the trace that tells, "" without one."""

    answer: str
    why: str = ""

    @property
    def short(self) -> str:
        """Return the answer as the manifest keeps it: "yes", "no" or "unknown"."""
        return {FITTED: "yes", NOT_FITTED: "no"}.get(self.answer, "unknown")


UNKNOWN = Finding("unknown")


def fitted_on(estimator: Any, X: Any, y: Any = None) -> Finding:
    """Return whether an estimator was fitted on the rows X (and targets y), and what tells so.

    "fitted": what it keeps of its rows is that of these, or these are among the rows that it keeps.
    "not fitted": these are others; where it keeps only sums or counts, a few could still be among
    its own. "unknown": nothing tells, or X has only some of its rows. One trace of a fitting on
    these rows outweighs any of one on others, for it is no chance. Rows are copied first, as some
    estimators write into theirs; nothing is raised.
    """
    findings = [Finding(FITTED if t.same else NOT_FITTED, t.why) for t in _traces(estimator, X, y)]
    for answer in (FITTED, NOT_FITTED):
        for finding in findings:
            if finding.answer == answer:
                return finding
    return UNKNOWN


def in_words(finding: Finding) -> str:
    """Return the finding as a clause about "them", the rows."""
    if finding.answer == FITTED:
        return f"the estimator was fitted on them ({finding.why})"
    if finding.answer == NOT_FITTED:
        return f"the estimator was not fitted on them ({finding.why})"
    return "whether the estimator was fitted on them is not known"


def told(split: Split, estimator: Any, X: Any, y: Any, X_test: Any, y_test: Any) -> Split:
    """Return the split with what is found of its held-out rows, or was said of them.

    X_test: rows that were given as held out, None where the held-out rows are a part of X. They are
    taken for that unless there is a trace of them in the estimator.
    """
    if X_test is None:
        finding = fitted_on(estimator, X, y)
        return replace(split, fitted=finding.short, note=f"{split.note}; {in_words(finding)}")
    finding = fitted_on(estimator, X_test, y_test)
    if finding.answer != FITTED:
        return replace(split, fitted="no")
    return replace(split, fitted="yes", note=f"{split.note}; but {in_words(finding)}")


def _traces(estimator: Any, X: Any, y: Any) -> list[Trace]:
    traces = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        # Any error of any estimator's own methods: no evidence is better than no export.
        try:
            for part, rows, targets in _parts(estimator, deepcopy(X), deepcopy(y)):
                traces += [t for look in LOOKS if (t := _looked(look, part, rows, targets))]
        except Exception:
            return traces
    return traces


def _looked(look: Any, part: Any, rows: Any, targets: Any) -> Trace | None:
    try:
        return look(part, rows, targets)
    except Exception:  # as above; most parts have nothing of what is looked for
        return None


def _parts(estimator: Any, X: Any, y: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Yield an estimator and the parts of it whose rows are known, with these rows and targets."""
    yield estimator, X, y
    if hasattr(estimator, "steps"):
        yield from _steps([step for _, step in estimator.steps], X, y)
    for name, part, columns in getattr(estimator, "transformers_", []):
        if name != "remainder" and not isinstance(part, str):
            yield from _parts(part, _columns(X, columns), y)
    for _, part in getattr(estimator, "transformer_list", []):
        if not isinstance(part, str):
            yield from _parts(part, X, y)
    if hasattr(estimator, "best_estimator_"):
        yield from _parts(estimator.best_estimator_, X, y)
    if hasattr(estimator, "regressor_"):  # its targets are transformed ones
        yield from _parts(estimator.regressor_, X, None)
    if type(estimator).__name__ in OF_ALL_ROWS:
        for part in estimator.estimators_:
            yield from _parts(part, X, None)


def _steps(steps: list[Any], X: Any, y: Any) -> Iterator[tuple[Any, Any, Any]]:
    for number, step in enumerate(steps):
        if step is None or isinstance(step, str):
            continue
        yield from _parts(step, X, y)
        if number + 1 < len(steps):
            X = step.transform(deepcopy(X))


def _columns(X: Any, columns: Any) -> Any:
    from sklearn.utils import _safe_indexing  # as ColumnTransformer itself takes them

    return _safe_indexing(X, columns, axis=1)
