"""The part that runs on the device: the standard library, numpy and onnxruntime, nothing else."""

from __future__ import annotations

from toolkit.runtime.predictor import Predictor, load

__all__ = ["Predictor", "load"]
