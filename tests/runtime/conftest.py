"""A bound model, by onnxruntime's private call and by its public one."""

from __future__ import annotations

import pytest

from toolkit.runtime import load, predictor
from toolkit.runtime.session import open_session


class PublicSession:
    """A session of an onnxruntime that has nothing but its public calls."""

    def __init__(self, *args, **kwargs):
        inner = open_session(*args, **kwargs)
        for name in (
            "get_inputs",
            "get_outputs",
            "get_modelmeta",
            "get_session_options",
            "io_binding",
            "run",
            "run_with_iobinding",
        ):
            setattr(self, name, getattr(inner, name))


@pytest.fixture(params=["private", "public"])
def calls(request, monkeypatch):
    """Each test runs with onnxruntime's private calls and with its public ones."""
    if request.param == "public":
        monkeypatch.setattr(predictor, "open_session", PublicSession)


@pytest.fixture
def model(california_bundle, calls):
    return load(california_bundle)
