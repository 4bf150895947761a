"""CONTRIBUTING.md's recipes, followed to the letter in a copy of the tree."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^### (.+)\n((?:(?!^##).*\n)*)", TEXT, re.MULTILINE))
# A file with its path in the sentence before it, a change of files, or commands.
FILE = re.compile(r"`([^`]+)`:\n\n```python\n(.*?)```", re.DOTALL)
DIFF = re.compile(r"```diff\n(.*?)```", re.DOTALL)
COMMANDS = re.compile(r"```sh\n(.*?)```", re.DOTALL)
OURS = ("toolkit/", "tests/")
LIBRARIES = "libraries"  # the folder in the copy for what is not ours
MOST_LINES = 30
BIN = Path(sys.executable).parent


@pytest.fixture
def tree(tmp_path):
    """A copy of what recipes change and run."""
    for name in ("toolkit", "tests"):
        skipped = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=skipped)
    for name in ("pyproject.toml", "setup.cfg"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def run(tree, *command, **more):
    path = os.pathsep.join([str(tree), str(tree / LIBRARIES)])
    environment = os.environ | {"PYTHONPATH": path, "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        list(map(str, command)),
        cwd=tree,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
        **more,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def follow(tree, recipe):
    """Write the recipe's files, apply its changes; return the files that are ours."""
    (tree / LIBRARIES).mkdir()
    for path, content in FILE.findall(recipe):
        where = tree if path.startswith(OURS) else tree / LIBRARIES
        (where / path).write_text(content, encoding="utf-8")
    for change in DIFF.findall(recipe):
        run(tree, "git", "apply", "-", input=change)
    return [path for path, _ in FILE.findall(recipe) if path.startswith(OURS)]


def test_there_are_the_four():
    assert list(RECIPES) == ["A converter", "A quantizer method", "A recipe", "A graph pass"]


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_short(name):
    blocks = [content for path, content in FILE.findall(RECIPES[name]) if path.startswith(OURS)]
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    for change in DIFF.findall(RECIPES[name]):
        lines += [line for line in change.splitlines() if re.match(r"\+(?!\+\+)", line)]
    assert 0 < len(lines) <= MOST_LINES


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_does_what_it_says(name, tree):
    files = follow(tree, RECIPES[name])
    (commands,) = COMMANDS.findall(RECIPES[name])
    for line in commands.splitlines():
        program, *words = shlex.split(line)
        said = run(tree, BIN / program.removeprefix(".venv/bin/"), *words)
        if "pytest" in words:
            assert re.search(r"\d+ passed", said)
            assert "skipped" not in said
    run(tree, BIN / "ruff", "check", *files)
    run(tree, BIN / "ruff", "format", "--check", *files)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "right", "wrong", "test"),
    [
        ("A converter", '"Max"', '"Min"', "tests/estimators/test_estimators.py::test_case"),
        (
            "A graph pass",
            "sources[node.input[0]]",
            "node.input[0]",
            "tests/exporter/test_passes.py",
        ),
    ],
)
def test_a_mistake_in_a_recipe_is_found(name, right, wrong, test, tree):
    """What the recipe runs is not green by itself."""
    assert right in RECIPES[name]
    follow(tree, RECIPES[name].replace(right, wrong))
    words = ["-q", "-k", "Winsorizer or negation", test]
    with pytest.raises(AssertionError, match="failed"):
        run(tree, sys.executable, "-m", "pytest", *words)
