"""What the pages show is run: blocks marked `run`, in their order, in a folder of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(sh|python|text) (run|found)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PAGES = [p for p in sorted(DOCS.rglob("*.md")) if BLOCK.search(p.read_text(encoding="utf-8"))]
LONG = {f"how-to/{n}.md" for n in ("ci-gate", "graphs-from-elsewhere", "shrink-a-forest")}


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return (language, code) of a page; blocks of Python with nothing between them are one."""
    found: list[tuple[str, str]] = []
    for language, kind, code in BLOCK.findall(page.read_text(encoding="utf-8")):
        if found and language == "python" and found[-1][0] == "python":
            found[-1] = ("python", found[-1][1] + code)
        else:
            found.append((language if kind == "run" else kind, code))
    return found


def test_the_tutorial_and_the_goals_have_commands_that_run() -> None:
    named = {p.relative_to(DOCS).as_posix() for p in PAGES}
    goals = {p.relative_to(DOCS).as_posix() for p in (DOCS / "how-to").glob("*.md")}
    assert named >= {"tutorial.md", *goals} - {"how-to/container.md"}  # which needs an engine


def parameter(page: Path):
    """Return a page as a parameter; the longest run where TOOLKIT_ALL_CASES is set (workflows)."""
    name = page.relative_to(DOCS).as_posix()
    left = name in LONG and not os.environ.get("TOOLKIT_ALL_CASES")
    marks = [pytest.mark.skipif(left, reason="takes long: set TOOLKIT_ALL_CASES=1")]
    return pytest.param(page, marks=marks, id=name)


@pytest.mark.slow
@pytest.mark.parametrize("page", map(parameter, PAGES))
def test_a_page_runs(page: Path, tmp_path: Path) -> None:
    commands = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}
    python, out = "", ""
    for language, code in blocks(page):
        if language == "found":
            assert all(line in out.splitlines() for line in code.splitlines()), out
            continue
        if language == "python":
            python += code
            command = [sys.executable, "-c", python]
        else:
            command = ["bash", "-euo", "pipefail", "-c", code]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8",
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
        out = done.stdout


def test_every_page_is_in_the_site() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^(?:.*<)?([\w/-]+)>?$", index, re.MULTILINE))
    pages = {p.relative_to(DOCS).with_suffix("").as_posix() for p in DOCS.rglob("*.md")}
    assert pages - {"index"} <= listed
