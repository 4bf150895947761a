"""Folded thresholds route every number next to them as the steps and the tree do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeRegressor

from tests.estimators.data import regression
from toolkit.exporter.conversion import Conversion
from toolkit.exporter.converters import key_of
from toolkit.exporter.converters.trees import read
from toolkit.exporter.dispatch import convert
from toolkit.exporter.trees.ensemble import Ensemble
from toolkit.exporter.trees.folding import MONOTONE, after_step, fold
from toolkit.exporter.values import Matrix

STEPS = [
    StandardScaler(),
    MinMaxScaler(clip=True),
    MaxAbsScaler(),
    RobustScaler(),
    Binarizer(threshold=0.1),
    KBinsDiscretizer(8, encode="ordinal"),
    QuantileTransformer(n_quantiles=40),
    QuantileTransformer(n_quantiles=40, output_distribution="normal"),
    PowerTransformer(),
    SimpleImputer(),
]


def _answer(e: Ensemble, rows: np.ndarray) -> np.ndarray:
    """Route rows through one tree in numpy."""
    at = np.zeros(len(rows), dtype=np.int64)
    for _ in range(len(e.leaf)):
        value = rows[np.arange(len(rows)), e.feature[at]]
        left = np.where(np.isnan(value), e.missing_left[at], value <= e.threshold[at])
        at = np.where(e.leaf[at], at, np.where(left, e.left[at], e.right[at]))
        if e.leaf[at].all():
            break
    return e.values[at]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("step", STEPS, ids=lambda s: type(s).__name__)
def test_neighbours_of_every_threshold(step: Any, dtype: str) -> None:
    X, y = regression()
    X = X * 7 + 1e4
    step.fit(X)
    tree = DecisionTreeRegressor(random_state=0).fit(step.transform(X), y)
    single = read(tree.tree_, tree.tree_.value[:, 0, 0])
    g = Conversion(dispatch=convert)
    source, scaled = Matrix("X", dtype, X.shape[1]), Matrix("scaled", dtype, X.shape[1])
    scaled = after_step(key_of(step), step, source, scaled)
    origin, folded = fold(g, scaled, single, rounded=True)
    assert origin is source
    rows = [X[:50].astype(dtype)]
    for node in np.flatnonzero(~folded.leaf):
        if not np.isfinite(folded.threshold[node]):
            continue
        limit = np.dtype(dtype).type(folded.threshold[node])
        for toward in (-np.inf, np.inf):
            value = limit
            for _ in range(3):
                row = X[[node % len(X)]].astype(dtype)
                row[0, folded.feature[node]] = value
                rows.append(row)
                value = np.nextafter(value, np.dtype(dtype).type(toward))
    tried = np.concatenate(rows).astype(np.float64)
    np.testing.assert_array_equal(_answer(folded, tried), tree.predict(step.transform(tried)))


def test_every_monotone_step_is_tried() -> None:
    assert {key_of(s) for s in STEPS} == set(MONOTONE)
