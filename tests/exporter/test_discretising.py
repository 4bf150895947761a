"""Discretisers on columns that have nothing to cut."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, KBinsDiscretizer

from toolkit.exporter.flow import convert_and_prove


@pytest.mark.parametrize("encode", ["ordinal", "onehot-dense"])
def test_columns_of_one_bin_have_a_row_for_every_row(encode):
    """Their number of bins below a value is 0 whatever the value: a constant, of one row."""
    X = np.random.default_rng(0).normal(size=(80, 3))
    bins = KBinsDiscretizer(4, encode=encode, quantile_method="averaged_inverted_cdf")
    fitted = make_pipeline(Binarizer(threshold=9.0), bins).fit(X)
    proof = convert_and_prove(fitted, X).chosen.proof
    assert proof.passed, proof.worst()
