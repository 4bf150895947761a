"""Meta-estimators at the lowest opsets: their graphs open, run and agree there as well."""

from __future__ import annotations

import pytest

from tests.estimators.harness import all_cases
from toolkit.exporter.flow import convert_and_prove

CASES = {case.name: case for case in all_cases()}

NAMES = [
    "CalibratedClassifierCV-isotonic-logistic-multi-single",
    "CalibratedClassifierCV-temperature-mlp-multi-single",
    "ClassifierChain",
    "DummyClassifier-multilabel",
    "FixedThresholdClassifier-pos-label",
    "IsotonicRegression-many-knots",
    "MultiOutputClassifier-text",
    "OneVsOneClassifier-text",
    "OneVsRestClassifier",
    "OutputCodeClassifier-text",
    "RidgeClassifier-multilabel",
    "SGDClassifier-modified-huber-multi",
    "StackingClassifier-text",
    "TransformedTargetRegressor-PowerTransformer-6",
    "TransformedTargetRegressor-QuantileTransformer-10",
    "TweedieRegressor-power-3",
    "VotingClassifier-hard-text",
    "VotingClassifier-soft",
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("opset", [15, 18])
@pytest.mark.parametrize("name", NAMES)
def test_opset(name: str, opset: int) -> None:
    proven = convert_and_prove(*CASES[name].fit(), opset=opset)
    assert proven.chosen.proof.passed
    assert proven.chosen.exported.model.opset_import[0].version == opset
