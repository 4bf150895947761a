"""Bundles of all cases, each exported once, and their cards."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bundle.card.cases import CASES

BLOCK = re.compile(r"^(`{3,})(\w+)\n(.*?)\n\1$", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="session")
def made(california_bundle, tmp_path_factory) -> Callable[[str], Path]:
    """Return what exports a case, or gives what was exported."""
    from toolkit.exporter import export

    folders = {"california": california_bundle}

    def make(name: str) -> Path:
        if name not in folders:
            case = CASES[name]()
            out = tmp_path_factory.mktemp("cards") / "model"
            export(case.estimator, case.X, case.y, name=f"case {name}", out=out, **case.options)
            folders[name] = out
        return folders[name]

    return make


def programs(card: str) -> dict[str, str]:
    """Return a card's programs by language."""
    return {language: program for _, language, program in BLOCK.findall(card)}


def card_of(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")
