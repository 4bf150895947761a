"""What scripts, workflows and pages name below toolkit, tests and scripts is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMED = re.compile(
    r"(?<![\w./-])((?:tests|toolkit|scripts)/(?:[\w-]+/)*[\w-]+(?:\.\w+)?)(?![\w/<*{$-])"
)
WHERE = ("scripts", ".ci", ".github", "docs", "README.md", "SECURITY.md", "Dockerfile", "setup.cfg")


def texts() -> dict[str, str]:
    """Return the text of each file that may name others."""
    roots = [ROOT / name for name in WHERE]
    files = [p for r in roots for p in (r.rglob("*") if r.is_dir() else [r]) if p.is_file()]
    kinds = ("", ".py", ".md", ".yml", ".yaml", ".cfg", ".toml")
    return {str(p): p.read_text(encoding="utf-8") for p in files if p.suffix in kinds}


def missing(text: str) -> list[str]:
    """Return the paths in a text that are not there."""
    return [p for p in NAMED.findall(text) if not (ROOT / p).exists()]


def test_what_is_named_is_there() -> None:
    found = {path: missing(text) for path, text in texts().items()}
    assert len(found) > 60
    assert {path: names for path, names in found.items() if names} == {}


def test_a_path_that_is_not_there_is_found() -> None:
    assert missing("tests=(tests/test_none.py tests/runtime)") == ["tests/test_none.py"]
    assert missing("run `scripts/tets`, then scripts/test.") == ["scripts/tets"]
