"""Where exports go, and forms that only large forests take."""

from __future__ import annotations

import pytest

from toolkit.exporter.trees import forms


@pytest.fixture
def out(tmp_path):
    return tmp_path / "model"


@pytest.fixture
def forms_of_small_forests(monkeypatch):
    """Small forests take every form as well."""
    monkeypatch.setattr(forms, "FIRST", 0)
    monkeypatch.setattr(forms, "SORTED", 0)
