"""A sample of what scripts/soak does at length, and that it finds what it looks for."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from tests.script_modules import script_modules
from toolkit.runtime import load

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the script reads Linux' /proc")
# Of forking where there are threads.
forks = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def soak():
    with script_modules("", ("soak_models", "soak")) as modules:
        yield modules["soak"]


@pytest.fixture(scope="module")
def kinds(soak, california_bundle, classifier_bundle):
    return soak.kinds_of(california_bundle, california_bundle, classifier_bundle)


@pytest.fixture(params=range(4), ids=["onnx", "pack", "dict", "frame"])
def kind(request, kinds):
    return kinds[request.param]


def test_threads_with_wrong_inputs_between(soak, kind):
    """More threads than cores, each with its own rows: bit-equal, whatever the others give."""
    assert soak.calls(kind, 4000) == []


@forks
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes(soak, kinds, method):
    """They open the model themselves, also where the parent has it open."""
    for kind in kinds[:1] if method == "spawn" else kinds:
        assert soak.processes(kind, method) == []


def test_an_event_loop(soak, kind):
    assert soak.event_loop(kind) == []


def test_memory_is_flat(soak, kinds):
    held, wrong = soak.memory(kinds, 3.0, 0.1)
    assert wrong == []
    assert held.calls > 100
    figures = held.figures()
    assert figures["growth_mb"] < figures["bound_mb"], json.dumps(figures)


class Broken:
    """An opened model that errs, once it has answered so often; `kept` holds what it leaks."""

    def __init__(self, path, good, *, errs=False, takes=False, leaks=0):
        self.model, self.inputs, self.left = load(path), load(path).inputs, good
        self.errs, self.takes, self.leaks, self.kept = errs, takes, leaks, []

    def predict(self, X):
        self.left -= 1
        if self.takes and self.left < 0:
            try:
                return self.model.predict(X)
            except Exception:
                return np.zeros(1)
        answer = self.model.predict(X)
        self.kept.append(np.ones(self.leaks))
        return np.nextafter(answer, 9e9) if self.errs and self.left < 0 else answer


def broken(soak, monkeypatch, **faults):
    monkeypatch.setattr(soak, "load", lambda path: Broken(path, 100, **faults))


def test_a_wrong_bit_is_found(soak, kinds, monkeypatch):
    broken(soak, monkeypatch, errs=True)
    assert "onnx: call 40 was answered otherwise" in soak.calls(kinds[0], 800)
    assert "onnx: call 6 was answered otherwise" in soak.event_loop(kinds[0])


def test_a_wrong_input_that_is_answered_is_found(soak, kinds, monkeypatch):
    broken(soak, monkeypatch, takes=True)
    said = set(soak.calls(kinds[0], 800))
    assert said == {f"onnx: the wrong input {k} was answered" for k in range(7)}


def test_a_thread_that_ends_early_is_found(soak):
    def work(k):
        if k == 3:
            raise IndexError("7")
        return []

    assert soak.in_threads(work) == ["thread 3: IndexError: 7"]


@forks
def test_a_process_that_answers_otherwise_is_found(soak, kinds, monkeypatch):
    first = soak.predicted(kinds[0], 0)
    monkeypatch.setattr(soak, "bits", lambda answer: (answer.tobytes(), soak.os.getpid()))
    assert soak.predicted(kinds[0], 0) != first
    assert soak.processes(kinds[0], "fork") == ["onnx: processes that fork answer otherwise"]


@forks
def test_memory_that_grows_is_found(soak, kinds, monkeypatch):
    broken(soak, monkeypatch, leaks=2000)
    report = soak.soak(kinds[:1], 80, 3.0)
    assert report["memory"]["growth_mb"] > soak.BOUND_MB
    assert [text[:18] for text in report["wrong"]] == ["the memory grew by"]
    assert report["memory"]["slope_mb_per_minute"] > 0
