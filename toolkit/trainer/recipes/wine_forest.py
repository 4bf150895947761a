"""Wine cultivars by a random forest of 100 trees."""

from typing import Any

from toolkit.trainer.dataset import Dataset
from toolkit.trainer.datasets import wine


def dataset() -> Dataset:
    """Return the wines, with its split."""
    return wine.dataset()


def estimator() -> Any:
    """Return the unfitted estimator."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=100, n_jobs=1, random_state=42)
