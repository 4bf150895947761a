"""onnxruntime must leave nothing in the home folder, in any way that it may be imported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

LIKE_A_DEVICE = (
    "CI",
    "ORT_DISABLE_TELEMETRY",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
)


def run(code, home, *args):
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in LIKE_A_DEVICE and not name.startswith(("GITHUB_", "COV_", "XDG_"))
    }
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        env=environment | {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=home.parent,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


LOADS = """
import sys
from toolkit.runtime import load
print(load(sys.argv[1]).predict([[0.0] * 8]).shape)
"""
QUANTIZES = """
import sys
from toolkit.quantizer import quantize
print([v.method for v in quantize(sys.argv[1])])
"""


@pytest.mark.parametrize("code", [LOADS, QUANTIZES], ids=["load", "quantize"])
def test_nothing_appears_at_home(tmp_path, california, code):
    home = tmp_path / "home"
    home.mkdir()
    done = run(code, home, california)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
    assert list(home.rglob("*")) == []
