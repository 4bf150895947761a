"""The methods, one file each; the file's name is the method's name.

A method file has a one-sentence docstring (shown by `toolkit methods`) and:

    SUFFIX = ".onnx" or ".pack"
    LIMITS = {"nmse": …, "agreement": …}      what its output must keep, on the calibration rows
    def apply(model: onnx.ModelProto, calibration: Calibration) -> bytes
        the variant's bytes, or raises NotApplicable(reason); must not change `model`
    THRESHOLDS = True
        optional: trees keep fewer thresholds where that is asked for; then it is
        apply(model, calibration, thresholds: int | None = None), at most so many a feature
    SESSION = {"config": {"session.disable_quant_qdq": "1"}}
        optional: the session options under which it is checked, and `toolkit.load` opens it; see
        `toolkit.runtime.session`
"""

from __future__ import annotations

import ast
import difflib
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

from toolkit.errors import InvalidInput


def method_names() -> tuple[str, ...]:
    """Return the methods' names, read from the file names: nothing is imported."""
    return tuple(sorted(m.name.replace("_", "-") for m in pkgutil.iter_modules(__path__)))


def method_summaries() -> dict[str, str]:
    """Return each method's first docstring line; the files are parsed, not imported."""
    return {name: _docstring(name) for name in method_names()}


def load_method(name: str) -> ModuleType:
    """Return a method's module; InvalidInput names the nearest where there is none."""
    if name not in method_names():
        near = difflib.get_close_matches(name, method_names(), n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise InvalidInput(
            f"unknown method {name!r}; {hint}`toolkit methods` lists them: "
            f"{', '.join(method_names())}"
        )
    return importlib.import_module(f"{__name__}.{name.replace('-', '_')}")


def _docstring(name: str) -> str:
    path = Path(__path__[0]) / f"{name.replace('-', '_')}.py"
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").splitlines()[0]
