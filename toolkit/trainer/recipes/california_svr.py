"""California Housing by a support vector machine with a Gaussian kernel."""

from typing import Any

from toolkit.trainer.dataset import Dataset
from toolkit.trainer.datasets import california


def dataset() -> Dataset:
    """Return California Housing, with its split."""
    return california.dataset()


def estimator() -> Any:
    """Return the unfitted estimator."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    return make_pipeline(StandardScaler(), SVR(C=5.0, epsilon=0.3))
