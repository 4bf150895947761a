"""What the proof is made with stays as it was given, whatever an estimator does with its rows."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import make_pipeline
from sklearn.utils import all_estimators

import toolkit
from toolkit.exporter.flow import convert_and_prove
from toolkit.exporter.proof.evidence import proof_rows
from toolkit.exporter.schema import infer
from toolkit.exporter.split import split_rows
from toolkit.exporter.tasks import task_of

RNG = np.random.default_rng(0)
X = np.abs(RNG.normal(size=(60, 4))) + 0.1
Y = np.digitize(X[:, 0], [0.5, 1.0])
# The parameters that let an estimator work in its caller's memory.
IN_PLACE = ("copy", "copy_X", "copy_x", "overwrite_a")
# Needs another kind of rows than a matrix of positive numbers.
OTHER_ROWS = {"MultiTaskLasso", "MultiTaskElasticNet", "CCA", "PLSCanonical", "PLSSVD"}


def in_place():
    """Yield a name and an estimator with `copy` (or its kin) off, for all that have one."""
    for name, kind in all_estimators():
        try:
            estimator = kind()
        except TypeError:
            continue
        found = [p for p in IN_PLACE if p in estimator.get_params()]
        if found:
            yield name, estimator.set_params(**dict.fromkeys(found, False))


ESTIMATORS = dict(in_place())


def test_there_are_estimators_that_work_in_place():
    assert {"StandardScaler", "Normalizer", "PCA", "SimpleImputer", "Lasso"} <= set(ESTIMATORS)


@pytest.mark.parametrize("form", ["array", "frame"])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_rows_stay_as_they_were_given(name, form):
    estimator = ESTIMATORS[name]
    several = name.startswith("MultiTask") or name in OTHER_ROWS
    y = np.column_stack([X[:, 0], X[:, 1]]) if several else Y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(X.copy(), y.copy())
    if not (hasattr(estimator, "predict") or hasattr(estimator, "transform")):
        return  # it answers no new rows
    rows = pd.DataFrame(X, columns=list("abcd")) if form == "frame" else X.copy()
    target = y.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schema = infer(rows)
        split = split_rows(rows, target, None, None, schema)
        proof_rows(estimator, schema, task_of(estimator), split)
    np.testing.assert_array_equal(np.asarray(rows), X)
    np.testing.assert_array_equal(target, y)
    for part, at in ((split.held_out, split.positions),):
        np.testing.assert_array_equal(part["X"], X[at])
    kept = {tuple(r) for r in X.tolist()}
    assert all(tuple(r) in kept for r in split.calibration["X"].tolist())


class Spoils(TransformerMixin, BaseEstimator):
    """Writes into its rows, and answers rightly."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        found = np.array(X) * 2
        X[:] = np.nan
        return found


def test_the_files_hold_the_rows_that_were_given(tmp_path):
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import Ridge

    holes = np.where(RNG.random(X.shape) < 0.2, np.nan, X)
    model = make_pipeline(SimpleImputer(copy=False), Ridge()).fit(holes.copy(), X[:, 0])
    given = holes.copy()
    bundle = toolkit.export(model, given, X[:, 0], name="m", out=tmp_path / "m", tune="latency")
    np.testing.assert_array_equal(given, holes)
    rows = {str(r) for r in holes.tolist()}
    for part in (bundle.evaluation(), bundle.calibration()):
        assert all(str(r) in rows for r in part.inputs["X"].tolist())


def test_a_step_that_spoils_its_rows_is_asked_with_copies():
    given = X.copy()
    schema = infer(given)
    split = split_rows(given, None, None, None, schema)
    evidence = proof_rows(Spoils().fit(given), schema, "transformer", split)
    np.testing.assert_array_equal(given, X)
    np.testing.assert_array_equal(evidence.expected["held_out"]["variable"], 2 * X[split.positions])


def test_neighbours_behind_a_step_in_place():
    """The ties are asked for through the steps before, which may write as well."""
    from sklearn.neighbors import KNeighborsRegressor
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(copy=False), KNeighborsRegressor(3)).fit(X.copy(), Y)
    given = X.copy()
    proven = convert_and_prove(model, given, Y, tune="latency")
    assert proven.chosen.proof.passed
    np.testing.assert_array_equal(given, X)
