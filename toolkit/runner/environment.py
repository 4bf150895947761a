"""The machine and the library versions that a report's figures come from."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import toolkit

LIBRARIES = ("numpy", "onnxruntime", "scikit-learn", "onnx", "skl2onnx")
THREADS = 1


def describe(packages: Sequence[str] = ()) -> dict[str, Any]:
    """Return python, platform, machine, cpu_count, libraries by name, and the threads used.

    packages: others that are measured too; their versions are then there as `packages`, None for
    what is not installed.
    """
    # onnx and skl2onnx are not needed to measure.
    installed = {name: known for name in LIBRARIES if (known := _version(name))}
    facts = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu_count": os.cpu_count(),
        "libraries": {"toolkit": toolkit.__version__} | installed,
        "threads": THREADS,
    }
    return facts | ({"packages": {p: _version(p) for p in packages}} if packages else {})


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
