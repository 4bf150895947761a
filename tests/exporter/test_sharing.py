"""Equal constants are written once; what a node adds its own stays its own."""

from __future__ import annotations

import numpy as np
import pytest

from toolkit.exporter.conversion import Conversion
from toolkit.exporter.formulas.matmul import affine
from toolkit.exporter.sharing import SMALLEST, share
from toolkit.exporter.values import Matrix

TABLE = np.arange(2.0 * SMALLEST).reshape(SMALLEST, 2)


@pytest.mark.parametrize(
    ("other", "kept"),
    [
        (TABLE, 1),
        (-TABLE, 2),
        (TABLE.T.copy(), 2),
        (TABLE.astype("float32"), 2),
    ],
    ids=["equal", "other", "turned", "narrower"],
)
def test_equal_matrices_are_one(other: np.ndarray, kept: int) -> None:
    g = Conversion(dispatch=lambda *_: {})
    names = [g.constant(t, str(t.dtype), "table") for t in (TABLE, other)]
    for name in names:
        g.add("Transpose", [name], "turned")
    share(g)
    assert len(g.constants) == kept
    assert {n.input[0] for n in g.nodes} == set(g.constants)


def test_vectors_and_small_matrices_stay() -> None:
    g = Conversion(dispatch=lambda *_: {})
    for _ in range(2):
        affine(g, Matrix("X", "float64", 2), np.eye(2), np.ones(SMALLEST))
    share(g)
    assert len(g.constants) == 4
