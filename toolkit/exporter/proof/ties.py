"""Rows whose nearest neighbours are a toss-up: the k-th and the next one are equally far.

scikit-learn takes the one that its own rounding, its tree or its heap happens to put first; another
order of summation takes the other. Such rows may differ; those that do are counted and named.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from toolkit.exporter.proof.fitted_trees import held

# Distances that differ by less are equal: scikit-learn computes ‖x‖² − 2xy + ‖y‖², whose rounding
# is so large where points lie close to each other and far from 0.
EQUAL = 1e-9
TOGETHER = ("Voting", "Stacking", "MultiOutput", "OneVsRest")  # all members are given all of X


def ties_of(estimator: Any, X: Any) -> np.ndarray | None:
    """Return which rows have no definite k nearest neighbours, bool [N]; None where none are asked.

    X: rows in the estimator's form. A nearest-neighbours estimator at the end of a pipeline is
    asked with the rows that the steps before it make; those that vote, or are stacked, with X.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = list(_found(estimator, X))
    return np.logical_or.reduce(found) if found else None


def _found(estimator: Any, X: Any) -> Iterator[np.ndarray]:
    estimator = held(estimator)
    if hasattr(estimator, "steps"):
        for _, step in estimator.steps[:-1]:
            X = X if step in (None, "passthrough") else step.transform(X)
        yield from _found(estimator.steps[-1][1], X)
    elif type(estimator).__name__.startswith(TOGETHER):
        for member in estimator.estimators_:
            yield from _found(member, X.copy() if hasattr(X, "copy") else X)
    elif hasattr(estimator, "kneighbors") and hasattr(estimator, "predict"):
        count = getattr(estimator, "n_neighbors", None)
        if count and count < estimator.n_samples_fit_:
            near = estimator.kneighbors(X, count + 1)[0]
            last, next_ = near[:, count - 1], near[:, count]
            yield np.asarray(next_ - last <= EQUAL * next_)
