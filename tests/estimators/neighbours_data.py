"""Data of the cases of neighbours, and what plain conversion gets wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.estimators.data import (
    ROWS,
    classes,
    numbers,
    positive,
)


def grid() -> tuple[np.ndarray, np.ndarray]:
    """Return distinct points of a grid with labels: distances of 0, and no near-ties."""
    rng = np.random.default_rng(8)
    X = np.unique(rng.integers(0, 40, size=(200, 3)), axis=0).astype(float)
    return X, rng.integers(0, 3, size=len(X))


def mixed() -> tuple[np.ndarray, np.ndarray]:
    """Return rows with two outputs, of three classes and of two."""
    X, y = classes()
    return X, np.column_stack([y, y > 1])


def places() -> tuple[np.ndarray, np.ndarray]:
    """Return places on the globe in radians, and heights."""
    rng = np.random.default_rng(11)
    X = np.column_stack([np.arcsin(rng.uniform(-1, 1, ROWS)), rng.uniform(-np.pi, np.pi, ROWS)])
    return X, np.sin(X[:, 0]) + np.cos(X[:, 1])


def flags() -> tuple[np.ndarray, np.ndarray]:
    """Return rows of 0 and 1, and labels."""
    rng = np.random.default_rng(9)
    return (numbers(3, 12) > 0).astype(float), rng.integers(0, 3, size=ROWS)


def far() -> tuple[np.ndarray, np.ndarray]:
    """Return rows with a mean of 1e4."""
    X, y = classes()
    return X + 1e4, y


def frame() -> tuple[Any, np.ndarray]:
    """Return rows as a data frame with real names."""
    import pandas as pd

    X, y = classes()
    return pd.DataFrame(X, columns=[f"köl {k}" for k in range(X.shape[1])]), y


def nonnegative() -> tuple[np.ndarray, np.ndarray]:
    return positive(), classes()[1]


def own_weights(distances: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + distances)


DISTANCE = "KNN weights='distance' came out as uniform; a skl2onnx after 1.20 may mend it"


RADIUS = "RadiusNeighbors* of skl2onnx 1.20 fail at run; a later one may mend it"


NONE = "skl2onnx 1.20 has no converter for it; a later one may"


METRICS = [
    "manhattan", "chebyshev", "cosine", "canberra", "sqeuclidean",
]  # fmt: skip


BOOLEAN = ["hamming", "jaccard", "dice", "rogerstanimoto", "russellrao", "sokalsneath"]
