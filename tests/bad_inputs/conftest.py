"""Three models."""

from __future__ import annotations

import pytest
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import toolkit
from tests.bad_inputs.data import TABLE, TEXTS, X, Y


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """By name: an estimator and its bundle."""
    encoder = make_column_transformer((OneHotEncoder(), ["b"]), remainder="passthrough")
    fitted = {
        "numbers": (make_pipeline(StandardScaler(), Ridge()).fit(X, Y), X),
        "table": (make_pipeline(encoder, Ridge()).fit(TABLE, Y), TABLE),
        "texts": (make_pipeline(TfidfVectorizer(), Ridge()).fit(TEXTS, Y), TEXTS),
    }
    out = tmp_path_factory.mktemp("models")
    return {
        n: (e, toolkit.export(e, rows, Y, name=n, out=out / n, tune="latency"))
        for n, (e, rows) in fitted.items()
    }
