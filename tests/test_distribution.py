"""The distribution: its name in every hint, its extras, and what its wheel declares."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import metadata
from pathlib import Path

import pytest

import toolkit
from toolkit.errors import DISTRIBUTION, EXTRAS, install

ROOT = Path(__file__).resolve().parents[1]
# What a reader may be told to install: pip's argument where it is not a file or an option.
HINT = re.compile(r"pip install (?:-U |--upgrade )?['\"]?([A-Za-z][\w-]*)")


def test_the_name_in_hints_is_the_installed_one():
    installed = metadata(DISTRIBUTION)  # its name as pyproject.toml has it
    assert (installed["Name"], installed["Version"]) == (DISTRIBUTION, toolkit.__version__)


@pytest.mark.parametrize("extra", [*sorted(set(EXTRAS.values())), "all"])
def test_extras_in_hints_exist(extra):
    assert extra in metadata(DISTRIBUTION).get_all("Provides-Extra")
    assert install(extra) == f"pip install 'proven-onnx[{extra}]'"


def test_no_text_tells_to_install_another_project():
    listed = subprocess.run(
        ["git", "ls-files", "*.md", "*.py", "Dockerfile", ".github"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout.split()
    named = {(n, h) for n in listed for h in HINT.findall((ROOT / n).read_text(encoding="utf-8"))}
    assert {h for _, h in named} >= {DISTRIBUTION}
    assert not {(n, h) for n, h in named if h == "toolkit"}


def test_types_are_declared():
    assert (ROOT / "toolkit" / "py.typed").is_file()
    assert '"toolkit" = ["py.typed"]' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
