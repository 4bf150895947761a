"""The tree families hold for older opsets as well, and for ONNX's own evaluator."""

from __future__ import annotations

import warnings

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from tests.estimators.harness import Case, all_cases
from toolkit.exporter.flow import convert_and_prove
from toolkit.runtime.attributes import packed
from toolkit.runtime.predictor import Predictor
from toolkit.runtime.wire import varint

NAMES = (
    "DecisionTreeRegressor-one-node",
    "DecisionTreeRegressor-outputs",
    "RandomForestClassifier-nan",
    "RandomForestClassifier-ties-shallow",
    "RandomTreesEmbedding",
    "IsolationForest",
    "Pipeline-standard-forest",
    "GradientBoostingClassifier-init-three",
    "HistGradientBoostingRegressor-categorical-mask",
    "HistGradientBoostingRegressor-categorical-text",
    "HistGradientBoostingClassifier",
    "AdaBoostClassifier-linear",
    "AdaBoostRegressor-linear",
    "BaggingClassifier-votes",
)
CASES = [case for case in all_cases() if case.name in NAMES]


@pytest.mark.parametrize("opset", [15, 18, 20])
@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
def test_older_opsets(case: Case, opset: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator, X, y = case.fit()
        proof = convert_and_prove(estimator, X, y, opset=opset).chosen.proof
    assert proof.passed, proof.worst()


EVALUATED = (
    "RandomForestClassifier-ties-shallow",
    "RandomForestClassifier-nan",
    "GradientBoostingRegressor-huber",
    "HistGradientBoostingRegressor-categorical-mask",
    "IsolationForest",
    "AdaBoostRegressor-linear",
)


@pytest.mark.parametrize("name", EVALUATED)
def test_reference_evaluator_agrees(name: str) -> None:
    estimator, X, y = next(c for c in all_cases() if c.name == name).fit()
    content = convert_and_prove(estimator, X, y).chosen.content
    rows = X[:20].astype(np.float32)
    expected = Predictor(content, name).run(rows)
    got = ReferenceEvaluator(onnx.load_from_string(content)).run(None, {"X": rows})
    for values, wanted in zip(got, expected.values(), strict=True):
        np.testing.assert_allclose(values, wanted, rtol=1e-5)


def test_packed_integers_are_varints() -> None:
    for values in ([], [0, 1, 127], [0, 128, 300, 2**21], [5, 2**40, 2**31, 0]):
        assert packed(np.array(values, dtype=np.int64)) == b"".join(map(varint, values))
