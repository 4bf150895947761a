"""California Housing by least squares on standardised features."""

from typing import Any

from toolkit.trainer.dataset import Dataset
from toolkit.trainer.datasets import california


def dataset() -> Dataset:
    """Return California Housing, with its split."""
    return california.dataset()


def estimator() -> Any:
    """Return the unfitted estimator."""
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LinearRegression())
