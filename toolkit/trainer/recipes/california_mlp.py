"""California Housing by a neural network with two hidden layers of 64."""

from typing import Any

from toolkit.trainer.dataset import Dataset
from toolkit.trainer.datasets import california


def dataset() -> Dataset:
    """Return California Housing, with its split."""
    return california.dataset()


def estimator() -> Any:
    """Return the unfitted estimator."""
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        StandardScaler(),
        MLPRegressor(
            hidden_layer_sizes=(64, 64),
            early_stopping=True,
            max_iter=200,
            random_state=42,
        ),
    )
