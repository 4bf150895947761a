"""Chains of linear steps (scalers, projections, read-outs): folded into one product.

A tensor that a chain made is `(source − center) @ weights + bias`. The next linear step is applied
to the source, with the product of the weights, so that the tensor between is never computed. The
centre goes into the bias where that cancels nothing; it is taken off first where it would.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.exporter.formulas import sparse_rows
from toolkit.exporter.formulas.polynomials import read_out

if TYPE_CHECKING:
    from toolkit.exporter.graph import Graph
    from toolkit.exporter.values import Matrix

FLOAT32_UNIT = 2.0**-24  # the relative rounding error of one float32 operation
REACH = 16.0  # so many standard deviations may a value lie from its centre
ALLOWED = 2e-5  # a fifth of the contract's 1e-4: the steps behind it want their share


@dataclass(frozen=True)
class Chain:
    """How a float32 tensor was made: `(source − center) @ weights + bias`; arrays are float64.

    weights: [d, k], or [d] for a scale a column; bias [k]. center: [d], exact in float32, and
    `shifted` the tensor `source − center`; None where nothing is taken off. spread: the source's
    standard deviations [d], or what tells its size as well; None where nobody knows.
    """

    source: Matrix
    weights: np.ndarray
    bias: np.ndarray
    center: np.ndarray | None = None
    shifted: Matrix | None = None
    spread: np.ndarray | None = None

    def then(self, weights: np.ndarray, bias: np.ndarray) -> Chain:
        """Return the chain that ends in `x @ weights + bias` of this one's x."""
        scales = self.weights.ndim == 1
        both = self.weights[:, None] * weights if scales else self.weights @ weights
        return replace(self, weights=both, bias=self.bias @ weights + bias)

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Return what the chain makes of rows of its source, float64 [N, k]."""
        rows = rows if self.center is None else rows - self.center
        scales = self.weights.ndim == 1
        return (rows * self.weights if scales else rows @ self.weights) + self.bias

    def folds(self, unit: np.ndarray) -> bool:
        """Tell whether the centre may go into the bias; unit [k]: see `product`.

        A float32 sum is wrong by up to 2⁻²⁴ of its largest terms, however small it is itself
        (Higham, "Accuracy and Stability of Numerical Algorithms", section 3.1). With the centre in
        the bias these are `source · weights`, else `(source − center) · weights`: either the former
        must be small enough, or about as large as the latter.
        """
        if self.center is None:
            return True
        if self.spread is None:
            return False
        size = np.abs(self.weights)
        apart = REACH * np.abs(self.spread) @ size + np.abs(self.bias)
        together = apart + np.abs(self.center) @ size + np.abs(self.center @ self.weights)
        small = (together * FLOAT32_UNIT <= ALLOWED * np.minimum(1.0, unit)).all()
        return bool(small or (together <= 2.0 * apart).all())


def minus(g: Graph, x: Matrix, center: np.ndarray, spread: Any = None) -> Matrix:
    """Return `x − center`; center [width], exact in x's type.

    spread: the columns' standard deviations [width], or what tells their size as well, if known.
    """
    result = g.binary("Sub", x, center, "center")
    found = g.chains.get(x.name)
    if found is None:
        spread = None if spread is None else np.asarray(spread, dtype=np.float64)
        none = np.zeros(x.width)
        return _recorded(g, result, Chain(x, none + 1.0, none, center, result, spread))
    return _recorded(g, result, replace(found, bias=found.bias - center))


def times(g: Graph, x: Matrix, factors: np.ndarray) -> Matrix:
    """Return `x * factors`; factors [width]."""
    found = _made(g, x)
    chain = replace(found, weights=found.weights * factors, bias=found.bias * factors)
    return _recorded(g, g.binary("Mul", x, factors, "scale"), chain)


def plus(g: Graph, x: Matrix, shift: np.ndarray) -> Matrix:
    """Return `x + shift`; shift [width]."""
    found = _made(g, x)
    return _recorded(
        g, g.binary("Add", x, shift, "residual"), replace(found, bias=found.bias + shift)
    )


def product(g: Graph, x: Matrix, weights: Any, bias: Any, unit: Any = np.inf) -> Matrix:
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
    found = _made(g, x)
    chain = found if _cheaper(found, weights) else Chain(x, np.ones(x.width), np.zeros(x.width))
    chain = chain.then(weights, bias)
    return _recorded(g, _linear(g, *_placed(chain, unit), unit), chain)


def _made(g: Graph, x: Matrix) -> Chain:
    return g.chains.get(x.name) or Chain(x, np.ones(x.width), np.zeros(x.width))


def _recorded(g: Graph, result: Matrix, chain: Chain) -> Matrix:
    # In float64 every step is scikit-learn's own arithmetic: what is behind it may compare.
    if result.dtype == "float32":
        g.chains[result.name] = chain
    return result


def _cheaper(chain: Chain, weights: np.ndarray) -> bool:
    """Tell whether one product has no more multiplications than the two that it stands for."""
    if chain.weights.ndim == 1:
        return True
    inputs, inner = chain.weights.shape
    outputs = weights.shape[1]
    return inputs * outputs <= inputs * inner + inner * outputs


def _rejoined(
    g: Graph, x: Matrix, weights: np.ndarray, bias: np.ndarray, unit: np.ndarray
) -> Matrix | None:
    """Return `x @ weights + bias` where x is several tensors side by side and some are scaled.

    What the scaled ones were made of is joined in their place; None where there is none.
    """
    origin = g.origins.get(x.name)
    parts = () if origin is None or origin.step is not None else origin.sources
    chains = [g.chains.get(p.name) for p in parts]
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
    return sparse_rows.linear(g, g.join(sources), np.vstack(rows), bias)


def _placed(chain: Chain, unit: np.ndarray) -> tuple[Matrix, np.ndarray, np.ndarray]:
    """Return the tensor, the weights and the bias of the product that a chain becomes."""
    if chain.center is None:
        return chain.source, chain.weights, chain.bias
    if chain.shifted is not None and not chain.folds(unit):
        return chain.shifted, chain.weights, chain.bias
    # With the weights as they are rounded, so that rows at the centre come out exact.
    rounded = chain.weights.astype(np.float32).astype(np.float64)
    return chain.source, chain.weights, chain.bias - chain.center @ rounded


def _linear(g: Graph, x: Matrix, weights: np.ndarray, bias: np.ndarray, unit: np.ndarray) -> Matrix:
    features = g.polynomials.get(x.name)
    found = None if features is None else read_out(g, features, weights, bias, product, unit)
    return sparse_rows.linear(g, x, weights, bias) if found is None else found
