"""A test of the testers: a graph of this family with one wrong number fails its proof."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.estimators.corruption import corrupted
from tests.estimators.harness import all_cases
from toolkit.exporter.bundle_writer import Proven
from toolkit.exporter.flow import convert_and_prove
from toolkit.exporter.proof.prove import prove

CASES = {c.name: c for c in all_cases()}


def raised(values: np.ndarray) -> np.ndarray:
    """Return the values with the largest off by a twentieth, and at least by 0.01."""
    changed = values.copy()
    at = np.unravel_index(np.abs(values).argmax(), values.shape)
    changed[at] += max(0.01, 0.05 * abs(values[at]))
    return changed


def swapped(values: np.ndarray) -> np.ndarray:
    """Return the values with the first two exchanged."""
    changed = values.copy()
    changed[[0, 1]] = changed[[1, 0]]
    return changed


def proof_passes(proven: Proven, content: bytes) -> bool:
    return prove(content, proven.evidence, proven.chosen.schema).passed


@pytest.mark.parametrize(
    ("name", "constant", "change"),
    [
        ("PCA", "coefficient", raised),
        ("PCA-large-mean", "center", raised),
        ("TruncatedSVD", "coefficient", raised),
        ("PLSRegression", "coefficient", raised),
        ("FactorAnalysis", "coefficient", raised),
        ("BernoulliRBM", "intercept", raised),
        ("GaussianNB", "coefficient1", raised),
        ("GaussianNB-text-labels", "classes", swapped),
        ("MultinomialNB", "intercept", raised),
        ("BernoulliNB-threshold", "binarize", raised),
        ("CategoricalNB", "log_probabilities", raised),
        ("LinearDiscriminantAnalysis-binary", "intercept", raised),
        ("LinearDiscriminantAnalysis-binary-text", "classes", swapped),
        ("QuadraticDiscriminantAnalysis", "constants", raised),
        ("GaussianMixture-full", "constants", raised),
        ("GaussianMixture-diag", "intercept", raised),
        ("EllipticEnvelope", "location", raised),
        ("EllipticEnvelope", "offset", raised),
        ("NMF", "gram", raised),
        ("MiniBatchNMF-converged", "coefficient", raised),
        ("LatentDirichletAllocation", "prior", raised),
        ("SparseCoder-omp-3", "coefficient", raised),
        ("SparseCoder-lasso_lars", "high", raised),
        ("SparseCoder-threshold", "high", raised),
    ],
)
def test_one_wrong_number_fails_the_proof(name: str, constant: str, change: Any) -> None:
    estimator, X, y = CASES[name].fit()
    proven = convert_and_prove(estimator, X, y)
    model = proven.chosen.exported.model
    assert proof_passes(proven, model.SerializeToString())
    assert not proof_passes(proven, corrupted(model.SerializeToString(), constant, change))
