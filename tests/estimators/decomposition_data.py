"""Data that is hard for decompositions and densities, and their cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.preprocessing import MinMaxScaler

from tests.estimators import harness
from tests.estimators.data import ROWS, binary, classes, labelled, numbers, regression, targets
from tests.estimators.harness import Case

WIDE = "a large mean in float32"
NO_CONVERTER = {
    "BernoulliRBM",
    "CCA",
    "DictionaryLearning",
    "EllipticEnvelope",
    "FactorAnalysis",
    "FastICA",
    "LatentDirichletAllocation",
    "MiniBatchDictionaryLearning",
    "MiniBatchNMF-converged",
    "MiniBatchSparsePCA",
    "NMF",
    "PLSCanonical",
    "PLSSVD",
    "SparseCoder-omp",
    "SparsePCA",
    "SparseRandomProjection",
}


def case(name: str, estimator: Any, data: Any, **settings: Any) -> Case:
    """Return a case, with its trap where no converter but ours is there."""
    if name in NO_CONVERTER:
        settings = {
            "trap": "no converter in skl2onnx 1.20; a later release may have one"
        } | settings
    return harness.case(name, estimator, data, **settings)


def far() -> np.ndarray:
    """Return rows with means of 1e5 and deviations of 1, that float32 holds exactly.

    So the graph with float32 inputs must get them right; what it may lose is not in its input.
    """
    return (numbers() + 1e5).astype(np.float32).astype(np.float64)


def farther() -> np.ndarray:
    """Return the same with digits beyond float32: only float64 inputs can tell the rows apart."""
    return numbers() + 1e5


def far_classes() -> tuple[np.ndarray, np.ndarray]:
    return far(), classes()[1]


def far_binary() -> tuple[np.ndarray, np.ndarray]:
    return far(), binary()[1]


def unscaled() -> np.ndarray:
    """Return columns from a hundred-thousandth to ten thousand."""
    return numbers() * [1e-5, 1e-2, 1, 100, 1e4] + [0, 1, 0, 1000, 3e4]


def unscaled_classes() -> tuple[np.ndarray, np.ndarray]:
    return unscaled(), classes()[1]


def tiny() -> np.ndarray:
    """Return rows with variances of 1e-12."""
    return numbers() * 1e-6


def tiny_classes() -> tuple[np.ndarray, np.ndarray]:
    return tiny(), classes()[1]


def constant_column() -> tuple[np.ndarray, np.ndarray]:
    X, y = classes()
    X[:, 2] = 3.25
    return X, y


def separated() -> tuple[np.ndarray, np.ndarray]:
    """Return classes that a column tells apart without any spread of its own."""
    X, y = classes()
    X[:, 1] = y * 40.0
    return X, y


def clusters() -> np.ndarray:
    """Return rows around three centres, with different spreads that overlap."""
    rng = np.random.default_rng(8)
    centres, spreads = rng.normal(size=(3, 4)) * 1.5, np.array([0.5, 1.0, 2.0])
    member = rng.integers(3, size=ROWS)
    return centres[member] + rng.normal(size=(ROWS, 4)) * spreads[member, None]


def far_clusters() -> np.ndarray:
    return (clusters() + 1e5).astype(np.float32).astype(np.float64)


def counts() -> np.ndarray:
    """Return word counts [240, 12], of three topics."""
    rng = np.random.default_rng(9)
    topics = rng.dirichlet(np.full(12, 0.3), size=3)
    return np.array([rng.multinomial(30, topics[i % 3]) for i in range(ROWS)]).astype(float)


def counted(*names: Any) -> Any:
    def data() -> tuple[np.ndarray, np.ndarray]:
        X = counts()
        return X, np.asarray(names or (0, 1, 2))[np.arange(ROWS) % len(names or "abc")]

    return data


def category_codes() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(10)
    X = np.column_stack([rng.integers(k, size=ROWS) for k in (2, 5, 3, 9)])
    return X, (X[:, 1] + X[:, 2] + rng.integers(3, size=ROWS)) % 3


def code_frame() -> tuple[pd.DataFrame, np.ndarray]:
    X, y = category_codes()
    return pd.DataFrame(X, columns=["a", "b", "c", "d"]), y


def one_class() -> tuple[np.ndarray, np.ndarray]:
    return counts(), np.full(ROWS, 7)


def named(*names: Any) -> Any:
    return lambda: labelled(names)


def frame() -> pd.DataFrame:
    return pd.DataFrame(numbers(), columns=[f"column {i}" for i in range(5)])


def single_target() -> tuple[np.ndarray, np.ndarray]:
    return regression()


def scaled_targets() -> tuple[np.ndarray, np.ndarray]:
    X, y = targets(3)
    return X * [1, 10, 100, 0.1, 1] + [0, 5, 1e4, 0, -3], y * 100


def shares() -> np.ndarray:
    return MinMaxScaler().fit_transform(numbers())
