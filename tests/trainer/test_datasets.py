"""The bundled data sets: the published figures, the stated splits, the same data every time."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.model_selection import train_test_split

from toolkit.trainer import Dataset
from toolkit.trainer.datasets import california, digits, mixed, wine

# The published figures have 10 to 13 digits; least squares agrees to 1e-14 between libraries.
ALL_ROWS_TOLERANCE = 1e-12
SPLIT_TOLERANCE = 1e-10


def test_california_all_rows_figures():
    X, y = california.features_and_target()
    predicted = LinearRegression().fit(X, y).predict(X)
    assert r2_score(y, predicted) == pytest.approx(0.6062326851998, rel=0, abs=ALL_ROWS_TOLERANCE)
    mse = mean_squared_error(y, predicted)
    assert mse == pytest.approx(0.5243209861846, rel=0, abs=ALL_ROWS_TOLERANCE)


def test_california_held_out_figures():
    data = california.dataset()
    predicted = LinearRegression().fit(data.X_train, data.y_train).predict(data.X_test)
    r2, mse = r2_score(data.y_test, predicted), mean_squared_error(data.y_test, predicted)
    assert r2 == pytest.approx(0.5757877060, rel=0, abs=SPLIT_TOLERANCE)
    assert mse == pytest.approx(0.5558915987, rel=0, abs=SPLIT_TOLERANCE)


def test_california_is_scikit_learns_table():
    X, y = california.features_and_target()
    assert (X.shape, X.dtype, y.shape, y.dtype) == ((20640, 8), np.float64, (20640,), np.float64)
    # The first row as scikit-learn documents and returns it, and ratios at full precision.
    expected = [8.3252, 41.0, 880 / 126, 129 / 126, 322.0, 322 / 126, 37.88, -122.23]
    assert X[0].tolist() == expected
    assert y[0] == 4.526
    last = [2.3886, 16.0, 2785 / 530, 616 / 530, 1387.0, 1387 / 530, 39.37, -121.24]
    assert X[-1].tolist() == last


def test_california_split_is_train_test_split():
    data = california.dataset()
    X_train, X_test, y_train, y_test = train_test_split(
        data.X, data.y, test_size=0.2, random_state=42
    )
    np.testing.assert_array_equal(data.X_train, X_train)
    np.testing.assert_array_equal(data.X_test, X_test)
    np.testing.assert_array_equal(data.y_train, y_train)
    np.testing.assert_array_equal(data.y_test, y_test)


@pytest.mark.parametrize("module", [california, digits, wine, mixed], ids=lambda m: m.__name__)
def test_every_row_is_in_one_part(module):
    data = module.dataset()
    parts = np.concatenate([data.train, data.test])
    np.testing.assert_array_equal(np.sort(parts), np.arange(len(data.X)))
    assert len(data.y) == len(data.X)
    assert len(data.feature_names) == data.X.shape[1]
    assert data.split.endswith(".")


@pytest.mark.parametrize("module", [california, digits, wine, mixed], ids=lambda m: m.__name__)
def test_the_same_data_every_time(module):
    first, second = module.dataset(), module.dataset()
    pd.testing.assert_frame_equal(pd.DataFrame(first.X), pd.DataFrame(second.X))
    np.testing.assert_array_equal(first.y, second.y)
    np.testing.assert_array_equal(first.train, second.train)
    np.testing.assert_array_equal(first.test, second.test)


def test_mixed_has_what_it_promises():
    X, y = mixed.table()
    assert tuple(X.columns) == mixed.NUMERIC + mixed.CATEGORICAL
    assert X["storeys"].dtype == np.int64
    assert {str(X[name].dtype) for name in mixed.CATEGORICAL} == {"object"}
    missing = {name for name in X if X[name].isna().any()}
    assert missing == {"area_m2", "insulation", "winter_temperature", "heating", "orientation"}
    assert all(value is None for value in X["heating"][X["heating"].isna()])
    assert any(not city.isascii() for city in X["city"])
    assert {label: int((y == label).sum()) for label in np.unique(y)} == {
        "high": 1000,
        "low": 1000,
        "medium": 1000,
    }


def test_mixed_is_the_same_table_on_every_machine():
    X, _ = mixed.table()
    assert X.iloc[0].tolist() == [80.83, 1261.46, 3.87, 6.5, 1, "東京", "wood", "north"]
    assert X.iloc[1].tolist() == [88.94, 1611.51, 4.47, 1.03, 3, "東京", "électrique", None]
    assert X["rent"].sum() == pytest.approx(4943976.80, rel=0, abs=1e-6)


def test_parts_of_an_array_and_of_a_frame():
    rows = np.arange(8.0).reshape(4, 2)
    parts = {"train": np.array([3, 0]), "test": np.array([1])}
    for X in (rows, pd.DataFrame(rows, index=list("wxyz"))):
        data = Dataset("d", X, np.arange(4), ("a", "b"), "t", split="By hand.", **parts)
        assert np.asarray(data.X_train).tolist() == [[6, 7], [0, 1]]
        assert np.asarray(data.X_test).tolist() == [[2, 3]]
        assert (data.y_train.tolist(), data.y_test.tolist()) == ([3, 0], [1])


def test_a_dataset_without_target():
    data = Dataset("d", np.eye(2), None, ("a", "b"), None, np.array([0]), np.array([1]), "By hand.")
    assert data.y_train is None
    assert data.y_test is None


def test_a_row_in_both_parts_is_refused():
    with pytest.raises(ValueError, match="1 rows are in train and in test, row 2 among them"):
        Dataset("d", np.eye(3), None, ("a",), None, np.array([0, 2]), np.array([2]), "Wrong.")
