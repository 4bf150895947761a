"""The converters, one file an estimator family; each file ends in its table `CONVERTERS`
(`inverse` in one of inverse transforms).

A key is the estimator's library and class name, so that listing imports no library. A converter
takes (fitted estimator, its input, the graph) and returns tensors by what scikit-learn calls
them: "transform", "predict", "predict_proba", "decision_function".
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import Any

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.values import Outputs, Value

Converter = Callable[[Any, Value, Conversion], Outputs]


@cache
def table() -> dict[str, Converter]:
    """Return every converter by its key; RuntimeError where two files claim one key."""
    converters: dict[str, Converter] = {}
    for module in pkgutil.iter_modules(__path__):
        own = importlib.import_module(f"{__name__}.{module.name}")
        for key, converter in getattr(own, "CONVERTERS", {}).items():  # `inverse` has none
            if key in converters:
                raise RuntimeError(f"two converters for {key}")
            converters[key] = converter
    return converters


def key_of(estimator: Any) -> str:
    """Return the estimator's key: exact class, since a subclass may predict differently."""
    kind = type(estimator)
    return f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
