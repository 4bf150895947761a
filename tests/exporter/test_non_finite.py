"""What a model takes, column by column: NaN where scikit-learn takes it, refused elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer

from toolkit.errors import InvalidInput
from toolkit.exporter.flow import convert_and_prove
from toolkit.runtime.predictor import Predictor
from toolkit.runtime.schema import non_finite_of_columns, runs_of

X = np.random.default_rng(0).normal(size=(40, 4))


def test_runs_are_read_back():
    non_finite = ["nan", "nan", "finite", "any"]
    assert runs_of(non_finite) == "nan*2|finite*1|any*1"
    assert list(non_finite_of_columns(runs_of(non_finite), 4)) == non_finite
    assert non_finite_of_columns(runs_of(["nan", "nan"]), 2) == ("nan", "nan")


def test_nan_is_refused_in_the_columns_that_scikit_learn_refuses():
    from sklearn.preprocessing import PolynomialFeatures

    parts = [("i", SimpleImputer(), [0, 2]), ("p", PolynomialFeatures(2), [1, 3])]
    model = ColumnTransformer(parts).fit(X)
    proven = convert_and_prove(model, X)
    assert proven.chosen.proof.passed
    predictor = Predictor(proven.chosen.content, "model.onnx")

    spoiled = X[:3].copy()
    spoiled[1, 2] = np.nan
    got = predictor.run({"X": spoiled})["variable"]
    np.testing.assert_allclose(got, model.transform(spoiled), rtol=1e-4, atol=1e-5)

    spoiled[1, 3] = np.nan
    with pytest.raises(InvalidInput, match="in row 1, column 3, the model takes finite numbers"):
        predictor.run({"X": spoiled})
