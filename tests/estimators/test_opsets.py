"""Opsets between the oldest, at which test_portable runs all cases, and the default; the newest.

A graph is another one from opset 18 on (axes of reductions are inputs), from 20 on (operators on
text), and from 21 on (trees are a TreeEnsemble). One case for each way of computing.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

from tests.estimators.harness import all_cases
from toolkit.exporter.flow import convert_and_prove
from toolkit.runtime.predictor import Predictor

CASES = {case.name: case for case in all_cases()}

DECOMPOSITION = (
    "PCA-large-mean",
    "GaussianNB-separated",
    "CategoricalNB",
    "BernoulliNB-threshold",
    "QuadraticDiscriminantAnalysis-binary",
    "LinearDiscriminantAnalysis-binary-text",
    "GaussianMixture-full",
    "GaussianMixture-tied",
    "EllipticEnvelope",
    "NMF",
    "NMF-mu-converged",
    "LatentDirichletAllocation-stopped",
    "SparseCoder-omp-3",
    "SparseCoder-lasso_cd-positive",
    "SparseCoder-split",
)
META = (
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
)
NEIGHBOURS = (
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
)
TREES = (
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
CHOSEN = [
    *((name, 18) for name in (*DECOMPOSITION, "MiniBatchNMF-converged", *META)),
    *((name, opset) for name in NEIGHBOURS for opset in (18, 22)),
    *((name, 20) for name in TREES),
]
# At the default opset; test_portable asks the evaluator at the oldest.
EVALUATED = (
    *DECOMPOSITION,
    "RandomForestClassifier-ties-shallow",
    "RandomForestClassifier-nan",
    "GradientBoostingRegressor-huber",
    "HistGradientBoostingRegressor-categorical-mask",
    "IsolationForest",
    "AdaBoostRegressor-linear",
)


@functools.lru_cache(maxsize=1)
def fitted(name: str) -> tuple[Any, Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CASES[name].fit()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "opset"), CHOSEN, ids=[f"{n}-{o}" for n, o in CHOSEN])
def test_the_proof_passes(name: str, opset: int) -> None:
    chosen = convert_and_prove(*fitted(name), opset=opset).chosen
    assert chosen.proof.passed, chosen.proof.worst()
    assert chosen.proof.no_rows
    versions = {o.domain: o.version for o in chosen.exported.model.opset_import}
    assert versions[""] == opset


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", EVALUATED)
def test_the_reference_evaluator_agrees(name: str) -> None:
    estimator, X, y = fitted(name)
    chosen = convert_and_prove(estimator, X, y).chosen
    rows = np.asarray(X)[:12].astype(chosen.schema.inputs[0].dtype)
    expected = Predictor(chosen.content, name).run({"X": rows})
    got = ReferenceEvaluator(chosen.exported.model).run(list(expected), {"X": rows})
    for (output, a), b in zip(expected.items(), got, strict=True):
        if output == "label":
            assert a.astype(str).tolist() == np.asarray(b).astype(str).tolist()
        else:
            np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-5)
