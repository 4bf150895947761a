"""What `toolkit build` was told, as a TOML file that it can read again."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any

from toolkit.errors import InvalidInput

SUFFIX = ".toml"
PATHS = ("source", "data", "out")  # of the working directory, or of the file that names them


@dataclass(frozen=True)
class Settings:
    """The options of `toolkit build`; None where there is a default. goal is its option --for."""

    source: str
    data: str | None = None
    target: str | None = None
    name: str | None = None
    out: str | None = None
    task: str | None = None
    license: str | None = None
    runtime: str | None = None
    tune: str = "auto"
    methods: tuple[str, ...] = ()
    budgets: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    goal: str = "balance"
    within: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()


def read(path: Path, given: Mapping[str, Any]) -> Settings:
    """Return the settings of a file, but for those that were given beside it.

    Paths in it are taken from its folder. Raises InvalidInput where it is no TOML, or has a key or
    a value that is no setting.
    """
    try:
        content = _toml().loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise InvalidInput(
            f"{path}: cannot be read as settings ({error}); see build --save"
        ) from None
    known = {f.name: f.default for f in fields(Settings)}
    for key, value in content.items():
        _check(path, key, value, known)
    for key in PATHS:
        if key in content and (key != "source" or Path(content[key]).suffix):
            content[key] = os.path.normpath(path.parent / content[key])
    listed = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}
    if "source" not in listed:
        raise InvalidInput(f'{path}: names no source; add source = "RECIPE or FILE"')
    return Settings(**{**listed, **given})


def _toml() -> Any:
    """Return the library that reads TOML: Python's own, from 3.11 on."""
    return import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")


def _check(path: Path, key: str, value: Any, known: Mapping[str, Any]) -> None:
    if key not in known:
        raise InvalidInput(f"{path}: has no setting {key!r}; the settings are {', '.join(known)}")
    many = isinstance(known[key], tuple)
    items = value if many and isinstance(value, list) else [value]
    if many != isinstance(value, list) or not all(isinstance(item, str) for item in items):
        raise InvalidInput(
            f"{path}: {key} is {value!r}; write {'a list of texts' if many else 'a text'}"
        )


def write(settings: Settings, path: Path) -> None:
    """Write settings that `read` gives again, those with their default left out."""
    from toolkit.runtime.writing import write_atomic

    values = asdict(settings)
    for key in PATHS:
        value = values[key]
        if value is not None and (key != "source" or Path(value).suffix):
            values[key] = Path(os.path.relpath(value, path.parent)).as_posix()
    changed = {f.name: values[f.name] for f in fields(Settings) if values[f.name] != f.default}
    # A TOML text in quotes has the escapes of JSON's.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in changed.items()]
    write_atomic(path, ("# Settings of toolkit build.\n" + "\n".join(lines) + "\n").encode())
