"""The recipes by name: listed from the file names, described without importing them."""

from __future__ import annotations

import ast
import difflib
import importlib
from pathlib import Path
from types import ModuleType

from toolkit.errors import InvalidInput

_FOLDER = Path(__file__).with_name("recipes")


def recipe_names() -> tuple[str, ...]:
    """Return the recipes' names in alphabetical order: the file names, with dashes."""
    files = (file.stem for file in _FOLDER.glob("*.py") if not file.stem.startswith("_"))
    return tuple(sorted(stem.replace("_", "-") for stem in files))


def recipe_summaries() -> dict[str, str]:
    """Return, for each recipe's name, the first line of its module's docstring."""
    return {name: _summary(_FOLDER / f"{_module(name)}.py") for name in recipe_names()}


def load_recipe(name: str) -> ModuleType:
    """Import the recipe `name`: a module with `dataset()`, `estimator()` and maybe `ALL_ROWS`.

    Raises InvalidInput, with the nearest name, where there is no such recipe.
    """
    names = recipe_names()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InvalidInput(f"{name}: no such recipe; {hint}`toolkit recipes` lists all of them")
    return importlib.import_module(f"toolkit.trainer.recipes.{_module(name)}")


def _module(name: str) -> str:
    return name.replace("-", "_")


def _summary(file: Path) -> str:
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]
