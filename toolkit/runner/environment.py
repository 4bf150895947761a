"""The machine and the library versions that a report's figures come from."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import toolkit

LIBRARIES = ("numpy", "onnxruntime", "scikit-learn", "onnx", "skl2onnx")
THREADS = 1


def describe() -> dict[str, Any]:
    """Return python, platform, machine, cpu_count, libraries by name, and the threads used."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu_count": os.cpu_count(),
        "libraries": {"toolkit": toolkit.__version__} | _installed(),
        "threads": THREADS,
    }


def _installed() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # onnx and skl2onnx are not needed to measure
    return found
