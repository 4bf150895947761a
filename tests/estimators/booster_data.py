"""Data of the boosters' cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from tests.estimators.data import ROWS, regression

SEVERAL = "MultiLogloss"


SPARSE = "XGBoost after a sparse step: zeros are missing values to it"


def above_zero() -> tuple[np.ndarray, np.ndarray]:
    X, y = regression()
    return X, np.exp(y / 3)


def labels() -> tuple[np.ndarray, np.ndarray]:
    X, y = regression()
    return X, np.stack([y > 0, X[:, 1] > 0, y + X[:, 2] > 1], axis=1).astype(int)


def woods(codes: bool = False, ordered: bool = False, decimals: bool = False) -> Any:
    """A data frame with pandas' categories, a missing one among them, between numbers."""

    def data() -> tuple[pd.DataFrame, np.ndarray]:
        X, y = regression()
        rng = np.random.default_rng(31)
        values: Any = [0.1, 0.7, 2.3] if decimals else [3, 5, 9, 12]
        values = values if codes or decimals else ["oak", "ash", "elm", "fir"]
        chosen = rng.choice(values, ROWS)
        wood = pd.Categorical(chosen, ordered=ordered)
        wood = pd.Categorical(
            np.where(rng.random(ROWS) < 0.1, None, wood), wood.categories, ordered
        )
        frame = pd.DataFrame({"a": X[:, 0], "wood": wood, "b": X[:, 1]})
        frame["size"] = pd.Categorical(rng.choice(["s", "m", "l"], ROWS), ["s", "m", "l"], ordered)
        return frame, y + 2 * np.isin(chosen, values[:2]) + frame["size"].cat.codes

    return data


def table() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(32)
    X = pd.DataFrame(
        {
            "stops": rng.integers(0, 5, ROWS).astype(float),
            "line": rng.choice(list("abcdefgh"), ROWS),
            "word": rng.choice(["good day", "bad night", "good night"], ROWS),
        }
    )
    return X, X.stops + 3 * X.line.isin(["a", "c"]) - X.word.str.contains("bad") * 2


def two_of_table() -> tuple[pd.DataFrame, np.ndarray]:
    X, y = table()
    return X, (y > 2).astype(int).to_numpy()


def texts() -> tuple[list[str], np.ndarray]:
    rng = np.random.default_rng(33)
    words = ["sun", "rain", "wind", "snow", "fog"]
    X = [" ".join(rng.choice(words, 4)) for _ in range(ROWS)]
    return X, np.array([float(t.count("sun") - t.count("fog")) for t in X])


def unequal_texts() -> tuple[list[str], np.ndarray]:
    """Texts of several lengths: their tf-idf lies next to the thresholds that it makes."""
    rng = np.random.default_rng(34)
    words = ["red", "green", "blue", "fast", "slow", "good", "bad", "cat", "dog"]
    X = [" ".join(rng.choice(words, rng.integers(1, 6))) for _ in range(2 * ROWS)]
    return X, np.array([2.0 * t.count("red") + t.count("good") + ("cat" in t) for t in X])


def labels_of_table() -> tuple[pd.DataFrame, np.ndarray]:
    X, y = two_of_table()
    return X, np.stack([y, y[::-1]], axis=1)


def half_zeros() -> tuple[csr_matrix, np.ndarray]:
    X, y = regression()
    X[np.random.default_rng(35).random(X.shape) < 0.5] = 0
    return csr_matrix(X), y


def spaced() -> tuple[pd.DataFrame, np.ndarray]:
    """Columns whose names LightGBM writes otherwise."""
    X, y = regression()
    return pd.DataFrame(X, columns=[f"column {k}" for k in range(X.shape[1])]), y


def encoded(inner: Any) -> Any:
    parts = ColumnTransformer(
        [
            ("line", OneHotEncoder(handle_unknown="ignore"), ["line"]),
            ("word", CountVectorizer(), "word"),
            ("stops", "passthrough", ["stops"]),
        ]
    )
    return make_pipeline(parts, inner)


def raw_loss(truth: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A squared loss of one's own: gradient and Hessian."""
    return predicted - truth, np.ones_like(truth, dtype=float)


def own_loss(predicted: np.ndarray, data: Any) -> tuple[np.ndarray, np.ndarray]:
    """The same for LightGBM's own `train`."""
    return raw_loss(data.get_label(), predicted)
