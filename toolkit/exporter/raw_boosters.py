"""Boosters without a scikit-learn estimator around them: LightGBM's, XGBoost's and CatBoost's own.

Their objective says what they answer; where it leaves that open, the caller does.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from toolkit.errors import InvalidInput
from toolkit.exporter.tasks import CLASSIFIER, REGRESSOR

TASKS = (REGRESSOR, CLASSIFIER)
CLASSIFYING = ("binary", "multi", "multiclass", "multiclassova")


class _OfBooster(BaseEstimator):
    """What the converters and scikit-learn ask of an estimator, answered by a booster."""

    uses_best_iteration = False  # XGBoost's own Booster predicts with all its trees

    def __init__(self, booster: Any) -> None:
        self.booster = booster

    @property
    def booster_(self) -> Any:
        """LightGBM's name for it."""
        return self.booster

    def get_booster(self) -> Any:
        """XGBoost's name for it."""
        return self.booster

    @property
    def missing(self) -> float:
        """What marks a missing value."""
        return float("nan")

    @property
    def n_features_in_(self) -> int:
        """The number of columns."""
        lightgbm = hasattr(self.booster, "num_feature")
        return int(self.booster.num_feature() if lightgbm else self.booster.num_features())

    def fit(self, X: Any, y: Any = None) -> Any:
        """Raise NotImplementedError: the library's own `train` fitted the booster."""
        raise NotImplementedError("a booster is fitted by its library's train")

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def _answers(self, X: Any) -> np.ndarray:
        if hasattr(self.booster, "num_feature"):
            return np.asarray(self.booster.predict(X))
        import xgboost

        data = xgboost.DMatrix(X, enable_categorical=True)
        return np.asarray(self.booster.predict(data, validate_features=False))


class BoosterRegressor(RegressorMixin, _OfBooster):
    """A booster whose answers are numbers."""

    def predict(self, X: Any) -> np.ndarray:
        """Return the booster's answers, [N] or [N, outputs]."""
        return self._answers(X)


class BoosterClassifier(ClassifierMixin, _OfBooster):
    """A booster whose answers are probabilities; the classes are numbers from 0 on."""

    @property
    def classes_(self) -> np.ndarray:
        """The labels, int64 [classes]."""
        return np.arange(max(2, _outputs(self.booster)))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities [N, classes]."""
        p = self._answers(X)
        return p if p.ndim > 1 else np.stack([1.0 - p, p], axis=1)

    def predict(self, X: Any) -> np.ndarray:
        """Return the label of the largest probability [N]; of two, the second above 0.5."""
        p = self._answers(X)
        return p.argmax(axis=1) if p.ndim > 1 else (p > 0.5).astype(np.int64)


def as_estimator(estimator: Any, task: str | None = None) -> Any:
    """Return a booster as an estimator that predicts as it does; any other estimator as it is.

    task: "regressor" or "classifier", by default what the booster's objective says. CatBoost's own
    class gives raw values where no task is named. Raises InvalidInput for a task that is neither,
    and for one that is given with an estimator that knows its own.
    """
    if task not in (None, *TASKS):
        raise InvalidInput(f"task {task!r} is none of {', '.join(TASKS)}")
    library, name = type(estimator).__module__.partition(".")[0], type(estimator).__name__
    if library in ("lightgbm", "xgboost") and name == "Booster":
        chosen = task or (CLASSIFIER if _objective(estimator) in CLASSIFYING else REGRESSOR)
        return (BoosterClassifier if chosen == CLASSIFIER else BoosterRegressor)(estimator)
    if library == "catboost" and name == "CatBoost":
        if task is None:
            return estimator
        catboost = importlib.import_module("catboost")
        to = catboost.to_classifier if task == CLASSIFIER else catboost.to_regressor
        return to(estimator)
    if task is not None:
        raise InvalidInput(
            f"task {task!r} is given, and {name} knows its own; leave it out, it is for boosters "
            "without an estimator"
        )
    return estimator


def _objective(booster: Any) -> str:
    """Return the first word of the objective, "binary" of "binary:logistic"."""
    if hasattr(booster, "num_feature"):
        text = booster.model_to_string(num_iteration=1)
        found = [line for line in text.splitlines() if line.startswith("objective=")]
        return found[0].partition("=")[2].split()[0] if found else ""
    return str(_learner(booster)["objective"]["name"]).partition(":")[0]


def _outputs(booster: Any) -> int:
    if hasattr(booster, "num_model_per_iteration"):
        return int(booster.num_model_per_iteration())
    return int(_learner(booster)["learner_model_param"]["num_class"])


def _learner(booster: Any) -> dict[str, Any]:
    import json

    return dict(json.loads(bytes(booster.save_raw("json")))["learner"])
