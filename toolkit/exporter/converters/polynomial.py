"""PolynomialFeatures as products of selections: as many small Gemms as the degree."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.matmul import affine
from toolkit.exporter.origins import Monomials
from toolkit.exporter.values import NOTHING, Matrix, Outputs, Value


def polynomial(est: Any, x: Value, g: Conversion) -> Outputs:
    """Every output is a product of at most `degree` input columns.

    A linear model of one target behind it is computed without them (formulas/polynomials.py).
    """
    if not est.n_output_features_:  # of degree 3 without any product of three columns
        return {"transform": NOTHING}
    source, powers = g.floating(x), np.asarray(est.powers_)
    result = products(g, source, powers)
    if result.dtype == "float32":
        result = result.knowing(Monomials(source, powers, products))
    return {"transform": result}


def products(g: Conversion, x: Matrix, powers: np.ndarray) -> Matrix:
    """Return `Π_i x_i ** powers[f, i]` for each row f of powers [F, width].

    Factor k of all outputs at once is `X @ S_k + b_k`, where S_k [width, F] holds a single 1 in
    the column of an output whose k-th factor is an input, and b_k is 1 where it is the constant.
    Adding zeros is exact, so that the result has the rounding of the products alone.
    """
    outputs, width = powers.shape
    factors = [np.repeat(np.arange(width), row) for row in powers]
    result = None
    for k in range(max([1, *(len(f) for f in factors)])):
        select, ones = np.zeros((width, outputs)), np.zeros(outputs)
        for output, columns in enumerate(factors):
            if k < len(columns):
                select[columns[k], output] = 1.0
            else:
                ones[output] = 1.0
        factor = affine(g, x, select, ones)
        result = factor if result is None else g.mul(result, factor)
    assert result is not None
    return result


CONVERTERS = {"sklearn.PolynomialFeatures": polynomial}
