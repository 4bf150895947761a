"""The modules of a folder of scripts, imported as they find each other when they are run."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"


@contextmanager
def script_modules(folder: str, names: tuple[str, ...]) -> Iterator[dict[str, ModuleType]]:
    """Yield the named modules of scripts/`folder`; afterwards none of them is left imported."""
    for name in names:  # another folder of scripts may have one of the same name
        sys.modules.pop(name, None)
    sys.path.insert(0, str(SCRIPTS / folder))
    try:
        yield {name: importlib.import_module(name) for name in names}
    finally:
        sys.path.remove(str(SCRIPTS / folder))
        for name in names:
            sys.modules.pop(name, None)
