"""Rows whose answer is a toss-up: the k-th neighbour and the next one are equally far.

scikit-learn takes the one that its own rounding, its tree or its heap happens to put first; another
order of summation takes the other. The same holds of points on a radius. Such rows may differ
within what some choice among the tied points gives; those that do are counted and named. So are
labels of classes that are equally likely to the last digit.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit import metrics
from toolkit.exporter.proof.fitted_trees import held
from toolkit.precision import TIED_ANSWERS

# Distances that differ by less are equal: scikit-learn computes ‖x‖² − 2xy + ‖y‖², whose rounding
# is so large where points lie close to each other and far from 0.
EQUAL = 1e-9
NEIGHBOURS, POSTERIORS = "the nearest neighbours are", "the two likeliest classes are"
TOGETHER = ("Voting", "Stacking", "MultiOutput", "OneVsRest", "Bagging")
MOST_DISTANCES = 20_000_000  # distances that are looked at to find which answers a tie may have
PROBABILITIES = "probabilities"
ROUNDED = 1e-14  # of a posterior's terms


@dataclass(frozen=True)
class Ties:
    """rows: which rows are ties, bool [N]; low, high: between what their numbers lie, [N, k].

    By output name; an output that is missing may be anything. what: of what they are ties.
    """

    rows: np.ndarray
    low: Mapping[str, np.ndarray]
    high: Mapping[str, np.ndarray]
    what: str = NEIGHBOURS

    def at(self, positions: Any) -> Ties:
        """Return the ties among the rows at these positions."""
        low, high = ({n: a[positions] for n, a in side.items()} for side in (self.low, self.high))
        return Ties(self.rows[positions], low, high, self.what)

    def joined(self, rows: np.ndarray) -> Ties:
        """Return these ties and further rows that may have any answer, bool [N]."""
        free = rows & ~self.rows
        low = {n: np.where(free[:, None], -np.inf, a) for n, a in self.low.items()}
        high = {n: np.where(free[:, None], np.inf, a) for n, a in self.high.items()}
        return Ties(self.rows | rows, low, high, self.what)

    def allow(self, got: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return which rows are ties whose answers some choice among the tied points gives."""
        allowed = self.rows.copy()
        for name, low in self.low.items():
            values = metrics.columns(got[name])
            if values.shape != low.shape:
                return np.zeros(len(allowed), dtype=bool)
            slack = TIED_ANSWERS * (self.high[name] - low) + 1e-6 * np.abs(low)
            with np.errstate(invalid="ignore"):
                inside = (values >= low - slack) & (values <= self.high[name] + slack)
            allowed &= (inside | np.isnan(low)).all(axis=1)
        return allowed


def ties_of(estimator: Any, X: Any, expected: Mapping[str, np.ndarray]) -> Ties | None:
    """Return the rows without definite neighbours; None where none are asked.

    X: rows in the estimator's form; expected: scikit-learn's answers to them. A nearest-neighbours
    estimator at the end of a pipeline is asked with the rows that the steps before it make; where
    such estimators vote or are stacked, a tie's answer may be any that other rows have.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        members = list(_members(estimator, X))
        ties = [t for t in (_ties(est, rows) for est, rows, _ in members) if t is not None]
    if not ties:
        return None
    names = metrics.numeric(expected)
    alone = members[0][2] and len(ties) == 1
    if alone and set(ties[0].low) <= set(names):
        return ties[0]
    rows = np.logical_or.reduce([t.rows for t in ties])
    count = len(rows)
    values = {n: metrics.columns(expected[n]) for n in names}
    low = {n: np.broadcast_to(np.nanmin(v, axis=0), (count, v.shape[1])) for n, v in values.items()}
    high = {
        n: np.broadcast_to(np.nanmax(v, axis=0), (count, v.shape[1])) for n, v in values.items()
    }
    return Ties(rows, low, high, ties[0].what)


def _members(estimator: Any, X: Any, alone: bool = True) -> Iterator[tuple[Any, Any, bool]]:
    """Yield the estimators inside, their rows, and whether their answers are the whole's."""
    inner = held(estimator)
    alone = alone and not hasattr(estimator, "regressor_")
    if hasattr(inner, "steps"):
        for _, step in inner.steps[:-1]:
            passes = step in (None, "passthrough") or hasattr(step, "fit_resample")
            X = X if passes else step.transform(X)
        yield from _members(inner.steps[-1][1], X, alone)
    elif type(inner).__name__.startswith(TOGETHER):
        features = getattr(inner, "estimators_features_", None)
        for k, member in enumerate(inner.estimators_):
            rows = X.copy() if hasattr(X, "copy") else X
            rows = rows if features is None else np.asarray(rows)[:, features[k]]
            yield from _members(member, rows, False)
    elif hasattr(inner, "predict"):
        yield inner, X, alone


def _ties(estimator: Any, X: Any) -> Ties | None:
    if type(estimator).__name__ == "QuadraticDiscriminantAnalysis":
        return _equally_likely(estimator, X)
    if not hasattr(estimator, "kneighbors"):
        reaches = hasattr(estimator, "radius_neighbors") and hasattr(estimator, "radius")
        return _on_the_radius(estimator, X) if reaches else None
    count = getattr(estimator, "n_neighbors", None)
    if not count or count >= estimator.n_samples_fit_:
        return None
    near = estimator.kneighbors(X, count + 1)[0]
    rows = near[:, count] - near[:, count - 1] <= EQUAL * near[:, count]
    return _with_choices(estimator, X, count, np.asarray(rows))


def _on_the_radius(estimator: Any, X: Any) -> Ties | None:
    """Return the rows with a point on the radius: with it, or without it."""
    sides = []
    for part in (1.0 - EQUAL, 1.0 + EQUAL):
        moved = copy.copy(estimator)
        moved.radius = estimator.radius * part
        reached = np.array([len(n) for n in moved.radius_neighbors(X, return_distance=False)])
        sides.append(reached)
    return Ties(sides[0] != sides[1], {}, {})


def _equally_likely(estimator: Any, X: Any) -> Ties:
    """Return the rows whose two likeliest classes differ by no more than the terms' rounding.

    Their labels are a toss-up, their probabilities are not. The terms of `½ ‖(x − μ) R S^−½‖²` are
    large where a variance is tiny, as of columns that are all but collinear.
    """
    rows = np.asarray(X, dtype=np.float64)
    sizes = [
        (((rows - m) @ (r / np.sqrt(s))) ** 2).sum(axis=1) + np.abs(np.log(s)).sum()
        for m, r, s in zip(estimator.means_, estimator.rotations_, estimator.scalings_, strict=True)
    ]
    best = np.sort(estimator.predict_log_proba(rows), axis=1)[:, -2:]
    equal = best[:, 1] - best[:, 0] <= ROUNDED * (1.0 + np.max(sizes, axis=0))
    p = estimator.predict_proba(rows)
    return Ties(
        equal, {PROBABILITIES: p - TIED_ANSWERS}, {PROBABILITIES: p + TIED_ANSWERS}, POSTERIORS
    )


def _with_choices(estimator: Any, X: Any, count: int, rows: np.ndarray) -> Ties:
    """Return the ties of a regressor or classifier with what their answers may be."""
    name = PROBABILITIES if hasattr(estimator, "classes_") else "variable"
    targets = _targets(estimator)
    at = np.flatnonzero(rows)
    size = estimator.n_samples_fit_
    known = targets is not None and estimator.weights in ("uniform", "distance")
    if not known or not len(at) or len(at) * size > MOST_DISTANCES:
        return Ties(rows, {}, {})
    assert targets is not None
    far, index = estimator.kneighbors(np.asarray(X)[at], size)
    limit = far[:, [count - 1]]
    sure, tied = far < limit * (1 - EQUAL), np.abs(far - limit) <= limit * EQUAL
    weight = np.ones_like(far)
    if estimator.weights == "distance":
        with np.errstate(divide="ignore"):
            weight = np.where(far[:, [0]] == 0, far == 0, 1 / far)
    shape = (len(rows), targets.shape[1])
    low, high = np.full(shape, -np.inf), np.full(shape, np.inf)
    for k, row in enumerate(at.tolist()):
        mine = targets[index[k]]
        own = (weight[k, sure[k], None] * mine[sure[k]]).sum(axis=0)
        rest = count - int(sure[k].sum())
        choice = np.sort(mine[tied[k]], axis=0)
        one = weight[k, count - 1]
        total = weight[k, sure[k]].sum() + one * rest
        low[row] = (own + one * choice[:rest].sum(axis=0)) / total
        high[row] = (own + one * choice[len(choice) - rest :].sum(axis=0)) / total
    return Ties(rows, {name: low}, {name: high})


def _targets(estimator: Any) -> np.ndarray | None:
    """Return the points' targets [n, k], a column a class; None for classes of several outputs."""
    y = getattr(estimator, "_y", None)
    if y is None or estimator.__class__.__name__ == "LocalOutlierFactor":
        return None
    if hasattr(estimator, "classes_"):
        single = np.ndim(y) == 1 and not isinstance(estimator.classes_, list)
        return np.eye(len(estimator.classes_))[np.asarray(y)] if single else None
    return np.asarray(y, dtype=np.float64).reshape(len(y), -1)
