"""The proof must fail where one weight, distance, threshold or label of a graph is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from tests.estimators.corruption import corrupted
from tests.estimators.harness import all_cases
from toolkit.exporter.flow import Proven, convert_and_prove
from toolkit.exporter.proof.prove import Proof, prove

CASES = {case.name: case for case in all_cases()}

# A case of each family, and the constant of its graph of which one number (or text) is changed.
CORRUPTED = [
    ("KNeighborsClassifier-distance", "ballots"),
    ("KNeighborsClassifier-text", "classes"),
    ("KNeighborsRegressor", "targets"),
    ("RadiusNeighborsClassifier", "table"),
    ("RadiusNeighborsRegressor", "points"),
    ("KNeighborsTransformer", "points"),
    ("NearestCentroid", "points"),
    ("LocalOutlierFactor", "densities"),
    ("KNNImputer-many", "points"),
    ("SVC-rbf", "dual"),
    ("SVC-linear-classes", "coefficients"),
    ("SVC-platt-classes", "dual"),
    ("NuSVC-classes", "coefficients"),
    ("OneClassSVM", "dual"),
    ("SGDOneClassSVM", "constant"),
    ("KernelRidge-rbf", "dual"),
    ("KernelPCA-rbf", "eigenvectors"),
    ("KernelCenterer", "constant"),
    ("Nystroem-rbf", "normalization"),
    ("RBFSampler", "weights"),
    ("PolynomialCountSketch", "hashes"),
    ("GaussianProcessRegressor", "alpha"),
    ("GaussianProcessClassifier", "residuals"),
    ("GaussianProcessClassifier-rest", "solve"),
    ("KMeans", "centres"),
    ("BisectingKMeans", "centres"),
    ("MeanShift", "centres"),
    ("Birch", "centres"),
    ("AffinityPropagation", "centres"),
    ("LabelSpreading", "shares"),
    ("Isomap", "ways"),
    ("LocallyLinearEmbedding", "embedding"),
]


def wrong(array: np.ndarray) -> np.ndarray:
    """Change one entry: the largest, so that it counts, by more than any tolerance."""
    flat = array.reshape(-1)
    if array.dtype == object:
        flat[0] = "wrong"
    else:
        flat[np.nanargmax(np.abs(flat))] *= -3.0
    return array


def proved(proven: Proven, content: bytes) -> Proof:
    return prove(content, proven.evidence, proven.chosen.schema)


@pytest.mark.parametrize(("name", "hint"), CORRUPTED, ids=[n for n, _ in CORRUPTED])
def test_a_wrong_constant_fails_the_proof(name: str, hint: str) -> None:
    estimator, X, y = CASES[name].fit()
    proven = convert_and_prove(estimator, X, y)
    assert proved(proven, proven.chosen.content).passed
    assert not proved(proven, corrupted(proven.chosen.content, hint, wrong)).passed
