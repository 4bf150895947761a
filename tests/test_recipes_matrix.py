"""Recipes × methods: what each variant keeps of its model, measured here on held-out rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tests.tolerances import FLOAT, MATRIX, Classifier, Refused
from toolkit.bundle import Bundle, Variant
from toolkit.exporter import export
from toolkit.quantizer import quantize
from toolkit.runtime import load
from toolkit.trainer import train

SLOW = {"california-forest", "california-gbm", "california-mlp", "california-svr"}  # seconds to fit
ALONE = 40  # rows that are run one by one as well


@dataclass(frozen=True)
class Made:
    """A recipe, fitted, exported and quantized with every method."""

    estimator: Any
    X: Any
    y: np.ndarray
    bundle: Bundle
    variants: dict[str, Variant]


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Each recipe's bundle, made when it is first asked for."""
    cache: dict[str, Made] = {}

    def make(recipe: str) -> Made:
        if recipe not in cache:
            trained = train(recipe)
            rows = trained.dataset
            bundle = export(
                trained.estimator,
                rows.X_train,
                rows.y_train,
                name=recipe,
                out=tmp_path_factory.mktemp("matrix") / recipe,
                X_test=rows.X_test,
                y_test=rows.y_test,
                all_rows=trained.all_rows,
            )
            variants = {v.method: v for v in quantize(bundle)}
            cache[recipe] = Made(trained.estimator, rows.X_test, rows.y_test, bundle, variants)
        return cache[recipe]

    return make


def marked(recipe, *more):
    marks = [pytest.mark.slow] if recipe in SLOW else []
    return pytest.param(
        recipe, *more, marks=marks, id="-".join([recipe, *(m.replace("-", "_") for m in more)])
    )


RECIPES = [marked(r) for r in MATRIX]
CELLS = [marked(r, m) for r, methods in MATRIX.items() for m in methods]


def rows_of(X, at):
    return X.iloc[at] if hasattr(X, "iloc") else X[at]


def r2(y, predicted):
    return 1.0 - np.square(y - predicted).sum() / np.square(y - y.mean()).sum()


def nmse(expected, got):
    return np.square(got - expected).mean() / expected.var()


def assert_within(limits, made, file):
    """Hold one file's predictions for the held-out rows against scikit-learn's."""
    predictor = load(made.bundle.path / file)
    predicted = predictor.predict(made.X)
    expected = made.estimator.predict(made.X)
    if isinstance(limits, Classifier):
        assert (predicted == expected).mean() >= limits.agreement
        got = predictor.predict_proba(made.X).astype(np.float64)
        expected = made.estimator.predict_proba(made.X)
        np.testing.assert_allclose(got.sum(axis=1), 1.0, atol=1e-5)
    else:
        got = predicted.astype(np.float64)
        assert abs(r2(made.y, got) - r2(made.y, expected)) <= limits.r2
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() <= limits.max_abs
    assert nmse(expected, got) <= limits.nmse
    if limits.bytes is not None:
        assert (made.bundle.path / file).stat().st_size <= limits.bytes
    assert_batch_of_one(limits, predictor, made.X)


def assert_batch_of_one(limits, predictor, X):
    """The first rows, each run alone, against the same rows in the whole batch."""
    whole = predictor.run(X)
    for row in range(ALONE):
        alone = predictor.run(rows_of(X, [row]))
        for name, values in alone.items():
            assert len(values) == 1
            if name != "label":
                assert np.abs(values - whole[name][[row]]).max() <= limits.batch
            elif limits.batch < 1e-3:
                assert values.tolist() == whole[name][[row]].tolist()


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_float_export(recipe, made):
    found = made(recipe)
    assert found.bundle.manifest["proof"]["passed"]
    assert_within(FLOAT[found.bundle.task], found, "model.onnx")


@pytest.mark.parametrize(("recipe", "method"), CELLS)
def test_variant(recipe, method, made):
    found, expected = made(recipe), MATRIX[recipe][method]
    variant = found.variants[method]
    if isinstance(expected, Refused):
        assert variant.status == expected.status, variant
        assert re.search(expected.reason, variant.reason), variant.reason
        assert variant.file is None
        assert not list(found.bundle.path.glob(f"model.{method}.*"))
        return
    assert variant.status == "ok", variant.reason
    assert variant.file is not None
    size = (found.bundle.path / variant.file).stat().st_size
    assert size == variant.bytes < (found.bundle.path / "model.onnx").stat().st_size
    assert_within(expected, found, variant.file)


def test_the_manifest_has_the_all_rows_figures_of_california_linear(made):
    found = made("california-linear").bundle.manifest["all_rows"]
    assert found["rows"] == 20640
    assert found["r2"] == pytest.approx(0.6062326851998, abs=1e-12)
    assert found["mse"] == pytest.approx(0.5243209861846, abs=1e-12)


def test_the_matrix_tells_right_from_wrong(made):
    """The limits reject another recipe's variant, which is as good a model of other weights."""
    linear, scaled = made("california-linear"), made("california-linear-scaled")
    limits = MATRIX["california-linear"]["float32-pack"]
    wrong = Made(linear.estimator, linear.X * 1.01, linear.y, scaled.bundle, {})
    assert_within(limits, linear, "model.float32-pack.pack")
    with pytest.raises(AssertionError):
        assert_within(limits, wrong, "model.uint8-pack.pack")
