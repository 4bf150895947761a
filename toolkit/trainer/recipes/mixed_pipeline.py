"""Numbers with missing values and string categories into logistic regression."""

from typing import Any

from toolkit.trainer.dataset import Dataset
from toolkit.trainer.datasets import mixed


def dataset() -> Dataset:
    """Return the mixed table, with its split."""
    return mixed.dataset()


def estimator() -> Any:
    """Return the unfitted estimator."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer(
        [("num", numbers, list(mixed.NUMERIC)), ("cat", categories, list(mixed.CATEGORICAL))]
    )

    return make_pipeline(columns, LogisticRegression(max_iter=1000, random_state=42))
