"""Refitting a linear read-out to what the layers before it have become."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from toolkit.metrics import losses
from toolkit.precision import FLOAT32_UNIT, SHORT_BIASES
from toolkit.quantizer.parameters import Product

# A read-out of so many inputs is refitted: fewer cannot make good for what the inputs lost.
READOUT = 16
# A normalised MSE that leaves nothing to make good for: a refit would follow the rows' noise.
AGREES = 1e-7
# Penalties that are tried, as shares of the mean square length of the activations.
STRENGTHS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)


def refit(
    weight: np.ndarray, activations: np.ndarray, wanted: np.ndarray, alone: np.ndarray
) -> np.ndarray:
    """Return float32 weights [m, k] near `weight` with `activations @ w ≈ wanted`.

    Ridge regression of what is missing, `w = w0 + ridge(A, Y − A w0)`. Its penalty is that of
    STRENGTHS which does best on the rows flagged in `alone` after fitting the others; the result is
    fitted on all rows, or is `weight` itself where none improves on it.

    weight [m, k], activations [N, m], wanted [N, k], alone bool [N].
    """
    w0, A, Y = (np.asarray(v, dtype=np.float64) for v in (weight, activations, wanted))
    missing = Y - A @ w0
    fit = ~alone

    tried = ridge(A[fit], missing[fit])
    length = _mean_length(A[fit])

    def error(strength: float) -> float:
        return float(np.square(missing[alone] - A[alone] @ tried(strength * length)).mean())

    errors = {s: error(s) for s in STRENGTHS}
    best = min(errors, key=lambda s: errors[s])
    if errors[best] >= float(np.square(missing[alone]).mean()):
        return weight
    return (w0 + ridge(A, missing)(best * _mean_length(A))).astype(np.float32)


def ridge(A: np.ndarray, Y: np.ndarray) -> Callable[[float], np.ndarray]:
    """Return the function from a penalty λ > 0 to the ridge regression of Y [N, k] on A [N, m].

    `(AᵀA + λ I)⁻¹ AᵀY` or, where there are fewer rows than unknowns, its dual form
    `Aᵀ (A Aᵀ + λ I)⁻¹ Y` (Saunders, Gammerman and Vovk, "Ridge regression learning algorithm in
    dual variables", ICML 1998).
    """
    wide = A.shape[1] >= len(A)
    gram = A @ A.T if wide else A.T @ A
    mixed = Y if wide else A.T @ Y

    def solved(penalty: float) -> np.ndarray:
        regular = gram + penalty * np.eye(len(gram))
        try:
            solution = np.linalg.solve(regular, mixed)
        except np.linalg.LinAlgError:  # equal rows or columns, beside which λ is lost in rounding
            solution = np.linalg.lstsq(regular, mixed, rcond=None)[0]
        return A.T @ solution if wide else solution

    return solved


def _mean_length(A: np.ndarray) -> float:
    """Return the mean square length of the rows; 1 where all is 0, as the solution then is."""
    return float(np.square(A).sum()) / len(A) or 1.0


def refitted_readout(
    product: Product,
    now: Mapping[str, np.ndarray],
    exact: Mapping[str, np.ndarray],
    bias: np.ndarray | None,
) -> np.ndarray:
    """Return a read-out's coefficients refitted to what its inputs have become, in their own type.

    now, exact: the product's source and output with parameters coded, and in the float graph; bias:
    the float graph's, None without. Every fourth row chooses the ridge's strength. A product of few
    inputs cannot make good for what they lost: it stays as it is, and so does one whose output is
    as it was.
    """
    if not product.direct or len(product.values) < READOUT:
        return product.values
    if np.array_equal(now[product.source], exact[product.source]):
        return product.values
    wanted = np.asarray(exact[product.output], dtype=np.float64)
    if losses({"": wanted}, {"": now[product.output]})[0] <= AGREES:
        return product.values
    if bias is not None:
        wanted = wanted - bias
    alone = np.arange(len(wanted)) % 4 == 0
    better = refit(product.values, now[product.source], wanted, alone)
    return better.astype(product.values.dtype)


def refitted_bias(old: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the bias that keeps the mean of a product's output, in the type of the old one.

    before, after: the output [..., k] in the float graph, and with the old bias now.
    """
    exact = np.asarray(before, dtype=np.float64)
    lost = (exact - after).reshape(-1, exact.shape[-1]).mean(axis=0)
    return (old.astype(np.float64) + lost.reshape(old.shape)).astype(old.dtype)


def short_bias(bias: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return a float64 bias as float32 can hold it, in its own type, where that is enough.

    Four bytes are, unless a large bias meets outputs (`before`) that hardly vary.
    """
    lost = np.abs(bias).max(initial=0.0) * FLOAT32_UNIT
    if lost <= SHORT_BIASES * np.std(before, dtype=np.float64):
        return bias.astype(np.float32).astype(bias.dtype)
    return bias
