"""What a graph needs of whatever opens it: versions, domains, the lowest onnxruntime.

The numbers are of onnxruntime 1.x and were found by running: `scripts/requires` opens and runs
graphs of all kinds on each version; docs/requires.md is what it found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from toolkit.errors import CorruptArtifact
from toolkit.runtime import wire

OLDEST = 16  # of the versions that were tried; what older ones run is not known
STANDARD, ML = "ai.onnx", "ai.onnx.ml"

# The first version that takes a version of the format, of the operators, and of ai.onnx.ml.
IR_SINCE = {8: 16, 9: 16, 10: 18}
OPSET_SINCE = {15: 16, 16: 16, 17: 16, 18: 16, 19: 16, 20: 17, 21: 18, 22: 21}
ML_SINCE = {3: 16, 4: 17, 5: 18}
# The first that has an operator, where that is later than its opset.
OPERATOR_SINCE = {"TreeEnsemble": 21}
# The first that computes one in float64: (version, for opsets below). Which tensors are float64 is
# not looked up: these count wherever the graph has float64 at all.
FLOAT64_SINCE = {"Cos": (24, 99), "ReduceL1": (20, 18)}
# Up to 1.17 a Gemm and the activation that reads it become one node, which has no float64.
ACTIVATIONS = frozenset({"Relu", "LeakyRelu", "Sigmoid", "Tanh", "Softplus", "Elu"})
ACTIVATED_SINCE = 18
# Up to 1.20 nodes inside others are taken for one where they have no names.
NAMES_SINCE = 21
# The first that has an element type for stored tensors.
STORED_SINCE: dict[int, int] = {}

DOUBLE = 11
# Operators that hold graphs. Others' attributes are not read: those of trees may be millions.
HOLDERS = frozenset({"If", "Loop", "Scan"})
