"""The proof must fail where one weight, knot, threshold or label of a graph is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from tests.estimators.corruption import corrupted
from tests.estimators.harness import Case, all_cases
from toolkit.exporter.flow import convert_and_prove
from toolkit.exporter.proof.prove import Proof, prove

CASES = {case.name: case for case in all_cases()}

# A case of each estimator, and the constant of its graph of which one number (or text) is changed.
CORRUPTED = [
    ("CalibratedClassifierCV-isotonic-logistic-multi-single", "knots2"),
    ("CalibratedClassifierCV-sigmoid-logistic-binary-ensemble", "slope"),
    ("CalibratedClassifierCV-temperature-logistic-binary-ensemble", "beta"),
    ("ClassifierChain", "coefficient2"),
    ("DummyClassifier-most-frequent", "classes"),
    ("DummyRegressor", "row"),
    ("FixedThresholdClassifier-0.7", "limit"),
    ("FrozenEstimator-regressor", "coefficient"),
    ("GridSearchCV", "classes"),
    ("IsotonicRegression", "knots2"),
    ("IsotonicRegression-many-knots", "heads"),
    ("LogisticRegression-text", "classes"),
    ("MLPClassifier-multilabel", "coefficient1"),
    ("MultiOutputClassifier-text", "classes1"),
    ("MultiOutputRegressor", "coefficient1"),
    ("OneVsOneClassifier", "coefficient"),
    ("OneVsRestClassifier", "coefficient"),
    ("OutputCodeClassifier", "coefficient2"),
    ("Perceptron", "intercept"),
    ("PoissonRegressor", "intercept"),
    ("RANSACRegressor", "coefficient"),
    ("RegressorChain", "coefficient2"),
    ("RidgeClassifier-multilabel", "limit"),
    ("SelfTrainingClassifier", "intercept"),
    ("SGDClassifier-modified-huber", "half"),
    ("StackingClassifier", "coefficient3"),
    ("StackingRegressor", "coefficient1"),
    ("TransformedTargetRegressor-log1p", "one"),
    ("TransformedTargetRegressor-PowerTransformer-6", "root"),
    ("TransformedTargetRegressor-QuantileTransformer-10", "knots1"),
    ("TunedThresholdClassifierCV", "limit"),
    ("TweedieRegressor-power-3", "intercept"),
    ("VotingClassifier", "weight1"),
    ("VotingClassifier-soft", "total"),
    ("VotingRegressor-weights", "weight"),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "constant"), CORRUPTED, ids=lambda value: value)
def test_corrupted_constant(name: str, constant: str) -> None:
    before, after = _proofs(CASES[name], constant)
    assert before.passed
    assert not after.passed


def _proofs(case: Case, constant: str) -> tuple[Proof, Proof]:
    """Return the proof of the exported graph and of the corrupted one."""
    estimator, X, y = case.fit()
    proven = convert_and_prove(estimator, X, y)
    chosen = proven.chosen
    content = corrupted(chosen.content, constant, _middle)
    wrong = prove(content, proven.evidence, chosen.schema)
    return chosen.proof, wrong


def _middle(values: np.ndarray) -> np.ndarray:
    """Return the values with the middle one changed."""
    flat = values.reshape(-1)
    middle = len(flat) // 2
    flat[middle] = (
        "wrong" if values.dtype == object else flat[middle] + 0.3 * (1 + abs(flat[middle]))
    )
    return values
