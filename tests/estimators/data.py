"""Small data sets for the estimator matrix, the same each time; every call returns fresh arrays."""

from __future__ import annotations

import numpy as np

ROWS = 240


def numbers(seed: int = 0, columns: int = 5) -> np.ndarray:
    """Return normal numbers [240, columns], float64."""
    return np.random.default_rng(seed).normal(size=(ROWS, columns))


def regression(columns: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Return X [240, columns] and a target with linear and curved parts."""
    X = numbers(columns=columns)
    weights = np.random.default_rng(1).normal(size=columns)
    return X, X @ weights + np.sin(2 * X[:, 0])


def targets(count: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return X and several targets [240, count]."""
    X, y = regression()
    return X, np.column_stack([y * (k + 1) + X[:, k] ** 2 for k in range(count)])


def binary() -> tuple[np.ndarray, np.ndarray]:
    """Return X and labels 0, 1 that overlap."""
    X, y = regression()
    noise = np.random.default_rng(2).normal(size=ROWS)
    return X, (y + noise > 0).astype(int)


def classes(count: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return X and labels 0 … count − 1 that overlap."""
    X, y = regression()
    noise = np.random.default_rng(3).normal(size=ROWS) * 0.5
    return X, np.digitize(y + noise, np.quantile(y, np.linspace(0, 1, count + 1)[1:-1]))


def labelled(names: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Return X and labels of any type (text, booleans, floats)."""
    X, y = classes(len(names))
    return X, np.asarray(names)[y]


def multilabel(count: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return X and an indicator matrix [240, count]."""
    X, y = targets(count)
    return X, (y > 0).astype(int)


def with_missing(share: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Return X with NaN in every column but the last, and a target that depends on where."""
    X, y = regression()
    holes = np.random.default_rng(4).random(X.shape) < share
    holes[:, -1] = False
    return np.where(holes, np.nan, X), y + holes[:, 0]


def positive(columns: int = 5) -> np.ndarray:
    """Return numbers > 0."""
    return np.abs(numbers(5, columns)) + 0.01


def categories() -> np.ndarray:
    """Return an object array of text [240, 3], non-ASCII among it."""
    rng = np.random.default_rng(6)
    tables = (["a", "b", "c"], ["Zürich", "東京", "Łódź", "x"], ["yes", "no"])
    return np.column_stack([rng.choice(t, size=ROWS).astype(object) for t in tables])


def texts() -> list[str]:
    """Return short documents with punctuation, digits, mixed case and non-ASCII letters."""
    words = (
        "The quick brown fox jumps over a lazy dog café naïve Straße 東京 data-model x2 run, runs!"
    )
    rng = np.random.default_rng(7)
    return [" ".join(rng.choice(words.split(), size=rng.integers(2, 10))) for _ in range(ROWS)]
