"""California Housing by histogram gradient boosting."""

from typing import Any

from toolkit.trainer.dataset import Dataset
from toolkit.trainer.datasets import california


def dataset() -> Dataset:
    """Return California Housing, with its split."""
    return california.dataset()


def estimator() -> Any:
    """Return the unfitted estimator."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(random_state=42)
