"""Handwritten digits by multinomial logistic regression."""

from typing import Any

from toolkit.trainer.dataset import Dataset
from toolkit.trainer.datasets import digits


def dataset() -> Dataset:
    """Return the digits, with its split."""
    return digits.dataset()


def estimator() -> Any:
    """Return the unfitted estimator."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, random_state=42))
