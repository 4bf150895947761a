"""The opsets that can be written, what goes with each, and which a runtime takes.

Source: https://github.com/onnx/onnx/blob/main/docs/Versioning.md
"""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.errors import InvalidInput, UnsupportedEstimator
from toolkit.runtime.requires import (
    ML,
    ML_SINCE,
    OLDEST,
    OPERATOR_SINCE,
    OPSET_SINCE,
    minor,
    requires,
    too_old,
)

# ai.onnx.ml's version by default-domain opset: the one released with it, and 3 for 15, since trees
# need that.
ML_OPSETS = {15: 3, 16: 3, 17: 3, 18: 3, 19: 3, 20: 4, 21: 5, 22: 5}
# The oldest intermediate representation that may carry each.
IR_VERSIONS = {15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10}
OPSETS = tuple(ML_OPSETS)
DEFAULT_OPSET = 21  # the lowest with TreeEnsemble (ai.onnx.ml 5): the more runtimes the better
TREES_OPSET = 5  # of ai.onnx.ml, from which on trees are a TreeEnsemble


@dataclass(frozen=True)
class Target:
    """What a graph is written for: the opset, the newest ai.onnx.ml, and the runtime asked for."""

    opset: int
    ml_opset: int
    runtime: str | None = None

    def check(self, estimator: object, content: bytes) -> None:
        """Raise UnsupportedEstimator where a graph needs a newer runtime than was asked for."""
        name = type(estimator).__name__
        needed = requires(content, name)["onnxruntime"]
        if self.runtime is not None and too_old(needed, self.runtime):
            raise UnsupportedEstimator(
                f"{name}: its graph needs onnxruntime {needed} or newer, and it is exported for "
                f"{self.runtime}; export with --runtime {needed}, or replace the estimator"
            )


def target_of(opset: int | None = None, runtime: str | None = None) -> Target:
    """Return what to write: by default for all runtimes from 1.21 on.

    opset: the opset asked for. runtime: the version of onnxruntime, such as "1.18", that is to run
    the graph: the newest opset and operators that it has, up to the default. Raises InvalidInput
    for an opset that cannot be written, or that the runtime has not.
    """
    if opset is not None and opset not in OPSETS:
        raise InvalidInput(f"opset {opset} is not one of {OPSETS[0]} to {OPSETS[-1]}; choose one")
    if runtime is None:
        chosen = DEFAULT_OPSET if opset is None else opset
        return Target(chosen, ML_OPSETS[chosen])
    if not isinstance(runtime, str):  # as a number, 1.20 would be 1.2
        raise InvalidInput(f"runtime {runtime!r} is no text; write it in quotes")
    version = minor(runtime)
    if version < OLDEST:
        raise InvalidInput(
            f"runtime {runtime!r} is older than 1.{OLDEST}, the oldest that graphs were tried on; "
            "choose a newer one"
        )
    newest = max(o for o in OPSETS if OPSET_SINCE[o] <= version)
    if opset is not None and opset > newest:
        raise InvalidInput(
            f"opset {opset} is newer than onnxruntime {runtime} has; choose up to {newest}, or a "
            "newer runtime"
        )
    chosen = min(newest, DEFAULT_OPSET) if opset is None else opset
    has_trees = version >= OPERATOR_SINCE[ML, "TreeEnsemble"]
    known = [v for v, since in ML_SINCE.items() if since <= version]
    ml_opset = max(v for v in known if has_trees or v < TREES_OPSET)
    return Target(chosen, min(ml_opset, ML_OPSETS[chosen]), runtime)
