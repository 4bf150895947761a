"""What a graph needs of the runtime that opens it: versions, domains, the lowest onnxruntime.

The numbers below are of onnxruntime 1.x, checked by running: `scripts/requires` opens and runs
files of many kinds on each version and compares; docs/requires.md is what it found.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from toolkit.runtime import wire

OLDEST = 16  # of those that were tried; what an older one would run is not known
STANDARD = "ai.onnx"
ML = "ai.onnx.ml"
DOMAINS = (STANDARD, ML)

# The first onnxruntime 1.x that takes a version of the format, of the operators, of those of ML.
IR_SINCE = {8: 16, 9: 16, 10: 18}
OPSET_SINCE = {15: 16, 16: 16, 17: 16, 18: 16, 19: 16, 20: 17, 21: 18, 22: 21}
ML_SINCE = {1: 16, 2: 16, 3: 16, 4: 17, 5: 18}
# The first that has an operator, where its opset says less.
OPERATOR_SINCE = {"TreeEnsemble": 21}

# Operators that hold graphs. Others' attributes are not read: those of trees may be millions.
HOLDERS = {"If", "Loop", "Scan"}
NODE_ATTRIBUTE, ATTRIBUTE_G, ATTRIBUTE_GRAPHS = 5, 6, 11
