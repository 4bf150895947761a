"""Older opsets spell reductions differently: a case of each neighbours family runs on each."""

from __future__ import annotations

import pytest

from tests.estimators.harness import all_cases
from toolkit.exporter.flow import convert_and_prove

CASES = {case.name: case for case in all_cases()}
NAMES = [
    "KNeighborsClassifier-distance",
    "KNeighborsTransformer",
    "RadiusNeighborsRegressor",
    "KNNImputer",
    "LocalOutlierFactor",
    "SVC-platt-classes",
    "KernelPCA-rbf",
    "PolynomialCountSketch",
    "GaussianProcessRegressor-Matern-2.5",
    "GaussianProcessClassifier-rest",
    "BisectingKMeans",
    "FeatureAgglomeration-median",
    "LabelPropagation-knn",
    "Isomap-radius",
    "LocallyLinearEmbedding",
]


@pytest.mark.parametrize("opset", [15, 18, 22])
@pytest.mark.parametrize("name", NAMES)
def test_the_proof_passes_on_every_opset(name: str, opset: int) -> None:
    estimator, X, y = CASES[name].fit()
    proof = convert_and_prove(estimator, X, y, opset=opset).chosen.proof
    assert proof.passed, proof.worst()
    assert proof.no_rows
