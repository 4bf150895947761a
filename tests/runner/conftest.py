from __future__ import annotations

import pytest

from tests.runner.bundles import classifier_bundle, linear_bundle
from toolkit.runner import bench, cold_start, latency


@pytest.fixture
def quick(monkeypatch):
    """A bench without its slow parts, for tests that are about other figures."""
    monkeypatch.setattr(cold_start, "measure", lambda *_: cold_start.Start(1.0, (1.0, 1.0), 2.0))
    monkeypatch.setattr(latency, "SLICE_NS", 100_000)
    monkeypatch.setattr(latency, "ROUNDS", 1)


@pytest.fixture
def linear_model(tmp_path):
    return linear_bundle(tmp_path / "linear")


@pytest.fixture
def classifier(tmp_path):
    return classifier_bundle(tmp_path / "classifier")


@pytest.fixture(scope="session")
def full_report(tmp_path_factory):
    """One whole bench of the linear bundle, nothing left out."""
    return bench(linear_bundle(tmp_path_factory.mktemp("full")))
