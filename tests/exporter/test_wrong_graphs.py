"""Graphs that are wrong at every size of the answers: a flipped sign, permuted columns, another's.

Answers may be a millionth in size, or lie a billion times their spread away from 0: what is wrong
must fail its proof there as it does for numbers about 1.
"""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from toolkit.exporter.flow import convert_and_prove
from toolkit.exporter.proof.prove import prove

RNG = np.random.default_rng(0)
X = RNG.normal(size=(160, 3))
SIGNAL = X @ [1.0, 2.0, -1.0] + np.sin(3 * X[:, 0]) / 3
OTHER = X @ [1.0, 1.9, -1.0] + np.sin(3 * X[:, 0]) / 3

MODELS = {
    "linear": LinearRegression(),
    "scaled-ridge": make_pipeline(StandardScaler(), Ridge(1e-3)),
    "forest": RandomForestRegressor(5, random_state=0),
    "gradient-boosting": GradientBoostingRegressor(n_estimators=20, random_state=0),
    "boosting": HistGradientBoostingRegressor(max_iter=20, min_samples_leaf=5),
    "neighbours": KNeighborsRegressor(3),
    "scaled-target": TransformedTargetRegressor(SVR(), transformer=StandardScaler()),
    "pls": PLSRegression(2),
}
# What the target is multiplied with, and how many of its deviations it lies away from 0.
SIZES = [(1.0, 0.0), (1e-9, 0.0), (1e-6, 1e3), (1e9, 0.0), (1.0, 1e6), (100.0, 1e9)]
WRONG = {
    "flipped": lambda: (X, -SIGNAL),
    "permuted": lambda: (X[:, [1, 0, 2]], SIGNAL),
    "another": lambda: (X, OTHER),
}


def proven(model, rows, signal, size, apart):
    y = size * (signal + apart * SIGNAL.std())
    return convert_and_prove(clone(model).fit(rows, y), rows, y, tune="latency")


@pytest.mark.parametrize(("size", "apart"), SIZES, ids=[f"{a:g}-{b:g}" for a, b in SIZES])
@pytest.mark.parametrize("name", MODELS)
def test_wrong_graphs_fail_at_every_size(name, size, apart):
    right = proven(MODELS[name], X, SIGNAL, size, apart)
    assert right.chosen.proof.passed, right.chosen.proof.worst()
    if right.evidence.scales["variable"].constant.all():
        # scikit-learn's trees take an impurity below 2e-16 for none: nothing is left to permute.
        assert size < 1e-7
        return
    for what, data in WRONG.items():
        wrong = proven(MODELS[name], *data(), size, apart).chosen
        proof = prove(wrong.content, right.evidence, wrong.schema)
        assert not proof.passed, what
        assert proof.failures
