"""A sample of what scripts/fuzz-files does at length, and that it finds what it looks for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.script_modules import SCRIPTS, script_modules
from toolkit.errors import CorruptArtifact

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the script forks")


@pytest.mark.parametrize(
    ("kinds", "number"), [(("packs", "npz", "csv"), 800), (("bundles",), 120)], ids=str
)
def test_nothing_is_found(kinds, number):
    options = [word for kind in kinds for word in ("--kind", kind)]
    done = subprocess.run(
        [sys.executable, SCRIPTS / "fuzz_files.py", *options, "--number", str(number)],
        cwd=Path(SCRIPTS).parent,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def raising(error):
    def read():
        raise error

    return lambda *_: read


@pytest.fixture
def fuzz():
    with script_modules("", ("fuzz_files",)) as modules:
        yield modules["fuzz_files"]


def test_what_is_no_refusal_is_found(fuzz, tmp_path, monkeypatch):
    monkeypatch.setitem(fuzz.KINDS, "npz", raising(CorruptArtifact("damaged")))
    assert fuzz.one("npz", 1, tmp_path) == "CorruptArtifact"
    assert fuzz.batch("npz", range(3), tmp_path) == ""
    monkeypatch.setitem(fuzz.KINDS, "npz", raising(IndexError("7")))
    with pytest.raises(fuzz.Found, match="IndexError: 7"):
        fuzz.one("npz", 1, tmp_path)
    assert fuzz.batch("npz", range(5, 8), tmp_path).startswith("npz 5: ")


def test_a_process_that_dies_is_found(fuzz, tmp_path, monkeypatch):
    import os
    import signal

    monkeypatch.setitem(fuzz.KINDS, "csv", lambda *_: lambda: os.kill(os.getpid(), signal.SIGKILL))
    assert fuzz.batch("csv", range(2, 4), tmp_path) == "csv 2\nended by -9"


def test_cases_come_of_their_numbers(fuzz):
    import random

    content = bytes(range(200))
    first, again = (fuzz.damaged(content, random.Random("k 1")) for _ in range(2))
    assert first == again != content
    outcomes = [fuzz.damaged(content, random.Random(f"k {n}")) for n in range(50)]
    assert len(set(outcomes)) > 45
