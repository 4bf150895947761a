"""Refitting a linear read-out to what the layers before it have become."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

# Ridge strengths that are tried, as shares of the mean squared activation.
STRENGTHS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)


def refit(
    weight: np.ndarray, activations: np.ndarray, wanted: np.ndarray, alone: np.ndarray
) -> np.ndarray:
    """Return float32 weights [m, k] near `weight` with `activations @ w ≈ wanted`.

    Ridge regression of what is missing, in its dual form, which needs as many equations as there
    are rows: `w = w0 + Aᵀ (A Aᵀ + λ I)⁻¹ (Y − A w0)` (Saunders, Gammerman and Vovk, "Ridge
    regression learning algorithm in dual variables", ICML 1998). λ is that of STRENGTHS which does
    best on the rows flagged in `alone` after fitting the others; the result is fitted on all rows,
    or is `weight` itself where no λ improves on it.

    weight [m, k], activations [N, m], wanted [N, k], alone bool [N].
    """
    w0, A, Y = (np.asarray(v, dtype=np.float64) for v in (weight, activations, wanted))
    missing = Y - A @ w0
    fit = ~alone

    products = A @ A.T

    def change(rows: np.ndarray, strength: float) -> np.ndarray:
        gram = products[np.ix_(rows, rows)]
        ridge = strength * np.trace(gram) / len(gram) * np.eye(len(gram))
        return A[rows].T @ np.linalg.solve(gram + ridge, missing[rows])

    errors = {
        s: float(np.square(missing[alone] - A[alone] @ change(fit, s)).mean()) for s in STRENGTHS
    }
    best = min(errors, key=lambda s: errors[s])
    if errors[best] >= float(np.square(missing[alone]).mean()):
        return weight
    return (w0 + change(np.ones(len(A), dtype=bool), best)).astype(np.float32)


def values_of(model: onnx.ModelProto, name: str) -> np.ndarray:
    """Return an initializer's values."""
    return numpy_helper.to_array(next(t for t in model.graph.initializer if t.name == name))
