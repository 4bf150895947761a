from __future__ import annotations

import pytest

from tests.runner.bundles import classifier_bundle, linear_bundle
from toolkit.runner.flow import bench


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
