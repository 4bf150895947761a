"""docs/architecture.md names every folder of the package, and nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "toolkit"
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### `(\w+)/`\n((?:(?!^##).*\n)*)", TEXT, re.MULTILINE))
# `exporter/text/` in a sentence, or at the start of a line of a diagram.
NAMED = re.compile(r"(?<![\w/.])((?:\w+/)+)(?=[`\s])")


def rooms(package: Path) -> set[str]:
    """Every folder with modules below the package."""
    files = package.rglob("*.py")
    return {p.parent.relative_to(package).as_posix() for p in files if p.parent != package}


def named(text: str) -> set[str]:
    return {path.rstrip("/") for path in NAMED.findall(text)}


def test_every_folder_has_its_place_and_every_place_its_folder():
    assert named(TEXT) - {"docs", "toolkit"} == rooms(PACKAGE)
    assert set(SECTIONS) == {r for r in rooms(PACKAGE) if "/" not in r}


def test_the_list_can_be_wrong(tmp_path):
    (tmp_path / "cli" / "more").mkdir(parents=True)
    (tmp_path / "cli" / "more" / "__init__.py").touch()
    assert rooms(tmp_path) == {"cli/more"}
    assert named("`cli/`, `cli/less/` and `a/b.py`\n  ─► cli/more/  words") == {
        "cli",
        "cli/less",
        "cli/more",
    }


@pytest.mark.parametrize("room", SECTIONS)
def test_a_room_has_one_paragraph_and_one_diagram(room):
    words, *diagrams = re.split(r"^```", SECTIONS[room].strip(), flags=re.MULTILINE)
    assert len(words.strip().split("\n\n")) == 1
    assert len(diagrams) == 2
    assert diagrams[0].startswith("text\n")
    inside = {r for r in rooms(PACKAGE) if r.startswith(f"{room}/")}
    assert inside <= named(SECTIONS[room])


def test_what_is_linked_or_named_exists():
    for path in re.findall(r"`((?:\w+/)*\w+\.(?:py|md))`", TEXT):
        assert (PACKAGE / path).is_file() or (ROOT / path).is_file(), path
    for link in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (ROOT / "docs" / link).is_file(), link
