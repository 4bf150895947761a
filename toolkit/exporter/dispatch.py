"""From an estimator to nodes: our own converter where there is one, skl2onnx's leaf otherwise."""

from __future__ import annotations

import re
from typing import Any

from toolkit.errors import UnsupportedEstimator, boundary
from toolkit.exporter.conversion import Conversion
from toolkit.exporter.converters import key_of, table
from toolkit.exporter.fallback import convert_leaf
from toolkit.exporter.trees.folding import after_step
from toolkit.exporter.values import Matrix, Outputs, Unconvertible, Value

REPLACE = "replace the estimator by one that exports"
SETTING = re.compile(r"\b\w+=")


def convert(est: Any, x: Value, g: Conversion) -> Outputs:
    """Add the estimator's nodes to the graph and return its outputs.

    Raises UnsupportedEstimator naming the innermost estimator that cannot be converted and why.
    """
    name, converter = type(est).__name__, table().get(key_of(est))
    with boundary(f"{name}: its conversion", UnsupportedEstimator, REPLACE):
        try:
            if isinstance(x, Matrix) and x.is_nothing:
                raise Unconvertible("a step before it that keeps no column, so it")
            outputs = convert_leaf(est, x, g) if converter is None else converter(est, x, g)
        except Unconvertible as reason:
            raise UnsupportedEstimator(
                f"{name}: {reason} cannot be exported; {reason.remedy or _advice(str(reason))}"
            ) from reason
    done = outputs.get("transform")
    if isinstance(done, Matrix) and not done.is_nothing:
        outputs = {**outputs, "transform": after_step(key_of(est), est, x, done)}
    return outputs


def _advice(reason: str) -> str:
    """Return what to do for a reason: change the setting that it names, if it names one."""
    return f"change that setting or {REPLACE}" if SETTING.search(reason) else REPLACE
