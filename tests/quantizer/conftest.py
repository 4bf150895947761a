from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPRegressor

from tests.quantizer import sample_graphs
from toolkit.exporter import export


@pytest.fixture(autouse=True)
def _same_numbers(monkeypatch):
    """Each test draws the same numbers, whatever ran before it."""
    monkeypatch.setattr(sample_graphs, "RNG", np.random.default_rng(5))


@pytest.fixture(scope="session")
def network_source():
    """A fitted network that every method makes smaller, and its rows."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 6))
    y = np.tanh(X[:, 0]) + X[:, 1] * 0.5 + rng.normal(size=300) / 20
    model = MLPRegressor(hidden_layer_sizes=(96,), max_iter=60, random_state=0, tol=1e-2)
    return model.fit(X, y), X, y


@pytest.fixture
def network_bundle(network_source, tmp_path):
    return export(*network_source, name="network", out=tmp_path / "network")


@pytest.fixture
def labels_bundle(tmp_path):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 5))
    y = np.array(["a", "b", "c"])[np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.5])]
    return export(LogisticRegression().fit(X, y), X, y, name="labels", out=tmp_path / "labels")
