"""The opsets that can be written, and what goes with each.

Source: https://github.com/onnx/onnx/blob/main/docs/Versioning.md
"""

from __future__ import annotations

# ai.onnx.ml's version by default-domain opset: the one released with it, and 3 for 15, since trees
# need that.
ML_OPSETS = {15: 3, 16: 3, 17: 3, 18: 3, 19: 3, 20: 4, 21: 5, 22: 5}
# The oldest intermediate representation that may carry each.
IR_VERSIONS = {15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10}
OPSETS = tuple(ML_OPSETS)
DEFAULT_OPSET = 21  # the lowest with TreeEnsemble (ai.onnx.ml 5): the more runtimes the better
