"""California Housing by a random forest of 100 trees."""

from typing import Any

from toolkit.trainer.dataset import Dataset
from toolkit.trainer.datasets import california


def dataset() -> Dataset:
    """Return California Housing, with its split."""
    return california.dataset()


def estimator() -> Any:
    """Return the unfitted estimator."""
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(n_estimators=100, min_samples_leaf=2, n_jobs=1, random_state=42)
