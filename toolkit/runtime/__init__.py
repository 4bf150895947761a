"""The part that runs on the device: the standard library, numpy and onnxruntime, nothing else.

The names below are loaded on first use, so that `python -m toolkit.runtime --help` and whoever
needs one small module of it do not wait for onnxruntime.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit.runtime.loading import load
    from toolkit.runtime.predictor import Predictor

_ROOM = {"Predictor": "predictor", "load": "loading"}

__all__ = ["Predictor", "load"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from importlib import import_module

        return getattr(import_module(f"toolkit.runtime.{_ROOM[name]}"), name)
    raise AttributeError(f"module 'toolkit.runtime' has no attribute {name!r}")
