"""Rows over their norms: the shortest rows stay, as scikit-learn leaves them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import Normalizer

from toolkit.exporter.flow import convert_and_prove
from toolkit.runtime.predictor import Predictor

# Of length 0; below and above ten units of float64's rounding, 2.2e-15; and beyond float32's
# squares at both ends.
ROWS = np.array(
    [
        [0, 0, 0],
        [1e-16, 0, -1e-17],
        [1e-15, 1.5e-15, 0],
        [3e-15, 4e-15, 0],
        [1e-30, 0, 0],
        [3e25, 4e25, 0],
    ]
)


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_short_and_long_rows(norm, dtype):
    X = np.random.default_rng(0).normal(size=(60, 3))
    normalizer = Normalizer(norm).fit(X)
    proven = convert_and_prove(normalizer, X, input_dtype=dtype)
    assert proven.chosen.proof.passed
    rows = ROWS.astype(dtype)
    got = Predictor(proven.chosen.content, "here").run({"X": rows})["variable"]
    expected = normalizer.transform(rows.astype(np.float64))
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=0)
