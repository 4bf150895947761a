"""Linear models on polynomial features, computed without the features.

Of F features of degree p in d inputs, `Σ_f w_f · Π x` needs F products a row; two forms need fewer:

- squares (degree 2): with x̃ = [x, 1] the sum is a quadratic form `x̃ᵀ M x̃` with a symmetric
  M [d+1, d+1]. Its eigenvectors make it `Σ_k ±(x @ a_k + c_k)²`, at most d + 1 squares (the
  principal axes theorem). Squares cancel where single products do not, the more the further the
  inputs' sizes are apart: the axes are found for inputs scaled to their largest values, and the
  form is taken only if float32 holds it on sample rows.
- Horner's scheme: `Σ_i x_i · q_i(x)`, where q_i is of degree p − 1 and shares the features of
  that degree, d + 1 columns of weights on them. For degree 2 these are the inputs themselves.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.matmul import affine
from toolkit.exporter.origins import Monomials
from toolkit.exporter.values import Matrix
from toolkit.precision import FLOAT32_UNIT, POLYNOMIALS

Linear = Callable[[Conversion, Matrix, np.ndarray, np.ndarray], Matrix]

# An axis whose square never reaches this, of the same, is left out.
NOTHING = 1e-8


def read_out(
    g: Conversion,
    x: Monomials,
    weights: np.ndarray,
    bias: np.ndarray,
    linear: Linear,
    unit: np.ndarray,
) -> Matrix | None:
    """Return `features @ weights + bias` [N, k]; None where no form is shorter: k > 1, degree > 1.

    weights [F, k], bias [k]; linear: what adds the nodes of a linear map (graph, x, weights, bias).
    unit [k]: see `affine_map`.
    """
    degree = int(x.powers.sum(axis=1).max(initial=0))
    if degree < 2:
        constant = x.powers.sum(axis=1) == 0
        inputs = x.powers[~constant].T @ weights[~constant]
        return linear(g, x.source, inputs, bias + weights[constant].sum(axis=0))
    if weights.shape[1] != 1:
        return None
    if degree == 2:
        squares = _squares(g, x, weights[:, 0], float(bias[0]), linear, float(unit[0]))
        if squares is not None:
            return squares
    return _horner(g, x, weights[:, 0], float(bias[0]), linear)


def _squares(
    g: Conversion, x: Monomials, weights: np.ndarray, bias: float, linear: Linear, unit: float
) -> Matrix | None:
    rows = g.sample(x.source)
    if rows is None:
        return None
    form = quadratic_form(x.powers, weights, bias)
    reach = np.append(np.maximum(np.abs(rows).max(axis=0), 1e-30), 1.0)
    values, vectors = np.linalg.eigh(form * np.outer(reach, reach))
    # |x̃ / reach| <= 1 in every input, so that a square is at most |value| · (d + 1).
    useful = np.abs(values) * len(values) > NOTHING * min(1.0, unit)
    axes = vectors[:, useful] * np.sqrt(np.abs(values[useful])) / reach[:, None]
    signs = np.sign(values[useful])
    if not useful.any() or not _holds(rows, form, axes, signs, unit):
        return None
    projected = linear(g, x.source, axes[:-1], axes[-1])
    return affine(g, g.mul(projected, projected), signs[:, None], np.zeros(1))


def quadratic_form(powers: np.ndarray, weights: np.ndarray, bias: float) -> np.ndarray:
    """Return the symmetric M [d+1, d+1] with `x̃ M x̃ᵀ = Σ_f weights_f Π x^powers_f + bias`.

    powers [F, d] of degree 2 at most.
    """
    width = powers.shape[1]
    form = np.zeros((width + 1, width + 1))
    form[width, width] = bias
    for row, weight in zip(powers, weights, strict=True):
        factors = [*np.repeat(np.arange(width), row), width, width][:2]
        form[factors[0], factors[1]] += weight / 2
        form[factors[1], factors[0]] += weight / 2
    return form


def _holds(
    rows: np.ndarray, form: np.ndarray, axes: np.ndarray, signs: np.ndarray, unit: float
) -> bool:
    """Tell whether the sum of squares in float32 is right on the rows."""
    wide = np.column_stack([rows, np.ones(len(rows))])
    exact = ((wide @ form) * wide).sum(axis=1)
    # Projections as good as float32 can be: how they are computed is the linear map's matter.
    projected = (wide @ axes).astype(np.float32)
    squares = np.square(projected) * signs.astype(np.float32)
    size = np.square(wide @ axes).sum(axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.abs(squares.sum(axis=1, dtype=np.float32) - exact)
        error = np.maximum(error, size * FLOAT32_UNIT)  # a row may be lucky
        # Far rows are measured by how far they are, as the contract has it.
        own = np.maximum(unit, np.abs(exact - np.median(exact)))
        limit = np.minimum(np.maximum(1.0, np.abs(exact)), own)
        return bool((error <= POLYNOMIALS * limit).all())


def _horner(
    g: Conversion, x: Monomials, weights: np.ndarray, bias: float, linear: Linear
) -> Matrix:
    width = x.powers.shape[1]
    # The first factor of each product is taken out; what is left is a feature of lower degree.
    first = np.argmax(x.powers > 0, axis=1)
    constant = x.powers.sum(axis=1) == 0
    left = x.powers - np.eye(width, dtype=x.powers.dtype)[first]
    inner, at = np.unique(left[~constant], axis=0, return_inverse=True)
    table = np.zeros((len(inner), width))
    np.add.at(table, (at.ravel(), first[~constant]), weights[~constant])
    free = inner.sum(axis=1) == 0
    shift = table[free].sum(axis=0)
    if inner.sum(axis=1).max(initial=0) <= 1:  # the inputs themselves
        columns = np.zeros((width, width))
        columns[np.argmax(inner[~free], axis=1)] = table[~free]
        factors = linear(g, x.source, columns, shift)
    else:
        features = x.products(g, x.source, inner[~free])
        factors = affine(g, features, table[~free], shift)
    total = bias + float(weights[constant].sum())
    return affine(g, g.mul(x.source, factors), np.ones((width, 1)), np.array([total]))
