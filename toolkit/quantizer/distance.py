"""How far outputs are from what they should be: normalised mean square, share of equal labels."""

from __future__ import annotations

import numpy as np

from toolkit.runtime import golden


def nmse(expected: dict[str, np.ndarray], got: dict[str, np.ndarray]) -> float:
    """Return the largest over the numeric outputs of mean((got − y)²) / var(y).

    Where the reference does not vary: 0 if it is met to 1e-6, infinite if not. A NaN or infinity
    that only one of them has makes it infinite.
    """
    worst = 0.0
    for name, reference in expected.items():
        if name == "label" or reference.dtype.kind != "f":
            continue
        values = np.asarray(got[name], dtype=np.float64).reshape(reference.shape)
        error = _mean_square(values, reference)
        finite = reference[np.isfinite(reference)]
        variance = float(finite.var()) if finite.size else 0.0
        worst = max(worst, error / variance if variance else (0.0 if error < 1e-12 else np.inf))
    return worst


def _mean_square(values: np.ndarray, reference: np.ndarray) -> float:
    """Return mean((values − reference)²), infinite where only one of them is NaN or infinite."""
    same = (values == reference) | (np.isnan(values) & np.isnan(reference))
    with np.errstate(invalid="ignore", over="ignore"):
        squared = np.where(same, 0.0, np.square(values - reference))
    # max() and <= are deaf to NaN: what cannot be subtracted must count as infinitely far.
    return float(np.where(np.isnan(squared), np.inf, squared).mean()) if squared.size else 0.0


def label_agreement(expected: dict[str, np.ndarray], got: dict[str, np.ndarray]) -> float:
    """Return the share of equal labels; 1.0 where there are none."""
    return golden.deviation(expected, got, ["label"] if "label" in expected else [])[1]
