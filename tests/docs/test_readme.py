"""The README's commands, options and figures exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.cli import cli
from toolkit.quantizer.methods import method_names

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh(?: run)?\n(.*?)```", README + TUTORIAL, re.DOTALL)
LINES = [line.partition(" #")[0].strip() for block in BLOCKS for line in block.splitlines()]


def commands(start: str) -> list[str]:
    return [line for line in LINES if line.startswith(start)]


def test_there_are_commands_to_check() -> None:
    assert len(commands("toolkit ")) >= 3
    assert len(commands("./scripts/")) >= 2


@pytest.mark.parametrize("line", commands("toolkit "))
def test_toolkit_commands_and_options_exist(line: str) -> None:
    words = line.split()[1:]
    command = cli.commands[words[0]]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {w for w in words if w.startswith("-")} <= known


@pytest.mark.parametrize("line", commands("./scripts/"))
def test_scripts_exist_and_are_executable(line: str) -> None:
    script = ROOT / line.split()[0]
    assert script.is_file()
    assert os.access(script, os.X_OK)


@pytest.mark.parametrize("line", commands("python -m toolkit.runtime"))
def test_edge_commands_exist(line: str) -> None:
    words = line.split()[3:]
    done = subprocess.run(
        [sys.executable, "-m", "toolkit.runtime", words[0], "--help"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0
    assert all(w in done.stdout for w in words if w.startswith("--"))


def test_every_command_is_documented() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for name in cli.commands:
        assert f"`toolkit {name}" in page


def test_every_method_is_documented() -> None:
    page = (ROOT / "docs" / "quantizing.md").read_text(encoding="utf-8")
    for name in method_names():
        assert f"| `{name}` |" in page


def test_it_fits_two_screens() -> None:
    assert len(README.splitlines()) <= 90


def test_linked_files_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def test_figures_are_those_of_the_generated_reports() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "update-docs", "--check"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
