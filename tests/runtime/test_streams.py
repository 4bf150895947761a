"""Standard output and error: any character, and readers that go away."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from toolkit.runtime.files import reader_left

# The C locale without Python's ways out of it is as poor as a code page of Windows.
POOR = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
SAY = """
import sys
from toolkit.runtime.files import set_encodings
if sys.argv[1:]:
    set_encodings()
for stream in (sys.stdout, sys.stderr):
    print("\\u0394 \\udc80", file=stream)
"""


def said(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", SAY, *arguments]
    return subprocess.run(command, capture_output=True, env={**os.environ, **environment})


def test_a_pipe_gets_utf8_whatever_the_locale() -> None:
    done = said("set", **POOR)
    for stream in (done.stdout, done.stderr):
        assert stream.decode("utf-8").rstrip() == "Δ \\udc80"
    assert said(**POOR).returncode != 0


def test_an_encoding_that_is_asked_for_stays() -> None:
    assert said("set", **POOR, PYTHONIOENCODING="latin-1:replace").stdout.rstrip() == b"? ?"


@pytest.mark.parametrize(
    ("error", "platform", "left"),
    [
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), "linux", True),
        (OSError(errno.EINVAL, "Invalid argument"), "win32", True),
        (OSError(errno.EINVAL, "Invalid argument"), "linux", False),
        (OSError(errno.ENOSPC, "No space left on device"), "win32", False),
    ],
)
def test_a_reader_that_left_is_told_from_other_errors(
    monkeypatch: pytest.MonkeyPatch, error: OSError, platform: str, left: bool
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert reader_left(error) == left
