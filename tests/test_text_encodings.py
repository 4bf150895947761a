"""Whoever reads or writes text names its encoding: a platform's own need not be UTF-8."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCES = sorted(
    p for folder in ("toolkit", "tests", "scripts") for p in Path(folder).rglob("*.py")
)
PROCESSES = {"run", "Popen", "check_output"}


def unnamed(source: str) -> Iterator[int]:
    """Yield the lines of calls that read or write text in the platform's encoding."""
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and _is_text(call):
            named = {k.arg for k in call.keywords}
            if not named & {"encoding", None}:  # None: **options
                yield call.lineno


def _is_text(call: ast.Call) -> bool:
    function = ast.unparse(call.func)
    name = function.rpartition(".")[2]
    if name in PROCESSES:
        return any(
            k.arg in ("text", "universal_newlines") and ast.unparse(k.value) == "True"
            for k in call.keywords
        )
    if function == "open" or name == "fdopen":
        mode = [*call.args[1:2], *(k.value for k in call.keywords if k.arg == "mode")]
        return not (mode and "b" in ast.unparse(mode[0]))
    return name in ("read_text", "write_text")


def test_all_encodings_are_named() -> None:
    found = {str(p): list(unnamed(p.read_text(encoding="utf-8"))) for p in SOURCES}
    assert len(found) > 400
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "call",
    [
        "open(p)",
        "open(p, 'w', newline='')",
        "os.fdopen(1, mode='w')",
        "p.read_text()",
        "p.write_text('a')",
        "subprocess.run(c, text=True)",
        "Popen(c, universal_newlines=True)",
    ],
)
def test_what_names_none_is_found(call: str) -> None:
    assert list(unnamed(call)) == [1]


@pytest.mark.parametrize(
    "call",
    ["open(p, 'rb')", "p.read_text(encoding='utf-8')", "run(c, encoding='utf-8')", "run(c)"],
)
def test_what_names_one_is_not(call: str) -> None:
    assert list(unnamed(call)) == []
