"""PolynomialFeatures as products of selections: as many small Gemms as the degree."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.graph import Graph, Outputs, Value


def polynomial(est: Any, x: Value, g: Graph) -> Outputs:
    """Every output is a product of at most `degree` factors, each an input column or 1.

    Factor k of all outputs at once is `X @ S_k + b_k`, where S_k [d, outputs] holds a single 1 in
    the column of an output whose k-th factor is an input, and b_k is 1 where it is the constant.
    Adding zeros is exact, so that the result has the rounding of the products alone.
    """
    x = g.floating(x)
    powers = np.asarray(est.powers_)
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
        factor = g.affine(x, select, ones)
        result = factor if result is None else g.product(result, factor)
    assert result is not None
    return {"transform": result}


CONVERTERS = {"sklearn.PolynomialFeatures": polynomial}
