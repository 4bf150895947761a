"""California Housing house values by plain least squares."""

from typing import Any

from toolkit.trainer.dataset import Dataset
from toolkit.trainer.datasets import california

# Published figures for this model are fitted and scored on all rows: give them as well.
ALL_ROWS = True


def dataset() -> Dataset:
    """Return California Housing, with its split."""
    return california.dataset()


def estimator() -> Any:
    """Return the unfitted estimator."""
    from sklearn.linear_model import LinearRegression

    return LinearRegression()
