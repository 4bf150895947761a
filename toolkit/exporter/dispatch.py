"""From an estimator to nodes: our own converter where there is one, skl2onnx's leaf otherwise."""

from __future__ import annotations

from typing import Any

from toolkit.errors import UnsupportedEstimator
from toolkit.exporter.converters import key_of, table
from toolkit.exporter.fallback import convert_leaf
from toolkit.exporter.graph import Graph, Matrix, Outputs, Unconvertible, Value
from toolkit.exporter.trees.folding import record


def convert(est: Any, x: Value, g: Graph) -> Outputs:
    """Add the estimator's nodes to the graph and return its outputs.

    Raises UnsupportedEstimator naming the innermost estimator that cannot be converted and why.
    """
    converter = table().get(key_of(est))
    try:
        if isinstance(x, Matrix) and x.is_nothing:
            raise Unconvertible("a step before it that keeps no column, so it")
        found = convert_leaf(est, x, g) if converter is None else converter(est, x, g)
    except Unconvertible as reason:
        raise UnsupportedEstimator(
            f"{type(est).__name__}: {reason} cannot be exported; change that setting or replace "
            "the estimator by one that exports"
        ) from reason
    done = found.get("transform")
    if isinstance(done, Matrix) and not done.is_nothing:
        record(g, key_of(est), est, x, done)
    return found
