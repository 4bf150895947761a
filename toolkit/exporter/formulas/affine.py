"""Chains of linear steps (scalers, projections, read-outs): folded into one product.

A tensor that a chain made is `(source − center) @ weights + bias`. The next linear step is applied
to the source, with the product of the weights, so that the tensor between is never computed. The
centre goes into the bias where that cancels nothing; it is taken off first where it would.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.matmul import linear
from toolkit.exporter.formulas.polynomials import read_out
from toolkit.exporter.origins import Affine, Monomials, parts_of
from toolkit.exporter.values import Matrix
from toolkit.precision import FLOAT32_UNIT, LINEAR_STEPS

REACH = 16.0  # so many standard deviations may a value lie from its centre


def _folds(origin: Affine, unit: np.ndarray) -> bool:
    """Tell whether the centre may go into the bias; unit [k]: see `affine_map`.

    A float32 sum is wrong by up to 2⁻²⁴ of its largest terms, however small it is itself
    (Higham, "Accuracy and Stability of Numerical Algorithms", section 3.1). With the centre in
    the bias these are `source · weights`, else `(source − center) · weights`: either the former
    must be small enough, or about as large as the latter.
    """
    if origin.center is None:
        return True
    if origin.spread is None:
        return False
    size = np.abs(origin.weights)
    apart = REACH * np.abs(origin.spread) @ size + np.abs(origin.bias)
    together = apart + np.abs(origin.center) @ size + np.abs(origin.center @ origin.weights)
    small = (together * FLOAT32_UNIT <= LINEAR_STEPS * np.minimum(1.0, unit)).all()
    return bool(small or (together <= 2.0 * apart).all())


def minus(g: Conversion, x: Matrix, center: np.ndarray, spread: Any = None) -> Matrix:
    """Return `x − center`; center [width], exact in x's type.

    spread: the columns' standard deviations [width], or what tells their size as well, if known.
    """
    result = g.binary("Sub", x, center, "center")
    chain = x.origin(Affine)
    if chain is None:
        spread = None if spread is None else np.asarray(spread, dtype=np.float64)
        none = np.zeros(x.width)
        return _recorded(result, Affine(x, none + 1.0, none, center, result, spread))
    return _recorded(result, replace(chain, bias=chain.bias - center))


def times(g: Conversion, x: Matrix, factors: np.ndarray) -> Matrix:
    """Return `x * factors`; factors [width]."""
    before = _affine(x)
    chain = replace(before, weights=before.weights * factors, bias=before.bias * factors)
    return _recorded(g.binary("Mul", x, factors, "scale"), chain)


def plus(g: Conversion, x: Matrix, shift: np.ndarray) -> Matrix:
    """Return `x + shift`; shift [width]."""
    chain = _affine(x)
    return _recorded(g.binary("Add", x, shift, "residual"), replace(chain, bias=chain.bias + shift))


def affine_map(g: Conversion, x: Matrix, weights: Any, bias: Any, unit: Any = np.inf) -> Matrix:
    """Return `x @ weights + bias`, computed from what x was made of where that is no slower.

    weights [width, k], bias [k]. unit, a number or [k]: what counts as 1 of the result where that
    is less than 1, by which errors are measured.
    """
    weights = np.asarray(weights, dtype=np.float64)
    bias = np.broadcast_to(np.asarray(bias, dtype=np.float64), weights.shape[1:])
    unit = np.broadcast_to(unit, weights.shape[1:])
    rejoined = _rejoined(g, x, weights, bias, unit)
    if rejoined is not None:
        return rejoined
    before = _affine(x)
    chain = before if _cheaper(before, weights) else Affine(x, np.ones(x.width), np.zeros(x.width))
    chain = chain.then(weights, bias)
    return _recorded(_linear(g, *_placed(chain, unit), unit), chain)


def _affine(x: Matrix) -> Affine:
    return x.origin(Affine) or Affine(x, np.ones(x.width), np.zeros(x.width))


def _recorded(result: Matrix, chain: Affine) -> Matrix:
    # In float64 every step is scikit-learn's own arithmetic: what is behind it may compare.
    return result.knowing(chain) if result.dtype == "float32" else result


def _cheaper(chain: Affine, weights: np.ndarray) -> bool:
    """Tell whether one product has no more multiplications than the two that it stands for."""
    if chain.weights.ndim == 1:
        return True
    inputs, inner = chain.weights.shape
    outputs = weights.shape[1]
    return inputs * outputs <= inputs * inner + inner * outputs


def _rejoined(
    g: Conversion, x: Matrix, weights: np.ndarray, bias: np.ndarray, unit: np.ndarray
) -> Matrix | None:
    """Return `x @ weights + bias` where x is several tensors side by side and some are scaled.

    What the scaled ones were made of is joined in their place; None where there is none.
    """
    parts = parts_of(x)
    chains = [p.origin(Affine) for p in parts]
    if x.dtype != "float32" or not any(c is not None and c.weights.ndim == 1 for c in chains):
        return None
    sources, rows, start = [], [], 0
    for part, chain in zip(parts, chains, strict=True):
        block = weights[start : start + part.width]
        start += part.width
        if chain is not None and chain.weights.ndim == 1:
            part, block, moved = _placed(chain.then(block, np.zeros(len(bias))), unit)
            bias = bias + moved
        sources.append(part)
        rows.append(block)
    return linear(g, g.join(sources), np.vstack(rows), bias)


def _placed(chain: Affine, unit: np.ndarray) -> tuple[Matrix, np.ndarray, np.ndarray]:
    """Return the tensor, the weights and the bias of the product that a chain becomes."""
    if chain.center is None:
        return chain.source, chain.weights, chain.bias
    if chain.shifted is not None and not _folds(chain, unit):
        return chain.shifted, chain.weights, chain.bias
    # With the weights as they are rounded, so that rows at the centre come out exact.
    rounded = chain.weights.astype(np.float32).astype(np.float64)
    return chain.source, chain.weights, chain.bias - chain.center @ rounded


def _linear(
    g: Conversion, x: Matrix, weights: np.ndarray, bias: np.ndarray, unit: np.ndarray
) -> Matrix:
    features = x.origin(Monomials)
    sum_of_squares = (
        None if features is None else read_out(g, features, weights, bias, affine_map, unit)
    )
    return linear(g, x, weights, bias) if sum_of_squares is None else sum_of_squares
