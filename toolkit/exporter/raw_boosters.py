"""Boosters without a scikit-learn estimator around them: LightGBM's, XGBoost's and CatBoost's own.

Their objective says what they answer; where it leaves that open, the caller does.
"""

from __future__ import annotations

import importlib
import json
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from toolkit.errors import InvalidInput, first_line
from toolkit.exporter.tasks import CLASSIFIER, REGRESSOR

TASKS = (REGRESSOR, CLASSIFIER)
CLASSIFYING = ("binary", "multi", "multiclass", "multiclassova")  # an objective's first word


class OfBooster(BaseEstimator):
    """What the converters and scikit-learn ask of an estimator, answered by a booster."""

    def __init__(self, booster: Any) -> None:
        self.booster = booster

    @property
    def n_features_in_(self) -> int:
        """The number of columns."""
        own = self.booster
        return int(own.num_feature() if _is_lightgbm(own) else own.num_features())

    @property
    def feature_names_in_(self) -> np.ndarray:
        """The columns' names; AttributeError where it was fitted on rows without."""
        own = self.booster
        names = own.feature_name() if _is_lightgbm(own) else own.feature_names
        if not names or all(n == f"Column_{k}" for k, n in enumerate(names)):
            raise AttributeError("the booster was fitted on rows without names")
        return np.array(names, dtype=object)

    def fit(self, X: Any, y: Any = None) -> Any:
        """Raise NotImplementedError: the library's own `train` fitted the booster."""
        raise NotImplementedError("a booster is fitted by its library's train")

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        """Return the class and the library: the booster's own has an address of memory."""
        return f"{type(self).__name__}({type(self.booster).__module__.partition('.')[0]}.Booster)"

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def answers(self, X: Any, margin: bool = False) -> np.ndarray:
        """Return the booster's answers, [N] or [N, outputs]; margin: XGBoost's before their link.

        XGBoost's own Booster predicts with all its trees, LightGBM's with those up to its best.
        """
        if _is_lightgbm(self.booster):
            return np.asarray(self.booster.predict(X))
        import xgboost

        data = xgboost.DMatrix(X, enable_categorical=True)
        scores = self.booster.predict(data, output_margin=margin, validate_features=False)
        return np.asarray(scores)


class BoosterRegressor(RegressorMixin, OfBooster):
    """A booster whose answers are numbers."""

    def predict(self, X: Any) -> np.ndarray:
        """Return the booster's answers, [N] or [N, outputs]."""
        return self.answers(X)


class BoosterClassifier(ClassifierMixin, OfBooster):
    """A booster whose answers are probabilities; the classes are numbers from 0 on.

    Of several labels a row each has its probability of being 1.
    """

    @property
    def classes_(self) -> np.ndarray:
        """The labels, int64 [classes]."""
        return np.arange(max(2, _outputs(self.booster)))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities [N, classes], or [N, labels]."""
        if _objective(self.booster) == "multi:softmax":  # which answers with labels
            return np.asarray(softmax(self.answers(X, margin=True).astype(np.float64), axis=1))
        p = self.answers(X)
        return p if p.ndim > 1 else np.stack([1.0 - p, p], axis=1)

    def predict(self, X: Any) -> np.ndarray:
        """Return the label of the largest probability [N]; of two, the second above 0.5."""
        p = self.predict_proba(X)
        if not _is_lightgbm(self.booster) and _targets(self.booster) > 1:
            return (p > 0.5).astype(np.float64)
        return p.argmax(axis=1) if len(self.classes_) > 2 else (p[:, 1] > 0.5).astype(np.int64)


def as_estimator(estimator: Any, task: str | None = None) -> Any:
    """Return a booster as an estimator that predicts as it does; any other estimator as it is.

    task: "regressor" or "classifier", by default what the booster's objective says. CatBoost's own
    class gives raw values, and labels only to a classifier. Raises InvalidInput for a task that is
    neither, for one that the booster cannot have, and for one that is given with an estimator that
    knows its own.
    """
    if task not in (None, *TASKS):
        raise InvalidInput(f"task {task!r} is none of {', '.join(TASKS)}")
    library, name = type(estimator).__module__.partition(".")[0], type(estimator).__name__
    if library in ("lightgbm", "xgboost") and name == "Booster":
        return _of_booster(estimator, task)
    if library == "catboost" and name == "CatBoost":
        return _of_catboost(estimator) if task == CLASSIFIER else estimator
    if task is not None:
        raise InvalidInput(
            f"task {task!r} is given, and {name} knows its own; leave it out, it is for boosters "
            "without an estimator"
        )
    return estimator


def _of_booster(booster: Any, task: str | None) -> Any:
    objective = _objective(booster)
    chosen = task or (CLASSIFIER if objective.partition(":")[0] in CLASSIFYING else REGRESSOR)
    if chosen == REGRESSOR:
        return BoosterRegressor(booster)
    if not objective:
        raise InvalidInput(
            "task 'classifier' is given, and the booster's objective is a function, so that it "
            "gives raw scores and no probabilities; export it as a regressor"
        )
    return BoosterClassifier(booster)


def _of_catboost(model: Any) -> Any:
    catboost = importlib.import_module("catboost")
    try:
        return catboost.to_classifier(model)
    except catboost.CatBoostError as error:
        raise InvalidInput(
            f"task 'classifier' is given, and CatBoost says: {first_line(error)}; export it as a "
            "regressor"
        ) from error


def _objective(booster: Any) -> str:
    """Return the objective's name, such as "binary" or "binary:logistic"; "" for a function."""
    if _is_lightgbm(booster):
        text = booster.model_to_string(num_iteration=1)
        lines = [line for line in text.splitlines() if line.startswith("objective=")]
        return lines[0].partition("=")[2].split()[0] if lines else ""
    return str(_learner(booster)["objective"]["name"])


def _outputs(booster: Any) -> int:
    """Return the number of classes, 0 or 1 for two."""
    if _is_lightgbm(booster):
        return int(booster.num_model_per_iteration())
    return int(_learner(booster)["learner_model_param"]["num_class"])


def _targets(booster: Any) -> int:
    return int(_learner(booster)["learner_model_param"]["num_target"])


def _learner(booster: Any) -> dict[str, Any]:
    return dict(json.loads(bytes(booster.save_raw("json")))["learner"])


def _is_lightgbm(booster: Any) -> bool:
    return type(booster).__module__.startswith("lightgbm.")
