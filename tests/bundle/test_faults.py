"""A sample of scripts/fault-injection; all points of it take some minutes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.script_modules import script_modules

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="points are forked processes")


@pytest.mark.parametrize("only", ["export", "export-again", "quantize", "bench", "predict"])
def test_the_old_or_the_new_whatever_happens(only):
    every = "1" if only == "predict" else "9"
    command = [sys.executable, str(ROOT / "scripts/faults/main.py"), "--only", only]
    done = subprocess.run(
        [*command, "--every", every],
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
    assert found["points"] > 25
    ends = found["ended"][only]
    assert any(e.endswith("old") for e in ends)
    assert any(e.endswith("new") for e in ends)


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

        operation = operations.Operation(prepare, careless)
        points = main.Points(tmp_path, "predict", operation)
        assert points.calls == ["open", "write", "close"] * 2 + ["unlink"]
        assert points.strike("torn", 4)[1] == ["is neither the old one nor the new one"]
        assert points.strike("SIGINT", 2)[1] == ["leaves ['.new']"]
        assert "a traceback" in points.strike("EIO", 1)[1][0]
