"""Fitting a recipe: its estimator on the training rows of its data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from toolkit.trainer.catalog import load_recipe
from toolkit.trainer.dataset import Dataset


@dataclass(frozen=True, eq=False)
class Trained:
    """A recipe's estimator, fitted on `dataset.train` alone, with the data that it came from.

    `all_rows` is {"rows", "r2", "mse"} of a second fit, scored on the very rows that it was fitted
    on, where the recipe asks for that; None elsewhere. It is no measure of held-out accuracy.
    """

    name: str
    estimator: Any
    dataset: Dataset
    all_rows: dict[str, int | float] | None


def train(name: str) -> Trained:
    """Fit the recipe `name`, the same way each time; InvalidInput where there is none."""
    recipe = load_recipe(name)
    dataset: Dataset = recipe.dataset()
    estimator = recipe.estimator().fit(dataset.X_train, dataset.y_train)
    wanted = getattr(recipe, "ALL_ROWS", False)
    all_rows = _all_rows(recipe.estimator(), dataset) if wanted else None
    return Trained(name, estimator, dataset, all_rows)


def _all_rows(estimator: Any, dataset: Dataset) -> dict[str, int | float]:
    from sklearn.metrics import mean_squared_error, r2_score

    predicted = estimator.fit(dataset.X, dataset.y).predict(dataset.X)
    return {
        "rows": len(dataset.X),
        "r2": float(r2_score(dataset.y, predicted)),
        "mse": float(mean_squared_error(dataset.y, predicted)),
    }
