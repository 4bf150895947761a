"""Two classes from one score: probabilities and label in four nodes, none of which repeats work."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.matmul import affine
from toolkit.exporter.values import Matrix


def binary_sigmoid(
    g: Conversion, raw: Matrix, scale: float = 1.0, *, zero_is_second: bool = False
) -> tuple[Matrix, Matrix]:
    """Return the class index [N] for a score [N, 1], and `[σ(−s), σ(s)]`, s = scale · raw, [N, 2].

    `[−s, s]` is one product; the sigmoid of both is more exact than `1 − σ(s)`, and the larger one
    is the class: the second where raw > 0 (scale > 0), or raw >= 0 with zero_is_second.
    """
    both = affine(g, raw, np.array([[-scale, scale]]), np.zeros(2))
    last: dict[str, Any] = {"select_last_index": 1} if zero_is_second else {}
    index = g.add("ArgMax", [both.name], "index", axis=1, keepdims=0, **last)
    return Matrix(index, "int64", 0), g.unary("Sigmoid", both)
