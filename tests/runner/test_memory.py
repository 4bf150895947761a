from __future__ import annotations

import platform
from pathlib import Path

import pytest

from toolkit.runner.memory import give_back


def resident_mb() -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="no other C library keeps it")
def test_what_was_freed_is_given_back():
    held = [bytearray(1000) for _ in range(100_000)]
    kept = bytearray(1000)  # behind them: without a word, glibc gives back nothing before it
    before = resident_mb()
    del held
    give_back()
    assert resident_mb() < before - 50
    assert len(kept) == 1000
