"""A sample of scripts/fault-injection; all points of it take some minutes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.script_modules import script_modules

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="points are forked processes")


def script(*arguments):
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/faults/main.py"), *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert done.returncode == 0, done.stderr
    return found


EVERY = {"export": 17, "export-again": 17, "export-signed": 17, "quantize": 11, "budget": 13}
EVERY |= {"bench": 11, "sign": 5, "sign-again": 5, "predict": 3}


@pytest.mark.parametrize("only", EVERY)
def test_the_old_or_the_new_whatever_happens(only):
    found = script("--only", only, "--every", str(EVERY[only]))
    assert found["points"] > 25
    ends = found["ended"][only]
    assert any(e.endswith("old") for e in ends)
    assert any(e.endswith("new") for e in ends)


@pytest.mark.slow  # a bench takes its time
def test_two_commands_at_once():
    ended = script("--writers", "1")["ended"]
    assert len(ended) == 4


def test_readers_meanwhile():
    """Each answers as one of two models does, also of a copy between the commit and the moves."""
    ended = script("--readers", "8")["ended"]
    assert len(ended) == 6
    assert any(len(counts) > 1 for counts in ended.values())


def test_what_writers_lose_is_found(california, keys):
    with script_modules("faults", ("writers",)) as modules:
        writers = modules["writers"]
        quantize, sign = ("quantize", "model", "--method", "gone"), ("sign", "model")
        judged = partial(writers.judged, california, keys / "k.pub")
        ok, refused = writers.Ended(0, ""), writers.Ended(2, "error: sign the model again")
        [lost] = judged((quantize,), [ok])
        assert lost == "quantize ends with 0, and what it wrote is lost"
        assert judged((quantize,), [refused]) == []
        assert judged((sign,), [ok]) == ["sign ends with 0, and what it wrote is lost"]
        assert "ends with 1" in judged((sign,), [writers.Ended(1, "")])[0]
        (california / ".toolkit-lock").touch()
        (california / "model.onnx").write_bytes(b"?")
        assert "is corrupt" in judged((), [])[0]


def test_the_sample_can_fail(tmp_path, monkeypatch):
    """Files that are written where they stand are found corrupt, and so are leftovers."""
    with script_modules("faults", ("inject", "operations", "main")) as modules:
        operations, main = modules["operations"], modules["main"]
        old, new = b"a" * 100, b"b" * 100

        def careless(folder):
            for temporary in (folder / ".new", folder / operations.OUTPUT):
                handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                os.write(handle, new)
                os.close(handle)
            os.unlink(folder / ".new")

        def prepare(folder):
            (folder / operations.OUTPUT).write_bytes(old)

        operation = operations.Operation(prepare, careless, operations.OUTPUT)
        points = main.Points(tmp_path, "predict", operation)
        assert points.calls == ["open", "write", "close"] * 2 + ["unlink"]
        assert points.where("kill") == points.where("EIO") == list(range(7))
        assert points.strike("torn", 4)[1] == ["is neither the old one nor the new one"]
        assert points.strike("SIGINT", 2)[1] == ["leaves ['.new']"]
        assert "a traceback" in points.strike("EIO", 1)[1][0]
