"""This family's loops and reductions in older opsets, and in ONNX's own evaluator."""

from __future__ import annotations

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

from tests.estimators.harness import all_cases
from toolkit.exporter.flow import convert_and_prove
from toolkit.runtime.predictor import Predictor

CASES = {c.name: c for c in all_cases()}
# One case for each way of computing.
NAMES = (
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
    "MiniBatchNMF-converged",
    "LatentDirichletAllocation-stopped",
    "SparseCoder-omp-3",
    "SparseCoder-lasso_cd-positive",
    "SparseCoder-split",
)


@pytest.mark.parametrize("opset", [15, 17, 18])
@pytest.mark.parametrize("name", NAMES)
def test_older_opsets(name: str, opset: int) -> None:
    estimator, X, y = CASES[name].fit()
    proof = convert_and_prove(estimator, X, y, opset=opset).chosen.proof
    assert proof.passed, proof.worst()


@pytest.mark.parametrize("name", [n for n in NAMES if not n.startswith("MiniBatch")])  # it is slow
def test_reference_evaluator(name: str) -> None:
    estimator, X, y = CASES[name].fit()
    chosen = convert_and_prove(estimator, X, y).chosen
    rows = np.asarray(X)[:12].astype(chosen.schema.inputs[0].dtype)
    expected = Predictor(chosen.content, name).run({"X": rows})
    got = ReferenceEvaluator(chosen.exported.model).run(list(expected), {"X": rows})
    for (output, a), b in zip(expected.items(), got, strict=True):
        if output == "label":
            assert a.astype(str).tolist() == np.asarray(b).astype(str).tolist()
        else:
            np.testing.assert_allclose(b, a, atol=1e-5)
