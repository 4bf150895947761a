"""What scikit-learn refuses at prediction, the graph refuses too, in place of a wrong answer."""

from __future__ import annotations

import numpy as np
import pytest

from tests.estimators.harness import all_cases
from toolkit.errors import InvalidInput
from toolkit.exporter.flow import convert_and_prove
from toolkit.runtime.predictor import Predictor

CASES = {c.name: c for c in all_cases()}


@pytest.mark.parametrize("code", [-1, 5, 9, 1000])
def test_an_unseen_category(code: int) -> None:
    estimator, X, y = CASES["CategoricalNB"].fit()
    predictor = Predictor(convert_and_prove(estimator, X, y).chosen.content, "model")
    row = X[:1].copy()
    row[0, 1] = code  # this column's categories are 0 to 4
    with pytest.raises((IndexError, ValueError)):
        estimator.predict(row)
    with pytest.raises(InvalidInput):
        predictor.predict(row.astype(np.float32))


def test_a_mixture_gives_components_and_their_shares() -> None:
    estimator, X, _ = CASES["GaussianMixture-full"].fit()
    proven = convert_and_prove(estimator, X)
    assert proven.evidence.task == "clusterer"
    predictor = Predictor(proven.chosen.content, "model")
    assert predictor.outputs == ("label", "probabilities")
    np.testing.assert_allclose(predictor.predict_proba(X[:9]).sum(axis=1), 1.0, atol=1e-6)
