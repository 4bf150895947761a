"""Rows whose nearest neighbours are a toss-up: the k-th and the next one are equally far.

scikit-learn takes the one that its own rounding, its tree or its heap happens to put first; another
order of summation takes the other. Such rows may differ; those that do are counted and named.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from toolkit.exporter.proof.fitted_trees import held

# Distances that differ by less are equal: scikit-learn computes ‖x‖² − 2xy + ‖y‖², whose rounding
# is so large where points lie close to each other and far from 0.
EQUAL = 1e-9


def ties_of(estimator: Any, X: Any) -> np.ndarray | None:
    """Return which rows have no definite k nearest neighbours, bool [N]; None where none are asked.

    X: rows in the estimator's form; a nearest-neighbours estimator at the end of a pipeline is
    asked with the rows that the steps before it make.
    """
    estimator, rows = held(estimator), X
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while hasattr(estimator, "steps"):
            for _, step in estimator.steps[:-1]:
                rows = rows if step in (None, "passthrough") else step.transform(rows)
            estimator = held(estimator.steps[-1][1])
        count = getattr(estimator, "n_neighbors", None)
        if not (hasattr(estimator, "kneighbors") and hasattr(estimator, "predict") and count):
            return None
        if count >= estimator.n_samples_fit_:
            return None
        near = estimator.kneighbors(rows, count + 1)[0]
    last, next_ = near[:, count - 1], near[:, count]
    return np.asarray(next_ - last <= EQUAL * next_)
