"""Data and traps of the tree cases, and how a case is made of an estimator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from tests.estimators import harness
from tests.estimators.data import (
    ROWS,
    labelled,
    numbers,
    regression,
    with_missing,
)
from tests.estimators.harness import Case

Data = Callable[[], tuple[Any, Any]]
NAN = "trees with NaN: the converter writes 0 for the missing-value direction"
TIES = "binary forest at exact ties: float32 shares flip the label"
SCALER = "a scaler in float32 before trees: rows near thresholds flip"
CATEGORICAL = "HistGradientBoosting with categorical_features"
LINK = "HistGradientBoosting poisson, gamma: the exp link is missing"
PROTOBUF = "protobuf 7: HistGradientBoosting fails (a later skl2onnx may mend its attribute lists)"
ML3 = "IsolationForest needs 'ai.onnx.ml': 3 in target_opset"


def case(name: str, estimator: Any, data: Data, **more: Any) -> Case:
    """Return a case that fits a copy of the estimator, seeded, on the data."""

    def seeded() -> Any:
        copy = clone(estimator)
        seeds = {k: 0 for k in copy.get_params() if k.endswith("random_state")}
        return copy.set_params(**seeds)

    return harness.case(name, seeded, data, **more)


def alone() -> tuple[np.ndarray, None]:
    return numbers(), None


def tied() -> tuple[np.ndarray, np.ndarray]:
    """Coarse features and noise: many rows share a leaf, many votes are equal."""
    rng = np.random.default_rng(11)
    X = rng.integers(0, 3, size=(ROWS, 4)).astype(float)
    return X, rng.integers(0, 2, size=ROWS)


def tied_three() -> tuple[np.ndarray, np.ndarray]:
    X, _ = tied()
    return X, np.random.default_rng(12).integers(0, 3, size=ROWS)


def missing_classes(count: int = 2) -> Data:
    def data() -> tuple[np.ndarray, np.ndarray]:
        X, y = with_missing()
        return X, np.digitize(y, np.quantile(y, np.linspace(0, 1, count + 1)[1:-1]))

    return data


def counts() -> tuple[np.ndarray, np.ndarray]:
    X, y = regression()
    return X, np.floor(np.exp(np.clip(y, -2, 3)) + 0.5)


def strictly_positive() -> tuple[np.ndarray, np.ndarray]:
    X, y = regression()
    return X, np.exp(y / 3)


def large_mean() -> tuple[np.ndarray, np.ndarray]:
    X, y = regression()
    return X + 1e5, y


def large_target() -> tuple[np.ndarray, np.ndarray]:
    X, y = regression()
    return X, y * 1e6


def codes() -> tuple[np.ndarray, np.ndarray]:
    """Columns 1 and 3 hold categories as numbers, with gaps and missing values."""
    X, y = regression()
    rng = np.random.default_rng(13)
    X[:, 1] = rng.choice([1, 2, 5, 7, 11, 40], size=ROWS)
    X[:, 3] = rng.choice([0, 10, 20, 30, np.nan], size=ROWS)
    return X, y + 2 * np.isin(X[:, 1], [2, 7]) - 3 * np.isin(X[:, 3], [0, 30])


def code_classes() -> tuple[np.ndarray, np.ndarray]:
    X, y = codes()
    return X, np.digitize(y, np.quantile(y, [0.33, 0.66]))


def text_frame() -> tuple[pd.DataFrame, np.ndarray]:
    """A frame with two text columns and numbers between them."""
    X, y = regression(3)
    rng = np.random.default_rng(14)
    town = rng.choice(["Zürich", "東京", "Łódź", "x"], size=ROWS)
    answer = rng.choice(["yes", "no"], size=ROWS)
    frame = pd.DataFrame({"a": X[:, 0], "town": town, "b": X[:, 1], "answer": answer, "c": X[:, 2]})
    return frame, y + 2 * (town == "x") + (answer == "yes") * (town == "東京")


def category_frame() -> tuple[pd.DataFrame, np.ndarray]:
    frame, y = text_frame()
    return frame.astype({"town": "category", "answer": "category"}), y


def number_frame() -> tuple[pd.DataFrame, np.ndarray]:
    X, y = regression(4)
    frame = pd.DataFrame(X, columns=["a", "b b", "ü", "d"])
    return frame.assign(k=np.arange(ROWS) % 7), y


def of(names: tuple) -> Data:
    return lambda: labelled(names)
