"""Handwritten digits by a neural network with one hidden layer of 64."""

from typing import Any

from toolkit.trainer.dataset import Dataset
from toolkit.trainer.datasets import digits


def dataset() -> Dataset:
    """Return the digits, with its split."""
    return digits.dataset()


def estimator() -> Any:
    """Return the unfitted estimator."""
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        StandardScaler(),
        MLPClassifier(hidden_layer_sizes=(64,), max_iter=400, random_state=42),
    )
